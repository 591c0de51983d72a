"""What `weft doctor` says of models: of each alias whether it can be called, and whether what it costs is known."""

from collections.abc import Iterator, Sequence
from typing import Final

from application.examination_views import FindingView, fail, ok, warn
from domain.ids import DEFAULT_TENANT
from domain.model import ModelCard, ProviderHealth
from domain.ports.checkup import AliasVitals, MoneyBudget

SHOWN: Final = 3
_PRICED: Final = "set its price with WEFT_PRICES"


def about_models(alias: AliasVitals, money: Sequence[MoneyBudget]) -> Iterator[FindingView]:
    """One finding for each thing that is wrong with an alias, or one that nothing is."""
    what = f"model {alias.name}"
    if alias.unknown:
        says = f"nobody knows {', '.join(alias.unknown)}: every call is refused"
        yield fail(what, says, f"name a PROVIDER/MODEL in WEFT_MODELS__{alias.name}, as openai/gpt-4o-mini")
        return
    found = [*_keys(what, alias), *_prices(what, alias, money), *_providers(what, alias)]
    chain = ", then ".join(card.name for card in alias.chain)
    yield from found or [ok(what, f"{chain}: can be called, and the price is known")]


def _keys(what: str, alias: AliasVitals) -> Iterator[FindingView]:
    is_lost = not any(card.usable for card in alias.chain)
    for card in alias.chain:
        if not card.usable:
            why, _, do = card.reason.partition(": ")
            says = f"{card.name} has {why}; {'every call fails' if is_lost else 'the others of its chain answer'}"
            yield (fail if is_lost else warn)(what, says, f"{do} where Weft runs")


def _prices(what: str, alias: AliasVitals, money: Sequence[MoneyBudget]) -> Iterator[FindingView]:
    for card in alias.chain:
        price = card.prompt_price
        refusing = [budget for budget in money if price is None or budget.currency != price.currency]
        if price is None and not refusing:
            yield warn(what, f"nobody says what {card.name} costs: its calls are counted without a cost", _PRICED)
        elif refusing:
            costs = "nobody says what it costs" if price is None else f"it costs {price.currency}"
            yield warn(what, f"{card.name} is refused where the budgets {_named(refusing)} count its calls: {costs}", _PRICED)


def _providers(what: str, alias: AliasVitals) -> Iterator[FindingView]:
    for card in alias.chain:
        if card.health is not None and (says := _trouble(card, card.health)):
            yield warn(what, says, "look at the provider's status page, and at the limits of your key; calls go on by themselves")


def _trouble(card: ModelCard, health: ProviderHealth) -> str:
    if health.breaker != "closed":
        when = "" if health.last_error_at is None else f" at {health.last_error_at:%H:%M:%S} UTC"
        return f"calls of {card.provider} fail, the last with {health.last_error or 'no word'}{when}"
    if health.paused_until is not None:
        return f"{card.provider} wants no calls before {health.paused_until:%H:%M:%S} UTC"
    return ""


def _named(budgets: Sequence[MoneyBudget]) -> str:
    names = [budget.name if budget.tenant == DEFAULT_TENANT else f"{budget.name} of {budget.tenant}" for budget in budgets]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
