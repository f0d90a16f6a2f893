"""The words by which gateways name a state: hints, never proof. The data is words.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import cast


@cache
def words(group: str) -> tuple[str, ...]:
    """The hints of one group, case-folded, in the languages in which gateways word their streams."""
    text = Path(__file__).with_name("words.json").read_text("utf-8")
    table = cast("dict[str, list[str]]", json.loads(text))
    return tuple(word.casefold() for word in table[group])


def says(text: str, group: str) -> bool:
    """Whether `text` holds a hint of `group`, in any case."""
    folded = text.casefold()
    return any(word in folded for word in words(group))
