"""The simulator's texts: wording.json, read when first needed. Knows no protocol."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, cast


@cache
def wording() -> dict[str, Any]:
    """The whole data file; callers must not change it."""
    text = Path(__file__).with_name("wording.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def fill(value: Any, fields: dict[str, str]) -> Any:
    """The JSON value with every ${name} in its strings replaced; what is put in is not looked at again."""
    if isinstance(value, str):
        return Template(value).safe_substitute(fields)
    if isinstance(value, list):
        return [fill(item, fields) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: fill(item, fields) for key, item in cast("dict[str, Any]", value).items()}
    return value
