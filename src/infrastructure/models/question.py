"""What the offline models understand of a conversation: its material, its sections, the labels it lists, its round.

Prompts may be long and come from anywhere: nothing here takes more than a few passes over the text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MARK = "[scripted]"
"""Stands before the prose of offline models, and is left out where they read their own words again."""

_TAG = re.compile(r"<([a-z_]{1,40})>\s*\n")
_LEAD = re.compile(r"\A(?:[^\n]*\n){0,5}?[^\n]*:[ \t]*\n")
_HEADING = re.compile(r"^#*[ \t]*([A-Za-z][\w ]{0,40}):[ \t]*(.*)$")
_ITEM = r"[\"'`]?[\w-]+[\"'`]?"
_BETWEEN = r"(?:,\s*(?:or\s+)?|\s+or\s+|\s*/\s*)"
_OPTIONS = re.compile(rf"(?:one of|choose from|into|labels?|categories)[:\s]+({_ITEM}(?:{_BETWEEN}{_ITEM})+)", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+")
_ROUND = re.compile(r"\b(?:round|revision|attempt)\D{0,4}(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What the last message says, what the system says, and the labels' own keywords, if the script has any."""

    prompt: str
    system: str = ""
    keywords: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def material(self) -> str:
        """What the prompt is about, without its instructions: what is fenced, else what follows an early line that ends in a colon,
        else everything after the first paragraph where the instructions have no message of their own."""
        text = self.prompt.replace(MARK, "").strip()
        if fenced := _fenced(text):
            return fenced
        if lead := _LEAD.match(text):
            return text[lead.end() :].strip()
        _first, _, rest = text.partition("\n\n")
        return text if self.system or not rest else rest.strip()

    @property
    def instructions(self) -> str:
        """What the system says, and the prompt without its material; the whole prompt where it is all material."""
        text = self.prompt.replace(MARK, "").strip()
        return f"{self.system}\n{text.replace(self.material, '') or text}"

    @property
    def sections(self) -> Mapping[str, str]:
        """The text under each `Heading:` of the prompt, by heading in lower case."""
        found: dict[str, list[str]] = {}
        lines = found.setdefault("", [])
        for line in self.prompt.replace(MARK, "").splitlines():
            if heading := _HEADING.match(line):
                lines = found.setdefault(heading[1].lower(), [])
                lines.append(heading[2])
            else:
                lines.append(line)
        return {name: "\n".join(lines).strip() for name, lines in found.items()}

    def section(self, *words: str) -> str:
        """The first section that is not empty and has one of the words in its heading."""
        return next((text for name, text in self.sections.items() if text and any(word in name for word in words)), "")

    @property
    def labels(self) -> Sequence[str]:
        """The options the prompt lists: `one of: billing, bug or other`."""
        listed = _OPTIONS.search(self.prompt) or _OPTIONS.search(self.system)
        return [label for label in re.findall(r"[\w-]+", listed[1]) if label.lower() != "or"] if listed else []

    @property
    def round(self) -> int:
        """The highest number of a round, revision or attempt that the prompt mentions; 1 without any."""
        return max((int(number) for number in _ROUND.findall(self.prompt)), default=1)


def first_sentences(text: str, count: int) -> str:
    """The first sentence of up to `count` paragraphs, spread over the text; of a single paragraph its first sentences."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n[-*] ", text) if len(part.split()) >= 4]
    if len(paragraphs) <= 1:
        return " ".join(_SENTENCE.split(" ".join(text.split()))[:count])
    chosen = paragraphs if len(paragraphs) <= count else [paragraphs[i * (len(paragraphs) - 1) // max(1, count - 1)] for i in range(count)]
    return " ".join(_SENTENCE.split(paragraph)[0] for paragraph in chosen)


def _fenced(text: str) -> str:
    """What stands between ``` or triple quotes or in the first tag that has a line to itself; empty without any."""
    for fence in ("```", '"""'):
        blocks = text.split(fence)[1::2]
        if blocks:
            return "\n\n".join(block.strip() for block in blocks)
    tag = _TAG.search(text)
    end = text.find(f"</{tag[1]}>", tag.end()) if tag else -1
    return text[tag.end() : end].strip() if tag and end >= 0 else ""
