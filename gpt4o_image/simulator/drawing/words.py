"""Finds what a prompt names: subjects that have an emblem, and places. Knows nothing of drawing."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import cast

_MOST = 3

Lexicon = dict[str, dict[str, list[str]]]  # "subjects" and "scenes" -> name -> the words for it, any language


@cache
def lexicon() -> Lexicon:
    """words.json. The subjects are named by their emoji and stand in the order of the font's glyphs."""
    return cast("Lexicon", json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8")))


def named(kind: str, prompt: str) -> list[str]:
    """At most three names of one kind, in the order in which the prompt mentions them."""
    names, pattern = _search(kind)
    found = (match["latin"] or match["other"] for match in pattern.finditer(_plain(prompt)))
    return list(dict.fromkeys(names[word] for word in found))[:_MOST]


@cache
def _search(kind: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """The longest word first; whole words for Latin ("cat" is not in "delicate"), anywhere for other scripts."""
    names = {_plain(word): name for name, words in lexicon()[kind].items() for word in (name, *words)}
    longest_first = sorted(names, key=len, reverse=True)
    latin, other = ("|".join(re.escape(w) for w in longest_first if w.isascii() == ascii_) for ascii_ in (True, False))
    return names, re.compile(rf"(?<![a-z0-9])(?P<latin>{latin or '(?!)'})(?:e?s)?(?![a-z0-9])|(?P<other>{other})")


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("-", " ").replace("\ufe0f", "").split())
