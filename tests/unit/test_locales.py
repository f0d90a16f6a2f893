"""The words in each language: the same keys and placeholders everywhere, nothing that the front end misreads."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "locales"
FILES = ("main.json", "nodeDefs.json", "commands.json", "settings.json")
TRANSLATIONS = ("ja", "zh", "zh-TW", "ko")
# Languages have different plural forms: a key that ends in one stands for the key without it.
PLURAL = re.compile(r"_(zero|one|two|few|many|other)$")
PLACEHOLDER = re.compile(r"<\w+>")
KANA = re.compile("[\u3041-\u30fa]")
# vue-i18n's own signs: a text that holds one is shown broken or not at all.
SIGNS = re.compile(r"[@{}|$%]")
# What is the same in every language: names, values of settings, and words between two placeholders.
SAME = re.compile(r"RGB|(<\w+>|[^\w])*|.*<\w+>: <\w+>")


def texts(value, path=()):
    """Every text of a locale file with its path of keys."""
    if isinstance(value, str):
        yield path, value
        return
    for key, inner in value.items():
        yield from texts(inner, (*path, key))


def load(language, file):
    return json.loads((LOCALES / language / file).read_text("utf-8"))


def singular(path):
    return (*path[:-1], PLURAL.sub("", path[-1]))


def without_aliases(words):
    """Nodes 2.0 up to front end 1.49 looks a socket's tooltip up by its translated name: that name is a second key."""
    for node in words.values():
        translated = {entry.get("name") for entry in node["inputs"].values()}
        node["inputs"] = {
            key: entry for key, entry in node["inputs"].items() if "name" in entry or key not in translated
        }
    return words


def comparable(language, file):
    words = load(language, file)
    return dict(texts(without_aliases(words) if file == "nodeDefs.json" else words))


def test_every_language_has_every_file():
    found = {folder.name: sorted(path.name for path in folder.iterdir()) for folder in LOCALES.iterdir()}
    assert found == dict.fromkeys(("en", *TRANSLATIONS), sorted(FILES))


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("file", FILES)
def test_a_translation_has_the_keys_of_english(language, file):
    english, translated = comparable("en", file), comparable(language, file)
    assert {singular(path) for path in translated} == {singular(path) for path in english}


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("file", FILES)
def test_a_translation_has_the_placeholders_of_english(language, file):
    english = {singular(path): sorted(PLACEHOLDER.findall(text)) for path, text in texts(load("en", file))}
    for path, text in comparable(language, file).items():
        assert sorted(PLACEHOLDER.findall(text)) == english[singular(path)], path


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("file", FILES)
def test_a_translation_is_in_its_language(language, file):
    english = comparable("en", file)
    for path, text in comparable(language, file).items():
        assert not text.isascii() or SAME.fullmatch(text), (path, text)
        assert text != english.get(path) or SAME.fullmatch(text), (path, text)
        assert language == "ja" or not KANA.search(text), (path, text)


@pytest.mark.parametrize("language", ["en", *TRANSLATIONS])
@pytest.mark.parametrize("file", FILES)
def test_no_text_is_empty_or_has_a_sign_of_the_text_engine(language, file):
    for path, text in texts(load(language, file)):
        assert text.strip() == text != "", path
        assert not SIGNS.search(text), (path, text)


def test_the_program_itself_speaks_english():
    """Other scripts live in locales, help pages and data files; errors quote the gateway's words at run time."""
    folders = (ROOT / name for name in ("gpt4o_image", "nodes", "tests", "benchmarks"))
    files = [ROOT / "__init__.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    assert [path.name for path in files if not path.read_text("utf-8").isascii()] == []
    assert len(files) > 50
