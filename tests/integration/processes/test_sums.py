"""What was used, as everybody tells it: the provider's own books, `/v1/usage`, the runs, the history and the metrics of all processes say
the same, to the last token and to the last digit.

Three things cannot be equal, and are told apart here. A cached answer is a call of ours and none of the provider's: it uses nothing. A call
that is cancelled before the provider said what it counted is our estimate, flagged; all of us tell the same one. Metrics are floats. (A
counter only goes up: the metrics also keep what a lost worker's call was charged before its true numbers came. No worker is lost here.)
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.servers import web
from tests.servers.commands import Commands, Running, commands
from tests.servers.provider import MORE, Provider, Said, providing
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes

PRICES = {"small": ("0.15", "0.07", "0.6"), "large": ("2.5", "1.25", "10.01"), "odd": ("0.000001", "0.000001", "0.000003")}
MUTE = "house/mute"
"""It says what it counted when it has said everything, and here it never has."""
PAID = """
from weft import tool


@tool(effects="none", in_process=True, cost_usd="0.0125")
def paid() -> str:
    return "done"
"""
BY_HAND = "tool/paid"
GRAPH = {"weft": 1, "name": "double", "version": "1.0.0", "nodes": {"on": {"kind": "transform"}}, "edges": [{"from": "start", "to": "on"}]}
INVOICE = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


def answer(asked: dict[str, Any], before: int) -> Said:
    """What it is to say is in the prompt."""
    first, last = (
        str(message["content"]) for message in (asked["messages"][-1 if len(asked["messages"]) == 1 else 1], asked["messages"][-1])
    )
    told = f"{first} {last}"
    if "cannot be used" in last:
        return Said('{"total": 7}')
    if "the total" in told:
        return Said("Seven, I think.")
    if "work it out" in told:
        return Said("It is three.") if asked["messages"][-1]["role"] == "tool" else Said(call=("calculator", '{"expression": "1 + 2"}'))
    if "break off" in told and before == 0:
        return Said("It was a dark", cut=True)
    if "garbled" in told and asked["model"] == "odd":
        return Said(call=("calculator", "{no json"))
    if "forever" in told:
        return Said("Once upon a time", told=asked["model"] != "mute", held=True)
    return Said(json.dumps(GRAPH)) if "draft" in told else Said("Well said.")


def llm(model: str, prompt: str, **more: Any) -> dict[str, Any]:
    return {"kind": "llm", "model": model, "prompt": f"Please {prompt}. {'And then some more words. ' * 8}", "max_tokens": 200, **more}


def workflow(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    names = [f"{name}{number}" for number, _ in enumerate(nodes)]
    edges = [{"from": before, "to": after} for before, after in zip(["start", *names], names, strict=False)]
    return {"weft": 1, "name": name, "version": "1.0.0", "nodes": dict(zip(names, nodes, strict=True)), "edges": edges}


AGENT = {"kind": "agent", "model": "house/large", "instructions": "You reckon.", "prompt": "work it out", "tools": ["calculator"]}
ENDING = {
    "plain": workflow("plain", llm("house/small", "say it"), llm("house/large", "say it"), llm("house/free", "say it")),
    "repaired": workflow("repaired", llm("house/small", "say the total", response_schema=INVOICE)),
    "reckons": workflow("reckons", AGENT),
    "retried": workflow("retried", llm("house/breaks", "break off", retry={"attempts": 2, "first_seconds": 0.01})),
    "chained": workflow("chained", llm("chain", "say it, garbled")),
    "pays": workflow("pays", {"kind": "tool", "tool": "paid", "arguments": {}}),
    "cached": workflow("cached", llm("house/small", "say it again", cache={"ttl_seconds": 600})),
}
CANCELLED = {"stopped": workflow("stopped", llm("house/large", "go on forever")), "mute": workflow("mute", llm(MUTE, "go on forever"))}


@dataclass(frozen=True, slots=True)
class Sums:
    """By model. `cost` without what has no price."""

    prompt: Counter[str] = field(default_factory=Counter)
    completion: Counter[str] = field(default_factory=Counter)
    cost: dict[str, Decimal] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[tuple[str, int, int, Decimal | None]]) -> "Sums":
        sums = cls()
        for model, prompt, completion, cost in lines:
            sums.prompt[model] += prompt
            sums.completion[model] += completion
            sums.cost[model] = sums.cost.get(model, Decimal(0)) + (cost or Decimal(0))
        return sums

    def without(self, *models: str) -> "Sums":
        return Sums.of((name, self.prompt[name], self.completion[name], self.cost[name]) for name in self.prompt if name not in models)

    @property
    def total(self) -> tuple[int, int, Decimal]:
        return self.prompt.total(), self.completion.total(), sum(self.cost.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class House:
    """A service that carries what is to be cancelled and no more, who starts workers, and the provider that all of them ask."""

    provider: Provider
    api: Running
    started: Commands

    @property
    def rest(self) -> Rest:
        return Rest(self.api.url())

    def get(self, path: str) -> dict[str, Any]:
        found = web.get(self.api.url() + path, timeout=30)
        assert found.is_success, found.text
        return dict(found.json())

    def records(self, kind: str) -> list[dict[str, Any]]:
        found, cursor = list[dict[str, Any]](), ""
        while True:
            page = self.get(f"/v1/history?type={kind}&limit=10{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Of all processes."""
        for process in self.started.started:
            for labels, value in re.findall(rf"^{name}\{{(.*?)\}} (\S+)$", web.get(f"{process.url()}/metrics").text, re.MULTILINE):
                yield dict(re.findall(r'(\w+)="(.*?)"', labels)), float(value)

    def talking(self, document: dict[str, Any]) -> str:
        """A run in the middle of what the model says. Only the process that hears it tells of that: without Redis it tells nobody else."""
        run = self.rest.start(document)
        with web.stream("GET", f"{self.api.url()}/v1/runs/{run}/events?chunks=1", timeout=30) as lines:
            assert any(line.startswith("data:") and MORE in line for line in lines.iter_lines())
        return run

    def cancelled(self, run: str) -> dict[str, Any]:
        self.rest.post(f"/v1/runs/{run}/cancel", {})
        return self.rest.ended(run)


