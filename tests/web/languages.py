"""The pack's languages and their words. Tests of a language have one page in common."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "ja", "zh", "zh-TW", "ko")


def in_language(language):
    """The settings. Nodes 2.0: there the names on a node are text in the page."""
    return {"Comfy.Locale": language, "Comfy.VueNodes.Enabled": True, "Comfy.Canvas.SelectionToolbox": True}


each_language = pytest.mark.parametrize("settings", [in_language(each) for each in LANGUAGES], ids=LANGUAGES)


def words(language, file="main"):
    """Of one of its files."""
    return json.loads((ROOT / "locales" / language / f"{file}.json").read_text("utf-8"))
