"""Every spelling of every name is found in any dress, and nothing else is."""

import json
import time
import unicodedata
from pathlib import Path

import pytest

from gpt4o_image import artists
from gpt4o_image.artists import Artist, check_artists, find_artists
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.request import Request

DATA = json.loads(Path(artists.__file__).with_name("artists.json").read_text("utf-8"))
PROMPTS = Path(__file__).parents[1].joinpath("fixtures", "prompts.txt").read_text("utf-8").splitlines()
MIYAZAKI_JA = "\u5bae\u5d0e\u99ff"
MURAKAMI = "\u6751\u4e0a\u9686"


def sure(entry):
    japanese = [entry["name_ja"]] if "name_ja" in entry else []
    return [entry["name_en"], *japanese, *entry.get("name_zh", []), *entry.get("also", [])]


SPELLINGS = [(name, entry) for entry in DATA["artists"] for name in sure(entry)]
IN_STYLE = [(name, entry) for entry in DATA["artists"] for name in entry.get("in_style", [])]


def names(prompt, more=None):
    return [artist.name for artist in find_artists(prompt, more or {})]


def full_width(text):
    return "".join("\u3000" if c == " " else chr(ord(c) + 0xFEE0) if c.isascii() else c for c in text)


def accented(text):
    """An acute accent on each Latin vowel, as one character and as two in turn."""
    marked = "".join(c + "\u0301" if c in "aeiouAEIOU" else c for c in text)
    return unicodedata.normalize("NFC", marked) if len(text) % 2 else marked


