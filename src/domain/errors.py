"""Every error Weft raises on purpose: one tree, one file, however long it grows.

A family decides the status a client sees, `code` is stable and made for machines, the message says what to do.
`retryable` tells a retry policy whether the same call may succeed later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from domain.json import Json


class Family(StrEnum):
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UPSTREAM = "upstream"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where (JSON pointer, and for YAML line and column from 1), what, and a sentence."""

    pointer: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What a journal keeps of an error: enough to route on, retry by and show, never a stack."""

    code: str
    message: str
    node: str = ""
    attempt: int = 1
    retryable: bool = False
    retry_after: float | None = None

    def as_json(self) -> dict[str, Json]:
        return {"code": self.code, "message": self.message, "node": self.node, "attempt": self.attempt}


class WeftError(Exception):
    family: ClassVar[Family] = Family.INTERNAL
    code: str = "internal"
    retryable: bool = False
    retry_after: float | None = None

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else self.code


class DomainError(WeftError):
    """A rule of the product was broken."""


class InfrastructureError(WeftError):
    """Something the product stands on did not answer as it should."""

    family = Family.UNAVAILABLE
    code = "infrastructure"
    retryable = True


# What was asked is not well formed.
class ValidationError(DomainError):
    """Says everything that is wrong at once; `problems` is never empty."""

    family = Family.INVALID
    code = "invalid"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (Problem("", self.code, message),)


class DocumentTooLarge(ValidationError):
    family = Family.TOO_LARGE
    code = "too_large"


class ScopeMissing(ValidationError):
    """Something is to be remembered for a session, a user or a workflow, and there is none."""

    code = "scope_missing"


class UnfitVariables(ValidationError):
    """What a prompt is to be rendered with is not what it declares."""

    code = "invalid_variables"


class ExpressionError(ValidationError):
    """An expression or template that does not compile, is not allowed, or went wrong when it ran."""

    code = "expression_error"


class TooHeavy(ExpressionError):
    """Values that weigh more than is worked on."""


# Who asks may not, or is not known.
class Unauthenticated(DomainError):
    family = Family.UNAUTHENTICATED
    code = "unauthenticated"


class RateLimited(DomainError):
    """`retry_after`: seconds until it is allowed."""

    family = Family.RATE_LIMITED
    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Forbidden(DomainError):
    family = Family.FORBIDDEN
    code = "forbidden"


class SecretRefused(DomainError):
    """A secret that is not there, or not for there. Says its name, never what it is."""

    family = Family.FORBIDDEN
    code = "secret_refused"


# It is not there, or not yours: the two are never told apart.
class NotFound(DomainError):
    family = Family.NOT_FOUND
    code = "not_found"


class WorkflowNotFound(NotFound):
    code = "workflow_not_found"


class TemplateNotFound(NotFound):
    code = "template_not_found"


class PromptNotFound(NotFound):
    code = "prompt_not_found"


class RunNotFound(NotFound):
    code = "run_not_found"


class ThreadNotFound(NotFound):
    code = "thread_not_found"


class PositionNotFound(NotFound):
    """The journal ends before it."""

    code = "position_not_found"


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"


class SessionNotFound(NotFound):
    code = "session_not_found"


class ItemNotFound(NotFound):
    code = "item_not_found"


class ToolNotFound(NotFound):
    code = "tool_not_found"


class ToolServerNotFound(NotFound):
    code = "tool_server_not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class ScheduleNotFound(NotFound):
    code = "schedule_not_found"


class WebhookNotFound(NotFound):
    code = "webhook_not_found"


class BudgetNotFound(NotFound):
    code = "budget_not_found"


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"


# The thing moved on while you were looking.
class BusinessRuleViolation(DomainError):
    family = Family.CONFLICT
    code = "conflict"


class BudgetNameTaken(BusinessRuleViolation):
    """Names of budgets are unique within a tenant."""

    code = "budget_name_taken"


class VersionTaken(BusinessRuleViolation):
    code = "version_taken"


class IdempotencyConflict(BusinessRuleViolation):
    """One key, two bodies."""

    code = "idempotency_conflict"


class IllegalTransition(BusinessRuleViolation):
    """Says the state it is in and the state that was wanted."""

    code = "illegal_transition"


class TooManySignals(BusinessRuleViolation):
    """So many are kept for the run already, and nothing in it waits for them."""

    code = "too_many_signals"


class ThreadError(BusinessRuleViolation):
    code = "thread_error"


class ThreadBusy(BusinessRuleViolation):
    """A run is under way on the thread; names it."""

    code = "thread_busy"


class NothingUnderWay(BusinessRuleViolation):
    """No run can go on from that position; says what can be done instead."""

    code = "nothing_under_way"


class PositionMoved(BusinessRuleViolation):
    """The thread does not end where whoever asked believed; says where it does."""

    code = "position_moved"


class SessionError(BusinessRuleViolation):
    code = "session_error"


class SessionChanged(SessionError):
    """Somebody else changed it since it was read: nothing was overwritten. Read it again."""

    code = "session_changed"
    retryable = True


class ItemChanged(BusinessRuleViolation):
    """Somebody else wrote it since it was read: nothing was overwritten. Read it again."""

    code = "item_changed"
    retryable = True


class ToolDescriptionChanged(BusinessRuleViolation):
    """Of what somebody approves: it is not what they looked at."""

    code = "tool_description_changed"


class Fenced(BusinessRuleViolation):
    """The lease is no longer the newest: whoever held it must stop and may write nothing."""

    code = "fenced"


class Stale(BusinessRuleViolation):
    """The lease is the newest but the journal has moved: read the tail, decide again, execute nothing again."""

    code = "stale"
    retryable = True


# It was there, and is not any more.
class Gone(DomainError):
    family = Family.GONE
    code = "gone"


class PositionGone(Gone):
    """Retention removed it. `begins`: the first position that can still be read."""

    code = "position_gone"

    def __init__(self, message: str, begins: int) -> None:
        super().__init__(message)
        self.begins = begins


class CursorGone(PositionGone):
    """Rows behind a reader's cursor were removed. `begins - 1` is the oldest cursor from which every row follows."""

    code = "cursor_gone"