@pytest.fixture
def house(tmp_path: Path, new_postgres_database: Callable[[], str]) -> Iterator[House]:
    with providing(PRICES | {"breaks": PRICES["small"], "mute": PRICES["small"]}, answer) as provider:
        prices = {f"WEFT_PRICES__house/{name}": json.dumps([price_of(*price)]) for name, price in provider.prices.items()}
        variables = {
            "WEFT_DATABASE_URL": new_postgres_database(),
            "WEFT_MODELS__chain": json.dumps(["house/odd", "house/large"]),
            "WEFT_MODEL_ENDPOINTS": json.dumps({"house": {"api_base": provider.url, "adapter": "openai"}}),
            **prices,
        }
        (modules := tmp_path / "modules").mkdir()
        (modules / "paid_tools.py").write_text(PAID)
        with commands(tmp_path / "weft", variables | {"WEFT_TOOLS": "paid_tools"}, modules) as started:
            yield House(provider, started.serve(WEFT_WORKER_RUNS=str(len(CANCELLED))), started)


def price_of(prompt: str, cached: str, completion: str) -> dict[str, str]:
    return {"from": "2020-01-01", "prompt": prompt, "cached": cached, "completion": completion}


def by_provider(house: House) -> Sums:
    return Sums.of((f"house/{entry.model}", entry.prompt, entry.completion, entry.cost) for entry in house.provider.books)


def by_usage(items: list[dict[str, Any]]) -> Sums:
    return Sums.of((one["model"], one["prompt_tokens"], one["completion_tokens"], Decimal(one["cost"]["amount"])) for one in items)


