"""Limits by key, in memory: how many hold a slot, and how many began in a rate's window."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.ids import TenantId
from domain.run.terms import Gate, Terms

Key = tuple[TenantId, str]


@dataclass(slots=True)
class Count:
    """`ends`: when the window is over; a slot has none."""

    gate: Gate
    used: int = 0
    ends: float = 0.0

    def is_open(self, now: float) -> bool:
        return self.used < self.gate.most or (self.gate.seconds is not None and self.ends <= now)


@dataclass(slots=True)
class Gates:
    """What a gate lets in is what the newest start with its key said."""

    _counts: dict[Key, Count] = field(default_factory=dict)

    def know(self, tenant: TenantId, terms: Terms) -> None:
        for gate in terms.gates:
            self._counts.setdefault((tenant, gate.key), Count(gate)).gate = gate

    def let_in(self, tenant: TenantId, terms: Terms, now: float, *, has_begun: bool) -> bool:
        return all(self._count(tenant, gate).is_open(now) for gate in _passed(terms, has_begun))

    def enter(self, tenant: TenantId, terms: Terms, now: float, *, has_begun: bool) -> None:
        for gate in _passed(terms, has_begun):
            count = self._count(tenant, gate)
            if gate.seconds is not None and count.ends <= now:
                count.used, count.ends = 0, now + (count.gate.seconds or 0.0)
            count.used += 1

    def leave(self, tenant: TenantId, terms: Terms) -> None:
        if terms.slot is not None:
            self._count(tenant, terms.slot).used -= 1

    def windows(self, now: float) -> Iterator[float]:
        """When those that have let in all they may open again."""
        return (count.ends for count in self._counts.values() if count.gate.seconds is not None and not count.is_open(now))

    def _count(self, tenant: TenantId, gate: Gate) -> Count:
        return self._counts.setdefault((tenant, gate.key), Count(gate))


def _passed(terms: Terms, has_begun: bool) -> tuple[Gate, ...]:
    """A run goes through its rate once, and into its slot each time."""
    if terms.slot is None and terms.rate is None:
        return ()
    return terms.gates if not has_begun or terms.rate is None else tuple(gate for gate in (terms.slot,) if gate is not None)
