"""The search for names that the gateway bills and refuses. The list is artists.json; it is short on purpose."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from .errors import GPT4oImageError
from .request import Request


@dataclass(frozen=True)
class Artist:
    """A name as the list spells what the prompt has, and a safe way to say the same."""

    name: str
    instead: str


def check_artists(request: Request, more: Mapping[str, str]) -> list[str]:
    """Warnings for a prompt with artists' names. Raises `prompt_stopped` when the request says stop.

    `more` is the user's own list: name -> what to say instead. AiHubMix, "GPT-4o-image", notes: names of living
    artists fail with input_moderation, and the call is billed.
    """
    if request.artist_names == "allow":
        return []
    found = find_artists(request.prompt, more)
    if not found:
        return []
    said = "; ".join(f'"{artist.name}" (say "{artist.instead}")' for artist in found)
    if request.artist_names == "stop":
        raise GPT4oImageError(
            "prompt_stopped",
            f"The gateway refuses, and bills, living artists' names. The prompt has {said}. "
            "Change it, or set artist_names to warn or allow. Nothing was sent.",
        )
    return [f"The gateway may refuse artists' names: {said}."]


def find_artists(prompt: str, more: Mapping[str, str]) -> list[Artist]:
    """Each artist that the prompt names, once, in the order of the prompt.

    What stands around a name does not matter ("not by ..." is refused as well); for surnames it does, see
    artists.json. An entry of `more` goes before the list's own for the same name.
    """
    pattern, spellings = _compiled(tuple(more.items()))
    found: dict[str, Artist] = {}
    for match in pattern.finditer(_fold(prompt)):
        if match.lastindex:
            entry, artist = spellings[_key(match[match.lastindex])]
            found[entry] = max(found.get(entry, artist), artist, key=lambda one: len(one.name))
    return list(found.values())


# The letters of scripts that put gaps between words: where one of them goes on, a name has not ended.
# Thai to Khmer, kana, Han and Hangul (whose particles follow without a gap) are left out.
_LETTER = (
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
_JOINT = r"\-_.=\u00b7\u2010-\u2015\u2022\u2027\u2219\u22c5\u30a0\u30fb"
_GAP = rf"(?:[ \t]{{0,3}}|[{_JOINT}]|[ \t]*\r?\n[ \t]*)"
_GAPS = re.compile(rf"[\s{_JOINT}]+")
_INVISIBLE = re.compile("[\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")
# Letters that Unicode does not take apart: l, o and d with a stroke, dotless i, the other saki of Miyazaki.
_ALIKE = str.maketrans("\u0142\u00f8\u0111\u0131\ufa11", "lodi\u5d0e")


def _fold(text: str) -> str:
    """Case, width, accents and invisible signs away: full-width letters, capitals and diacritics all read alike."""
    if text.isascii():
        return text.lower()
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", plain).casefold().translate(_ALIKE)


def _key(name: str) -> str:
    return _GAPS.sub("", _fold(name))


def _body(name: str) -> str:
    """A name as a pattern: any gap, dot or hyphen between its parts, or none; then no letter of the same word."""
    body = _GAP.join(re.escape(part) for part in _GAPS.split(_fold(name)) if part)
    return rf"{body}(?:esque|ish|s)?(?!{_LETTER})" if re.search(rf"{_LETTER}\Z", body) else body


def _any(patterns: Iterable[str]) -> str:
    """The alternatives, or what never matches; the longest first, so that no name hides one that goes on."""
    return "|".join(sorted(set(patterns), key=lambda one: (-len(one), one))) or "(?!)"


@lru_cache(maxsize=4)
def _compiled(own: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], dict[str, tuple[str, Artist]]]:
    """One pattern for all names, and whom each spelling names: key -> (entry, artist)."""
    data = cast("dict[str, Any]", json.loads(Path(__file__).with_name("artists.json").read_text("utf-8")))
    names: dict[str, tuple[str, Artist]] = {}
    styled: dict[str, tuple[str, Artist]] = {}
    harmless: list[str] = []
    for name, instead in own:
        if _key(name):
            names.setdefault(_key(name), (_key(name), Artist(name, instead)))
    for entry in cast("list[dict[str, Any]]", data["artists"]):
        english, instead = str(entry["name_en"]), str(entry["instead"])
        listed = (english, entry.get("name_ja", english), *entry.get("name_zh", ()), *entry.get("also", ()))
        for spelling in listed:
            names.setdefault(_key(spelling), (english, Artist(spelling, instead)))
        for spelling in entry.get("in_style", ()):
            styled.setdefault(_key(spelling), (english, Artist(spelling, instead)))
        harmless += entry.get("unless", ())
    return re.compile(_pattern(names, styled, harmless, data["style"])), {**styled, **names}


def _pattern(
    names: Mapping[str, tuple[str, Artist]],
    styled: Mapping[str, tuple[str, Artist]],
    harmless: Iterable[str],
    style: Mapping[str, Iterable[str]],
) -> str:
    """A harmless word comes first and has no group: it takes the text away from the name that it holds.

    Each alternative starts with a plain letter, which keeps the search at a few milliseconds.
    """
    bodies = {"".join(re.findall(_LETTER, key[:1])): [] for key in names} | {"": []}
    del bodies
    words = [name for key, (_, name) in names.items() if re.match(_LETTER, key)]
    others = [name for key, (_, name) in names.items() if not re.match(_LETTER, key)]
    surname = _any(re.escape(key) for key in styled)
    _ = (words, others, surname, harmless, style)
    return ""
