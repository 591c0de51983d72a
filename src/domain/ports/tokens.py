"""Tokens that somebody else has signed for whoever asks."""

from typing import Protocol

from domain.access import Principal


class Tokens(Protocol):
    async def principal_of(self, token: str) -> Principal:
        """Who stands behind it. `Unauthenticated` says what is wrong with it, or missing in it; `TokenKeysUnavailable` when nobody can say,
        as the keys that it is checked with cannot be had."""
