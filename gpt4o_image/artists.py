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
            entry, artist = spellings[match[match.lastindex].replace(" ", "")]
            found[entry] = max(found.get(entry, artist), artist, key=lambda one: len(one.name))
    return list(found.values())


# The letters of scripts that put gaps between words: where one of them goes on, a name has not ended.
# Thai to Khmer, kana, Han and Hangul (whose particles follow without a gap) are left out.
_LETTER = (
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
_START = rf"(?:(?<!{_LETTER})|(?!{_LETTER}))"
_END = rf"(?:(?<!{_LETTER})|(?=(?:esque|ish|s)?(?!{_LETTER})))"
# What may stand between the parts of a name. Not ". " or " - ": there one thing ends and another begins.
_GAP = re.compile(r"[ \t]{0,3}\r?\n[ \t]{0,3}|[ \t]{1,3}|[-_.=\u00b7\u2010-\u2015\u2022\u2027\u2219\u22c5\u30a0\u30fb]")
_INVISIBLE = re.compile("[\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")
# Letters that Unicode does not take apart: l, o and d with a stroke, dotless i, the other saki of Miyazaki.
_ALIKE = str.maketrans("\u0142\u00f8\u0111\u0131\ufa11", "lodi\u5d0e")


def _fold(text: str) -> str:
    """Case, width, accents and invisible signs away, and each gap as one blank."""
    if text.isascii():
        return _GAP.sub(" ", text.lower())
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return _GAP.sub(" ", unicodedata.normalize("NFKC", plain).casefold().translate(_ALIKE))


def _key(name: str) -> str:
    return "".join(_fold(name).split())


def _any(names: Iterable[str]) -> str:
    """The names as alternatives with optional gaps; the longest first, so that none hides one that goes on."""
    patterns = {" ?".join(re.escape(part) for part in _fold(name).split()) for name in names}
    return "|".join(sorted(patterns, key=lambda one: (-len(one), one))) or "(?!)"


@lru_cache(maxsize=4)
def _compiled(own: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], dict[str, tuple[str, Artist]]]:
    """One pattern for all names, and the artist of each spelling: key -> (entry, artist)."""
    data = cast("dict[str, Any]", json.loads(Path(__file__).with_name("artists.json").read_text("utf-8")))
    spellings: dict[str, tuple[str, Artist]] = {}
    sure: list[str] = []
    doubtful: list[str] = []
    harmless: list[str] = []

    def add(entry: str, names: Iterable[str], instead: str, where: list[str]) -> None:
        for name in filter(_key, names):
            where.append(name)
            spellings.setdefault(_key(name), (entry, Artist(name, instead)))

    for name, instead in own:
        add(_key(name), [name], instead, sure)
    for entry in cast("list[dict[str, Any]]", data["artists"]):
        english, instead = str(entry["name_en"]), str(entry["instead"])
        other = (*filter(None, [entry.get("name_ja")]), *entry.get("name_zh", ()), *entry.get("also", ()))
        add(english, (english, *other), instead, sure)
        add(english, entry.get("in_style", ()), instead, doubtful)
        harmless += entry.get("unless", ())
    return re.compile(_pattern(sure, doubtful, harmless, data["style"])), spellings


def _pattern(
    sure: Iterable[str], doubtful: Iterable[str], harmless: Iterable[str], style: Mapping[str, Iterable[str]]
) -> str:
    """What a name is harmless in comes first and has no group: it takes the text away from the name."""
    surname = rf"({_any(doubtful)}){_END}(?:['\u2019]?s)?"
    no_place = rf"(?! ?(?:{_any(style['not_next'])}){_END})"
    by_name = rf"(?:{_any(style['before'])})[ :]+[\"'\u201c\u2018]?(?={surname}{no_place})"
    name_style = rf"{surname} ?(?:{_any(style['after'])}){_END}{no_place}"
    return rf"(?:{_any(harmless)}){_END}|{_START}(?:({_any(sure)}){_END}|{by_name}|{name_style})"
