"""`errors.md`: the tree of errors, and what runs fail with."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.reference_pages.markdown import code, page, table
from tools.reference_pages.words import words_for

_ABOUT: Final = """\
`code` is stable and made for machines; the sentence beside it says what to do about this case. REST answers with
`application/problem+json` (`type, title, status, detail, code, instance, request_id`, and `problems` for documents); a run that
failed keeps `{code, message, node, attempt}` in `error`; `on_error` edges and `retry.codes` name codes."""

ADVICE: Final = {
    "internal": "report it; the log has it under the `request_id` of the answer",
    "infrastructure": "try again; look at `/readyz`",
    "invalid": "mend what `problems` lists: each has a pointer, and for YAML line and column",
    "too_large": "send less; the sentence names the bound",
    "scope_missing": "start the run with `session_id`, or remember with another `scope`",
    "expression_error": "mend the expression or template; the sentence names it and what it stumbled over",
    "invalid_variables": "give each variable that the prompt declares: `problems` points at those that do not fit",
    "unauthenticated": "send a key in `Authorization: Bearer`; `weft keys create` makes one",
    "token_keys_unavailable": "try again; let the service reach the address in `WEFT_JWT_KEYS`",
    "rate_limited": "wait for as long as `Retry-After` says",
    "forbidden": "use a key with the role that the sentence names",
    "secret_refused": "name a secret that `weft config show` lists, and send it to its hosts; the sentence says which",
    "not_found": "look at the path; what belongs to another tenant is not found either",
    "workflow_not_found": "publish it, or look at the name and version; the sentence lists the known ones",
    "prompt_not_found": "publish it, or look at the name and version: `weft prompts list`; the sentence lists the known ones",
    "template_not_found": "look at the name: `GET /v1/templates`",
    "run_not_found": "look at the id: `GET /v1/runs`",
    "thread_not_found": "look at the id: `GET /v1/threads`",
    "tool_not_found": "look at the name: `GET /v1/tools`",
    "tool_server_not_found": "look at the name: `weft tools servers`",
    "model_not_found": "look at the name: `GET /v1/models`",
    "position_not_found": "look at where the journal ends: the sentence says it",
    "snapshot_not_found": "look at the id: `GET /v1/threads/{id}/snapshots`",
    "item_not_found": "look at its namespace and key; what has expired is gone",
    "session_not_found": "look at the id: `GET /v1/sessions`",
    "gone": "it was there once; the sentence says what is left of it",
    "position_gone": "read from the position on that `begins` names: retention removed what was before",
    "cursor_gone": "begin again at the position that the sentence names, and read the state there",
    "reader_too_slow": "come back with the position of the last row: rows are never lost, and the chunks that were are gone",
    "snapshot_expired": "restore a position instead, or take snapshots that live longer",
    "schedule_not_found": "look at the id: `GET /v1/schedules`",
    "budget_not_found": "look at the name or id: `weft budgets list`",
    "budget_name_taken": "change that budget with `weft budgets raise`, or take another name",
    "budget_exceeded": "raise the budget (`weft budgets raise`), wait for its next period, or give the node a smaller `max_tokens`",
    "price_unknown": "give the model a price, or call one that has one: a budget of money counts the call",
    "webhook_not_found": "look at the id: `GET /v1/webhooks`",
    "delivery_not_found": "look at the id: `GET /v1/webhooks/{id}/deliveries`",
    "key_not_found": "look at the id: `weft keys list`",
    "conflict": "read what there is now, and decide again",
    "version_taken": "raise `version`: what was published never changes",
    "idempotency_conflict": "use a new `Idempotency-Key` for another body",
    "too_many_signals": "wait until the run has taken some; or send with `transient`, which keeps nothing",
    "thread_busy": "wait until nothing works on the thread, or say `on_busy`; the sentence names what runs",
    "position_moved": "read the state again: somebody changed it since `expected_position`",
    "tool_description_changed": "look again at `weft tools servers`: the server says something else by now",
    "item_changed": "read the item again: somebody wrote it since the version that was expected",
    "session_changed": "read the session again: somebody changed it meanwhile",
    "nothing_under_way": "leave out `continue`: no run was under way at this position",
    "illegal_transition": "look at the run's status: it no longer allows this",
    "thread_error": "wait for the thread's run to end, or use another thread",
    "session_error": "look at the session's state",
    "fenced": "nothing: another worker has the run and goes on with it",
    "stale": "nothing: the worker reads the new rows and decides again",
    "execution_failed": "look at the run's `error`: it names the node",
    "node_failed": "look at the run's `error`; `retry` and `on_error` are how a graph deals with it",
    "nondeterministic": "start another run: the node asks something else than its journal has",
    "poisoned": "look at the workers' logs: three of them were lost while they worked on it (memory, a crash in a library)",
    "edge_failed": "mend the edge's expression: a missing field is an error, never false; `has(state.x)` asks",
    "timeout": "raise `timeout_seconds`, or add `retry`",
    "concurrent_write": "let one node write the channel, give it a merge rule, or say `on_conflict: last`",
    "value_too_large": "write less: keep it elsewhere and write where it is; the sentence names the path",
    "state_too_large": "drop what is not needed any more, or keep it elsewhere; the sentence names the path of what was written last",
    "limit_steps": "look for a loop without an end, or raise `limits.steps`",
    "limit_visits": "look for a loop without an end, or raise `limits.visits`",
    "limit_seconds": "raise `limits.seconds`",
    "limit_depth": "look for a workflow that calls itself for ever, or raise `limits.depth`",
    "limit_fan_out": "make the list shorter, or raise `limits.fan_out`",
    "limit_cost": "raise `limits.cost_usd`, of an agent `max_cost_usd`, or use a cheaper model",
    "limit_turns": "raise `max_turns` of the agent, or say `on_limit: stop`",
    "limit_tokens": "raise `limits.tokens`, or ask for less",
    "tool_failed": "look at the sentence: it is the tool's own",
    "tracking_failed": "report it: usage that cannot be counted",
    "history_failed": "report it",
    "database_unavailable": "look at the database; workers wait for it and go on by themselves",
    "repository_failed": "look at the log and the database",
    "database_unusable": "restore the database from a backup, update Weft, or name another database; nobody waits for this one",
    "channel_closed": "report it: it never leaves the service",
    "storage_failed": "look at the log and the disk",
    "network_failed": "try again; look at the network between here and there",
    "serialization_failed": "report it: something stored cannot be read",
    "unknown_kind": "use one of the kinds that the sentence lists, or install the package that brings it",
}
MODELS: Final = {
    "model_auth": "set the provider's key",
    "model_rate_limited": "nothing, where `retry` is set: `Retry-After` is obeyed",
    "model_timeout": "raise `timeout_seconds`, or add `retry`",
    "model_bad_request": "mend the node: the sentence is the provider's",
    "model_context_length": "send less, or use a model with a longer context",
    "model_content_filter": "look at what was asked; route with `on_error`",
    "model_unavailable": "nothing, where `retry` is set",
    "provider_open": "nothing, where `retry` is set; its provider failed again and again and is left alone for `retry_after` seconds",
    "model_stream_cut": "nothing, where `retry` is set; the tokens so far are counted",
    "model_garbage": "add `retry`, or use a model that can answer in the schema; the sentence says what came",
    "model_bad_image": "send a PNG, JPEG, GIF or WebP of at most 5 MiB, from an address that may be fetched; the sentence says which",
    "model_image_unreachable": "look at the image's address; `retry` helps where its server was busy",
}
FAILURES: Final = {
    "bad_update": "write what the channel's merge rule can take: a list to `append`, a number to `add`",
    "cancelled": "nothing: it is what a compensation sees as `error` when the run was cancelled",
    "compensation_failed": "look at what was not undone, and undo it by hand",
    "dead_end": "give the last node an edge to `end`: all tokens were lost before it",
    "handoff_loop": "say in the agents' instructions who does what, or raise `ping_pong_limit` or `max_handoffs`",
    "invalid_arguments": "let `arguments` give what the tool's schema asks for",
    "invalid_default": "give a `default` that fits the question's `schema`",
    "invalid_input": "give the child an input that fits its `input` schema",
    "context_too_long": "raise `context.max_tokens`, pin fewer messages, or lower `keep_last`",
    "invalid_messages": "let `messages` give a list of `{role, content}`",
    "invalid_images": "let `images` give URLs, data URIs or objects with `base64`, at most 20",
    "invalid_output": "mend the tool: its result does not fit its schema; of a model, raise `repair.attempts` or say more in the prompt",
    "invalid_tool_call": "say more in the prompt or in the tool's description: the model asks for it with what it does not take",
    "invalid_seconds": "let `seconds` give a number that is not negative",
    "invalid_until": "let `until` give a time with its zone, at most ten years ahead",
    "invalid_update": "write what fits the channel's schema",
    "join_starved": "look at the join: the sentence names what came and what is missing; `on_starved` can allow it",
    "price_unknown": "set the model's price, or leave out the limit of money",
    "no_route": "add a rule or `otherwise`",
    "not_a_list": "let `over` give a list",
    "tool_changed": "start another run: the tool touches the world in another way than when this one began",
    "terminated": "nothing: a `terminate` node with `status: failed` ended it",
    "tool_loop": "tell the agent what to do when a tool does not help, or raise `repeat_limit`",
    "result_not_kept": "nothing: the call by hand was made under this key and has ended; only its long answer is not there any more",
    "unknown_outcome": "look whether it was done; then decide with `weft runs resolve`, or call by hand with another key",
}


def errors_page(module: Any, status_of: Mapping[Any, int], model_codes: Mapping[str, bool]) -> str:
    tree = list(_tree(module.WeftError))
    codes = {error.__dict__["code"] for error in tree if "code" in error.__dict__} | _limits(module)
    words_for("errors", codes, ADVICE)
    words_for("model errors", model_codes, MODELS)
    return page(
        "Errors",
        _ABOUT,
        "## By class",
        table(
            ("code", "class", "family", "status", "what to do"), [_error(error, status_of) for error in tree if "code" in error.__dict__]
        ),
        "## What runs fail with besides",
        table(("code", "what to do"), [(code(name), ADVICE[name]) for name in sorted(_limits(module))]),
        table(("code", "what to do"), [(code(name), words) for name, words in FAILURES.items()]),
        "## Models",
        table(
            ("code", "tried again", "what to do"),
            [(code(name), "yes" if again else "", MODELS[name]) for name, again in model_codes.items()],
        ),
    )


def _tree(root: Any) -> Iterator[Any]:
    yield root
    for below in root.__subclasses__():
        if below.__module__ == root.__module__:
            yield from _tree(below)


def _limits(module: Any) -> set[str]:
    """The codes that the docstring of `LimitReached` promises."""
    words = (inspect.getdoc(module.LimitReached) or "").split("`")
    return {word for word in words if word.startswith("limit_")}


def _error(error: Any, status_of: Mapping[Any, int]) -> tuple[str, ...]:
    name = error.__dict__["code"]
    return code(name), error.__name__, error.family.value, str(int(status_of[error.family])), ADVICE[name]