class ReaderTooSlow(RateLimited):
    """A reader that asked to be let go when it falls behind did. It comes back with its cursor, at once if it likes."""

    code = "reader_too_slow"

    def __init__(self, message: str) -> None:
        super().__init__(message, 0.0)


class SnapshotExpired(Gone):
    code = "snapshot_expired"


# A run went wrong. These end up in journals as `Failure`.
class ThreadExecutionError(DomainError):
    family = Family.INTERNAL
    code = "execution_failed"


class NodeExecutionError(ThreadExecutionError):
    """A node's own failure; `code` may be set to something more telling."""

    code = "node_failed"

    def __init__(self, message: str, code: str | None = None, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.retryable = retryable


class Poisoned(ThreadExecutionError):
    """Whoever worked on the run died of it, again and again."""

    code = "poisoned"


class EdgeEvaluationError(ThreadExecutionError):
    code = "edge_failed"


class Nondeterministic(ThreadExecutionError):
    """A node that was run again asked for something else than the journal has."""

    code = "nondeterministic"


class NodeTimeout(ThreadExecutionError):
    code = "timeout"
    retryable = True


class ConcurrentWrite(ThreadExecutionError):
    code = "concurrent_write"


class ValueTooLarge(ThreadExecutionError):
    """One value that is written; names its path."""

    family = Family.TOO_LARGE
    code = "value_too_large"


class StateTooLarge(ThreadExecutionError):
    """All that would be held; names the path of what made it so large."""

    family = Family.TOO_LARGE
    code = "state_too_large"


class LimitReached(ThreadExecutionError):
    """A limit with a number; `code` is `limit_steps`, `limit_visits`, `limit_seconds`, `limit_depth`, `limit_fan_out`, `limit_cost`,
    `limit_tokens`, `limit_turns`."""

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.code = f"limit_{limit}"


class BudgetExceeded(ThreadExecutionError):
    """A call was not made: what it may use does not fit into a budget any more."""

    family = Family.CONFLICT
    code = "budget_exceeded"


class PriceUnknown(ThreadExecutionError):
    """A call was not made: a budget counts money, and nobody knows what the call costs."""

    family = Family.CONFLICT
    code = "price_unknown"


class ToolError(ThreadExecutionError):
    """A tool's own failure. `unknown`: it does not tell whether the tool did what it does; else nothing was done."""

    family = Family.UPSTREAM
    code = "tool_failed"

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.retryable = retryable
        self.retry_after = retry_after
        self.unknown = unknown


class ModelError(ThreadExecutionError):
    """A model's provider refused or failed. `code` is one of `model_auth, model_rate_limited, model_timeout, model_bad_request,
    model_context_length, model_content_filter, model_unavailable, model_stream_cut, model_garbage, model_bad_image,
    model_image_unreachable, provider_open`."""

    family = Family.UPSTREAM

    def __init__(self, message: str, code: str, *, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


class TrackingError(DomainError):
    """Usage that cannot be counted: negative tokens, two currencies in one sum."""

    code = "tracking_failed"


class HistoryError(DomainError):
    code = "history_failed"


# What the product stands on.
class DatabaseError(InfrastructureError):
    code = "database_unavailable"


class RepositoryError(DatabaseError):
    code = "repository_failed"


class DatabaseUnusable(DatabaseError):
    """It answers, and has not what this version needs: it does not come right by waiting."""

    code = "database_unusable"
    retryable = False


class ChannelClosed(InfrastructureError):
    """Its reader has gone."""

    code = "channel_closed"
    retryable = False


class StorageError(InfrastructureError):
    code = "storage_failed"


class TokenKeysUnavailable(InfrastructureError):
    """Nobody can say whether a token is good."""

    code = "token_keys_unavailable"


class NetworkError(InfrastructureError):
    family = Family.UPSTREAM
    code = "network_failed"


class SerializationError(InfrastructureError):
    family = Family.INTERNAL
    code = "serialization_failed"
    retryable = False


class FactoryError(InfrastructureError):
    """A node kind, tool or adapter that cannot be built; names the known ones."""

    family = Family.INVALID
    code = "unknown_kind"
    retryable = False


def failure_of(error: WeftError, node: str = "", attempt: int = 1) -> Failure:
    return Failure(error.code, error.message, node, attempt, error.retryable, error.retry_after)
