"""The built-in offline models: plain rules that turn a conversation into a sensible answer, the same one every time.

`echo` says what it was told, `summary` takes first sentences, `classify` picks a label by keywords, `critic` asks for two revisions and
approves the third, `reply` writes a letter out of notes, `draft` a text; `assistant` looks which of these is asked for.
Prose begins with a mark that says where it comes from; labels and verdicts do not, so that a graph can route by them.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from infrastructure.models.question import MARK, Question, first_sentences

PATIENCE = 2
"""Rounds in which the critic asks for more."""

KEYWORDS: Mapping[str, Sequence[str]] = {
    "billing": ("invoice", "charge", "refund", "payment", "paid", "billed", "subscription", "credit card", "receipt", "price"),
    "bug": ("error", "crash", "broken", "bug", "fails", "failed", "exception", "freez", "stack trace", "not work", "wrong result"),
    "account": ("password", "log in", "login", "sign in", "locked out", "username", "two-factor"),
    "feature": ("feature", "would be nice", "suggest", "please add", "wish", "missing option"),
    "delivery": ("shipping", "parcel", "delivery", "arrived", "courier", "tracking"),
}
_ABOUT = re.compile(r"\b(?:about|on the subject of)[ \t]+([^\n]+)", re.IGNORECASE)
FALLBACKS = ("other", "unknown", "general", "none", "neutral")


def echo(question: Question) -> str:
    text = question.prompt.strip()
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    words = text.split()
    return f"{MARK} You said, in {len(words)} words: {' '.join(words[:30])}{' ...' if len(words) > 30 else ''} ({digest})"


def summary(question: Question) -> str:
    return f"{MARK} {first_sentences(question.material, 4)}"


def classify(question: Question) -> str:
    return pick(question, question.labels) if question.labels else echo(question)


def critic(question: Question) -> str:
    if question.round > PATIENCE:
        return "APPROVED"
    wish = ("say in the first sentence what the reader gains", "replace one general claim by a figure or an example")[question.round % 2]
    return f"REVISE: {wish}. {MARK}"


def reply(question: Question) -> str:
    notes = question.section("note", "context", "fact", "knowledge", "result", "found", "article") or question.material
    closing = "If this does not help, just answer this message.\n\nKind regards\nSupport"
    return f"{MARK} Hello,\n\nthank you for writing to us. {first_sentences(notes, 3)}\n\n{closing}"


def draft(question: Question) -> str:
    about = _ABOUT.search(question.prompt)
    subject = question.section("topic", "subject", "about", "task", "title") or (about[1] if about else question.material)
    wishes = question.section("critique", "feedback", "revise", "comment").removeprefix("REVISE:").strip()
    notes = question.section("note", "fact", "context")
    parts = [f"{MARK} {first_sentences(subject, 2)}", first_sentences(notes, 3), f"New in this version: {wishes}" if wishes else ""]
    return "\n\n".join(filter(None, parts))


def assistant(question: Question) -> str:
    asked = question.instructions.casefold()
    return next((answer for words, answer in TASKS if any(word in asked for word in words)), echo)(question)


Answering = Callable[[Question], str]

TASKS: Sequence[tuple[Sequence[str], Answering]] = (
    (("approved",), critic),
    (("classif", "categorise", "categorize", "which label", "which category"), classify),
    (("summar", "digest", "condense", "overview"), summary),
    (("reply", "answer the", "answer to", "respond", "customer"), reply),
    (("draft", "write", "revise", "compose"), draft),
)

BUILT_IN: Mapping[str, Answering] = {
    "assistant": assistant,
    "classify": classify,
    "critic": critic,
    "draft": draft,
    "echo": echo,
    "reply": reply,
    "rules": echo,
    "summary": summary,
}
"""`rules` is for nodes that bring a script: where no rule holds it says so by an echo."""


def pick(question: Question, labels: Sequence[str]) -> str:
    """The label most of whose keywords are in the material, the earliest of several; without any a label like `other`, else the last."""
    text = question.material.casefold()
    scores = [sum(map(text.__contains__, _words_for(label, question.keywords))) for label in labels]
    if max(scores):
        return labels[scores.index(max(scores))]
    return next((label for label in labels if label.lower() in FALLBACKS), labels[-1])


def _words_for(label: str, own: Mapping[str, Sequence[str]]) -> Sequence[str]:
    words = own.get(label) or [*KEYWORDS.get(label.lower(), ()), label.replace("_", " ")]
    return [word.casefold() for word in words]
