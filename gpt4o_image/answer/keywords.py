"""The words by which gateways name a state: hints, never proof. The data is keywords.json.

A word that starts with an ASCII letter only counts where a word begins: "terror" is not an error.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import cast


@cache
def words(group: str) -> tuple[str, ...]:
    """The hints of one group, case-folded, in the languages in which gateways word their streams."""
    return tuple(word.casefold() for word in _table()[group])


def says(text: str, group: str) -> bool:
    """Whether `text` holds a hint of `group`, in any case."""
    return _pattern((group,)).search(text.casefold()) is not None


@lru_cache(maxsize=512)
def hints(text: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `groups` that `text` hints at, in the order in which it does. Where two fit, the earlier group counts.

    Remembered, since a stream says the same few words over and over.
    """
    found = (match.lastgroup for match in _pattern(groups).finditer(text.casefold()))
    return tuple(dict.fromkeys(group for group in found if group))


@cache
def _table() -> dict[str, list[str]]:
    text = Path(__file__).with_name("keywords.json").read_text("utf-8")
    return cast("dict[str, list[str]]", json.loads(text))


@cache
def _pattern(groups: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{group}>{_alternatives(words(group))})" for group in groups))


def _alternatives(group: tuple[str, ...]) -> str:
    """What is matched anywhere, then what is matched at the start of a word only."""
    initial = [re.escape(word) for word in group if "a" <= word[0] <= "z"]
    anywhere = [re.escape(word) for word in group if not "a" <= word[0] <= "z"]
    return "|".join([*anywhere, *([rf"(?<![a-z])(?:{'|'.join(initial)})"] if initial else [])])