def by_history(house: House) -> Sums:
    tokens = [(one["model"], one["data"]) for one in house.records("token_usage")]
    costs = [(one["model"], one["data"]["cost"]) for one in house.records("cost_record")]
    used = [(model, data["prompt_tokens"], data["completion_tokens"], None) for model, data in tokens]
    return Sums.of([*used, *((model, 0, 0, cost and Decimal(cost["amount"])) for model, cost in costs)])


def by_metrics(house: House) -> Sums:
    """Up to the twelfth place: a float has no more."""
    of = {"prompt": 0, "completion": 0}
    tokens = [(labels["model"], of | {labels["direction"]: int(value)}) for labels, value in house.samples("weft_tokens_total")]
    costs = [(labels["model"], Decimal(str(round(value, 12)))) for labels, value in house.samples("weft_cost_total")]
    return Sums.of(
        [*((model, used["prompt"], used["completion"], None) for model, used in tokens), *((model, 0, 0, cost) for model, cost in costs)]
    )


def by_calls(house: House) -> Sums:
    """As the convention's histogram has them, which knows tokens alone and models without their providers."""
    lines = [
        (labels["gen_ai_request_model"], labels["gen_ai_token_type"], int(n))
        for labels, n in house.samples("gen_ai_client_token_usage_sum")
    ]
    return Sums.of((f"house/{model}", n * (kind == "input"), n * (kind == "output"), None) for model, kind, n in lines)


def in_runs(views: Iterable[dict[str, Any]]) -> tuple[int, int, Decimal]:
    lines = [("", view["usage"]["prompt_tokens"], view["usage"]["completion_tokens"], Decimal(view["cost"]["amount"])) for view in views]
    return Sums.of(lines).total


def test_the_provider_and_everybody_who_tells_of_it_say_the_same(house: House) -> None:
    talking = [house.talking(document) for document in CANCELLED.values()]
    house.started.worker()
    runs = [house.rest.ended(house.rest.start(document)) for document in ENDING.values()]
    runs.append(house.rest.ended(house.rest.start(ENDING["cached"])))
    stopped = [house.cancelled(run) for run in talking]
    draft = house.rest.post("/v1/workflows/draft", {"description": "draft it", "model": "house/large"})

    by_hand = house.rest.post("/v1/tools/paid/call", {"arguments": {}})

    usage = house.get("/v1/usage?group_by=model&limit=100")
    told, total, books = by_usage(usage["items"]), usage["total"], house.provider.books
    assert ([run["status"] for run in runs], [run["status"] for run in stopped]) == (["completed"] * 8, ["cancelled"] * 2)
    assert (told.cost[BY_HAND], Decimal(by_hand["cost"]["amount"])) == (Decimal("0.025"), Decimal("0.0125"))
    assert told.without(MUTE, BY_HAND) == by_provider(house).without(MUTE)
    assert told.total == (total["prompt_tokens"], total["completion_tokens"], Decimal(total["cost"]["amount"]))
    assert told.total == in_runs([*runs, *stopped, draft, {"usage": {"prompt_tokens": 0, "completion_tokens": 0}, **by_hand}])
    assert told == by_history(house)
    assert told == by_metrics(house)
    assert (told.prompt, told.completion) == ((calls := by_calls(house)).prompt, calls.completion)
    processes = [
        len(re.findall("^weft_tokens_total{", web.get(f"{one.url()}/metrics").text, re.MULTILINE)) for one in house.started.started
    ]
    assert all(processes), "each of the two did something"
    counted = [entry for entry in books if entry.model != "mute"]
    assert (total["cached_tokens"], total["reasoning_tokens"]) == (
        sum(one.cached for one in counted),
        sum(one.reasoning for one in counted),
    )
    assert (total["estimated_calls"], total["unknown_calls"], total["cost"]["unpriced_calls"]) == (1, 0, 1), "mute's; none; free's"
    assert total["calls"] == len(books) + 1 + 2, "one was answered from the cache, and a tool was called twice"
    for kind in ("llm_request", "llm_response"):  # they are written beside: a chain is one, and what the cache answers nobody is asked
        until(lambda kind=kind: len(house.records(kind)) == len(books) - 1, f"each {kind} in the history")  # type: ignore[misc]
