"""Reads what a prompt asks for, as generously as the gateway's model would. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .wording import wording

SIZES = {"1:1": (1024, 1024), "2:3": (1024, 1536), "3:2": (1536, 1024)}

_TAG = re.compile(r"\[\[\s*([A-Za-z0-9_-]+)\s*\]\]")
_RATIO = re.compile("(?<![\\d:.])(1|2|3)\\s?[:\uff1a]\\s?(1|2|3)(?![\\d:]|\\.\\d)")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_INSTRUCTION_CHARS = 160


@dataclass(frozen=True)
class Asked:
    """What a prompt asks for; None and "" where it does not."""

    prompt: str
    tags: tuple[str, ...]
    words: str
    count: int | None
    ratio: str
    transparent: bool
    language: str


def read_prompt(text: str) -> Asked:
    """What a prompt asks for; where it does so twice the last one counts, as instructions come last."""
    prompt = _TAG.sub("", text).strip()
    return Asked(
        prompt=prompt,
        tags=tuple(dict.fromkeys(_TAG.findall(text))),
        words=_words(prompt),
        count=find_count(prompt),
        ratio=find_ratio(prompt),
        transparent=find_background(prompt) == "transparent",
        language=find_language(prompt),
    )


def find_ratio(text: str) -> str:
    """The last of 1:1, 2:3 and 3:2 in the text, else an empty string."""
    found = [f"{wide}:{high}" for wide, high in _RATIO.findall(text)]
    known = [ratio for ratio in found if ratio in SIZES]
    return known[-1] if known else ""


def find_count(text: str) -> int | None:
    """1, 2 or 4 where the text asks for so many pictures. "image 1" names a reference and is not a count."""
    data: dict[str, Any] = wording()["asked"]
    matches = [match for rule in data["count"] for match in re.finditer(rule, text, re.IGNORECASE)]
    if not matches:
        return None
    last = max(matches, key=lambda match: match.start(1))
    return data["numbers"][last[1].lower()]


def find_background(text: str) -> str:
    """ "transparent", "opaque", or an empty string."""
    data: dict[str, Any] = wording()["asked"]
    rest = re.sub("[\\s:=\uff1a]+", " ", text.lower())
    opaque = False
    for phrase in data["opaque"]:
        opaque = opaque or phrase in rest
        rest = rest.replace(phrase, " ")
    if any(phrase in rest for phrase in data["transparent"]):
        return "transparent"
    return "opaque" if opaque or "background opaque" in rest else ""


def find_language(text: str) -> str:
    """ja with any kana, zh with Chinese characters alone, else en: sibling gateways answer in the prompt's language."""
    if _KANA.search(text):
        return "ja"
    return "zh" if _HAN.search(text) else "en"


def _words(prompt: str) -> str:
    """The prompt without later lines that only say ratio, count or background."""
    lines = [line.strip() for line in prompt.splitlines() if line.strip()]
    return "\n".join(lines[:1] + [line for line in lines[1:] if not _is_instruction(line)])


def _is_instruction(line: str) -> bool:
    if len(line) > _INSTRUCTION_CHARS:
        return False
    return bool(find_ratio(line) or find_count(line) or find_background(line))
