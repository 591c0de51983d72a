"""Documents of older versions for a judge of today: every pointer into them leads where it led."""

from typing import Any, Final

_TYPES: Final = {"string", "number", "integer", "boolean", "array", "object", "null"}


def modern(part: Any, is_old: bool) -> Any:
    """What older versions write otherwise, as 2020-12 has it; every pointer leads where it led."""
    if isinstance(part, list):
        return [modern(one, is_old) for one in part]
    if not isinstance(part, dict):
        return part
    if is_old and isinstance(part.get("$ref"), str):
        return {"$ref": part["$ref"]}  # before 3.1 what stands beside it does not count
    made = {name: modern(one, is_old) for name, one in part.items()}
    if part.get("nullable") is True and isinstance(part.get("type"), str):
        made["type"] = [part["type"], "null"]
    kind = part.get("type")
    if isinstance(kind, str | list) and not set([kind] if isinstance(kind, str) else kind) <= _TYPES:
        made.pop("type")
    _bound(part, made)
    if not isinstance(part.get("required", []), list) or part.get("enum") == []:
        made = {name: one for name, one in made.items() if name not in ("required", "enum")}
    _need_what_is_sent(part, made)
    if "discriminator" in part and "oneOf" in part:
        made["anyOf"] = made.pop("oneOf")
    return made


def _need_what_is_sent(part: Any, made: Any) -> None:
    if isinstance(part.get("properties"), dict) and isinstance(made.get("required"), list):
        hidden = {name for name, one in part["properties"].items() if isinstance(one, dict) and one.get("readOnly") is True}
        made["required"] = [name for name in dict.fromkeys(made["required"]) if name not in hidden]


def _bound(part: Any, made: Any) -> None:
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(part.get(exclusive), bool):
            made.pop(exclusive)
            if part[exclusive] and bound in made:
                made[exclusive] = made.pop(bound)
