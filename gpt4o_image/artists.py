"""The search for names that the gateway bills and refuses. The list is artists.json; it is short on purpose."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from .errors import GPT4oImageError
from .request import Request


@dataclass(frozen=True)
class Artist:
    """A name as the prompt has it, and a safe way to say the same."""

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
    """Each listed artist that the prompt names, once, in the order of the list."""
    folded = _fold(prompt)
    own = [(re.compile(_pattern(name)), Artist(name, instead)) for name, instead in more.items() if name.strip()]
    found = {artist.instead + artist.name: artist for pattern, artist in (*own, *_listed()) if pattern.search(folded)}
    return list(found.values())


@cache
def _listed() -> tuple[tuple[re.Pattern[str], Artist], ...]:
    text = Path(__file__).with_name("artists.json").read_text("utf-8")
    entries = cast("list[dict[str, Any]]", json.loads(text))
    return tuple(
        (re.compile("|".join(_pattern(name) for name in (*entry["names"], *entry.get("bare", ())))),
         Artist(entry["names"][0], entry["instead"]))
        for entry in entries
    )  # fmt: skip


def _pattern(name: str) -> str:
    """A name as a pattern: whole words in scripts that have them, any gap between its parts."""
    body = r"[\s._\-\u00b7\u30fb]*".join(re.escape(part) for part in _fold(name).split())
    return rf"(?<![a-z0-9]){body}(?![a-z0-9])" if body[:1].isascii() else body


def _fold(text: str) -> str:
    """Case, width and accents away: full-width letters, capitals and diacritics all read alike."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not 0x300 <= ord(c) < 0x370)
    return unicodedata.normalize("NFKC", plain).replace("\u0142", "l").casefold()