DRESSES = {
    "plain": lambda name: f"a castle in the style of {name}, at dusk",
    "alone": lambda name: name,
    "first": lambda name: f"{name}\u98ce\u683c",
    "upper case": lambda name: f"A CASTLE BY {name.upper()}!",
    "lower case": lambda name: f"({name.lower()}:1.3)",
    "full width": lambda name: full_width(f"castle, {name}, dusk"),
    "half width": lambda name: name.translate({ord("\u30fb"): "\uff65"}) + " castle",
    "accents": lambda name: f"castle by {accented(name)}",
    "middle dots": lambda name: name.replace(" ", "\u30fb").replace("\u00b7", "\u2027"),
    "hyphens": lambda name: f"{name.replace(' ', '-')}-style",
    "underscores": lambda name: f"castle, {name.replace(' ', '_')}, dusk",
    "no gap": lambda name: "#" + name.replace(" ", "").replace("-", "").replace("\u30fb", "").replace("\u00b7", ""),
    "a line break": lambda name: f"castle by {name.replace(' ', chr(10))}",
    "possessive": lambda name: f"like {name}'s castles",
    "typographic possessive": lambda name: f"like {name}\u2019s castles",
    "amid Han": lambda name: f"\u8bf7\u753b{name}\u7684\u4f5c\u54c1",
    "amid kana": lambda name: f"\u3042{name}\u306e\u7d75",
    "invisible signs": lambda name: f"castle by {name[0]}\u200b{name[1:]}\ufe0f",
    "refused": lambda name: f"NOT in the style of {name}",
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
def test_every_spelling_is_found_once_in_any_dress(dress):
    missed = {}
    for name, entry in SPELLINGS:
        found = find_artists(dress(name), {})
        if [artist.instead for artist in found] != [entry["instead"]]:
            missed[dress(name)] = found
    assert not missed


@pytest.mark.parametrize(("name", "entry"), IN_STYLE, ids=[ascii(name) for name, _ in IN_STYLE])
def test_a_surname_is_found_beside_words_of_style_and_nowhere_else(name, entry):
    for context in (
        "a castle in the style of {}",
        "a castle by {}.",
        "{} style castle",
        "{}'s aesthetic",
        "{}\u98ce\u683c",
    ):
        assert [artist.instead for artist in find_artists(context.format(name), {})] == [entry["instead"]], context
        assert names(context.format(name.upper())), context
    for context in ("Family {} at breakfast", "{}", "The {} street sign", "stand by the {} gate", "we like {} a lot"):
        assert names(context.format(name)) == [], context


@pytest.mark.parametrize(
    "prompt",
    [
        "Miyazaki-esque clouds",
        "a MIYAZAKI FILM still",
        "by: Miyazaki",
        "art by 'Miyazaki'",
        "the Miyazakiesque and the sublime",
        "\u5bae\u5d0e\u76e3\u7763\u306e\u7a7a",
        "\u5bae\u5d0e\u99ff\u98a8\u306e\u7a7a",
        "Miyazaki\u98a8\u306e\u30a2\u30cb\u30e1",
        "Im Stil von Miyazaki",
        "dans le style de Miyazaki",
        "\u0425\u0430\u044f\u043e \u041c\u0438\u044f\u0434\u0437\u0430\u043a\u0438",
    ],
)
def test_ways_to_say_miyazaki(prompt):
    assert [artist.instead for artist in find_artists(prompt, {})] == ["Studio Ghibli style"]


@pytest.mark.parametrize("prompt", ["Tim Burtons Stil", "Banksyish", "Tim Burtonesque", "Hayao Miyazakis Welt"])
def test_endings_of_a_name(prompt):
    assert len(names(prompt)) == 1


def test_there_are_hundreds_of_prompts_in_many_scripts():
    assert len(PROMPTS) == len(set(PROMPTS)) >= 400
    for first, last in (("a", "z"), ("\u3041", "\u30fa"), ("\u4e00", "\u9fff"), ("\uac00", "\ud7a3")):
        assert sum(any(first <= c <= last for c in prompt) for prompt in PROMPTS) >= 20


@pytest.mark.parametrize("change", [str, str.upper, full_width, accented], ids=lambda change: change.__name__)
def test_ordinary_prompts_do_not_alarm(change):
    assert {prompt: names(change(prompt)) for prompt in PROMPTS if names(change(prompt))} == {}


def test_ordinary_prompts_do_not_alarm_side_by_side():
    assert names(", ".join(PROMPTS)) == []
    assert names("\n".join(PROMPTS)) == []


def test_the_safe_wordings_are_safe():
    assert names(". ".join(entry["instead"] for entry in DATA["artists"])) == []


def test_words_that_hold_a_name():
    for entry in DATA["artists"]:
        for word in entry.get("unless", []):
            assert names(f"{word}, {word}") == [], word
            assert any(name.casefold() in word.casefold() for name in names_of(entry)), f"{word} holds no name"
    # The word takes only itself away.
    assert names(f"{MURAKAMI}\u8d77\u7684\u5c71, {MURAKAMI}") == ["\u6751\u4e0a \u9686"]


def names_of(entry):
    return [name.replace(" ", "") if not name.isascii() else name for name in sure(entry)]


@pytest.mark.parametrize(
    "name", ["xTim Burton", "Tim Burtonian2", "kawsome", "Tim.  Burton", "Tim - Burton", "Tim, Burton"]
)
def test_parts_of_other_words_and_of_other_sentences_are_no_name(name):
    assert names(f"a picture of {name} here") == []


def test_the_list_is_short_documented_and_whole():
    entries = DATA["artists"]
    assert 40 <= len(entries) <= 60
    assert [entry["name_en"] for entry in entries[:2]] == ["Hayao Miyazaki", "Makoto Shinkai"]
    known = {"name_en", "name_ja", "name_zh", "also", "in_style", "unless", "instead", "why"}
    for entry in entries:
        assert set(entry) <= known
        assert entry["name_en"]
        assert entry["instead"]
        assert entry["why"]
    keys = [artists._key(name) + entry["name_en"] for name, entry in (*SPELLINGS, *IN_STYLE)]
    owners = {}
    for name, entry in (*SPELLINGS, *IN_STYLE):
        assert owners.setdefault(artists._key(name), entry["name_en"]) == entry["name_en"]
    assert all(keys)


def test_names_come_in_the_order_of_the_prompt_and_once_each():
    prompt = f"Banksy and Hayao Miyazaki, {MIYAZAKI_JA}, by Miyazaki; BANKSY"
    assert names(prompt) == ["Banksy", "Hayao Miyazaki"]
    assert names("by Miyazaki Hayao") == ["Miyazaki Hayao"]


def test_the_users_own_list():
    own = {"Jane  Doe": "linocut style", "\u5c71\u7530 \u592a\u90ce": "ink", "C++": "code", "  ": "x", "\u30fb": "y"}
    assert find_artists("a cat by JANE-DOE", own) == [Artist("Jane  Doe", "linocut style")]
    assert find_artists("\u5c71\u7530\u592a\u90ce\u306e\u732b", own) == [Artist("\u5c71\u7530 \u592a\u90ce", "ink")]
    assert names("C++ on a shirt", own) == ["C++"]
    assert names("Janet Doe and mary jane doesn't", own) == []
    assert names("nothing here . . .", own) == []


def test_the_users_own_words_go_before_ours():
    own = {"hayao miyazaki": "hand-painted fairy tale", "Oda": "samurai"}
    assert find_artists("Hayao Miyazaki", own) == [Artist("hayao miyazaki", "hand-painted fairy tale")]
    assert names("Oda Nobunaga", own) == ["Oda"]
    assert names("Oda Nobunaga") == []


def test_stop_warn_allow():
    prompt = "a castle by Hayao Miyazaki and Banksy"
    with pytest.raises(GPT4oImageError) as stopped:
        check_artists(Request(prompt), {})
    assert (stopped.value.kind, stopped.value.billed) == ("prompt_stopped", "no")
    for words in ("Hayao Miyazaki", "Studio Ghibli style", "Banksy", "stencil street art style"):
        assert words in stopped.value.message
    (warning,) = check_artists(Request(prompt, artist_names="warn"), {})
    assert "Studio Ghibli style" in warning
    assert check_artists(Request(prompt, artist_names="allow"), {}) == []
    assert check_artists(Request("a castle"), {}) == []


def test_long_prompts_are_searched_quickly():
    find_artists("", {})
    for prompt in ("by Tim Burto, miyazaki stil " * 1000, "\n".join(PROMPTS), " " * 50_000, "\u5bae\u5d0e" * 10_000):
        began = time.perf_counter()
        find_artists(prompt, {})
        assert time.perf_counter() - began < 1
