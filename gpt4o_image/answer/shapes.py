"""A JSON value of an answer -> its texts and pictures in their order, in whatever shape a gateway sends them. Pure.

Chat completions and their chunks, Images objects, content parts, `multi_mod_content`, `inline_data`, `source`,
`output`, `result`, candidates, tasks: each object is read by what its strings are, not by a list of known gateways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..urls import PICTURE_BASE64, fetchable, looks_like_picture, unescaped
from .json_text import CutText, as_dict, as_list

_MAX_DEPTH = 24
_SHORTEST = 12  # of an address or of base64 under a key that is not known
_SHORTEST_BASE64 = 100  # characters, where no field says that it is base64
# Never part of an answer: what was asked, what the model thought, what went wrong.
_SKIPPED = frozenset((
    "prompt", "revised_prompt", "original_prompt", "negative_prompt", "input", "inputs", "messages", "request",
    "instructions", "tools", "tool_calls", "arguments", "usage", "error", "errors", "reasoning", "reasoning_content",
    "thinking", "logprobs",
))  # fmt: skip
# Addresses in these are sources and pages, not results.
_REFERRING = frozenset((
    "annotations", "citations", "url_citation", "search_results", "sources", "references", "urls", "links", "metadata",
    "provider",
))  # fmt: skip
_TEXT_KEYS = frozenset(("content", "text", "output_text", "response", "answer", "completion", "delta"))
# Text unless it is an address: `{"output": "![a](u)"}` and `{"output": "https://x.test/a"}` both exist.
_TEXT_OR_ADDRESS_KEYS = frozenset(("output", "result"))
_ADDRESS_KEYS = frozenset((
    "url", "uri", "image_url", "imageUrl", "image", "images", "img", "output", "outputs", "result", "results", "data",
    "file_uri", "fileUri", "file_url", "download_url", "src", "picture", "pictures",
))  # fmt: skip
_BASE64_KEYS = frozenset(("b64_json", "b64", "base64", "image_base64", "base64_image", "bytesBase64Encoded"))
_CHOICES = ("choices", "candidates")
_MIME_KEYS = ("mime_type", "mimeType", "media_type", "mediaType", "content_type")
_BASE64 = re.compile(rf"(?:{PICTURE_BASE64})[\w+/=\s-]{{24,}}")
_ANY_BASE64 = re.compile(r"[\w+/=\s-]+")
_RELATIVE = re.compile(
    r"\.{0,2}/[^\s/]\S*|//[^\s/]+/\S+|[^\s:]+\.(?:png|jpe?g|webp|gif|avif|bmp|tiff?)(?:\?\S*)?", re.I
)
_HTTP = re.compile(r"https?://\S+", re.IGNORECASE)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_FOLDERS = "mnt|tmp|home|users"  # of the machine on which the model ran its tools
# What the last resort takes for a picture's address, anywhere in a text.
_ANYWHERE = re.compile(
    rf"""https?://[^\s<>"'`\\()\[\]{{}}|\u3001-\u3011\uff01-\uff1b\uff1d-\uff20]+
      | data:[\w/.+-]+;base64,[\w+/=-]+
      | (?<![\w+/=-])(?:{PICTURE_BASE64})[\w+/=-]{{{_SHORTEST_BASE64},}}
      | (?<![A-Za-z0-9_./%:~+<-])/(?!(?:{_FOLDERS})/)[\w./%~+-]+\.(?:png|jpe?g|webp|gif|avif)(?:\?[^\s"'()<>\\]*)?""",
    re.VERBOSE | re.IGNORECASE,
)


class Said(NamedTuple):
    """Text of the choice numbered `choice`; `whole`: the message so far, not what is new of it."""

    choice: int
    text: str
    whole: bool = False


class Shown(NamedTuple):
    """A picture's address or `data:` URL, and others in the same object. `cut`: the text broke off inside it."""

    choice: int
    address: str
    mirrors: tuple[str, ...] = ()
    cut: bool = False


class Possible(NamedTuple):
    """An address that may be a picture's where nothing else is one."""

    address: str


class Revised(NamedTuple):
    """The prompt as the model rewrote it."""

    prompt: str


Piece = Said | Shown | Possible | Revised


def pieces(value: dict[str, Any]) -> list[Piece]:
    """All texts and pictures of `value`.

    `{"choices": [{"delta": {"content": "a", "images": ["iVBORw0KGgo..."]}}]}` -> Said(0, "a"),
    Shown(0, "data:image/png;base64,iVBORw0KGgo...").
    """
    walk = _Walk()
    walk.object("", value, sure=True, depth=0)
    return walk.pieces


def possible_addresses(text: str, *, cut: bool = False) -> Iterator[str]:
    """Whatever in a text of any kind looks like a picture: addresses of picture files, and base64 of pictures.

    `cut`: the text broke off, so that an address at its very end does not count.
    """
    if not _may_hold_address(text):
        return
    plain = unescaped(text)
    end = len(_HALF_ESCAPE.sub("", plain)) if cut else len(plain) + 1
    for found in _ANYWHERE.finditer(plain):
        if found.end() >= end:
            return
        address = found[0].rstrip(".,;:!?*")
        if not address.startswith(("/", "http", "HTTP", "data:")) or _BASE64.fullmatch(address):
            yield f"data:image/png;base64,{address}"
        elif address.startswith("/") or (fetchable(address) and looks_like_picture(address)):
            yield address


class _Walk:
    """One way through a JSON value, in its order. `sure`: addresses here are results, not sources and pages."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._choice = 0
        self._whole = False

    def object(self, key: str, table: dict[str, Any], *, sure: bool, depth: int) -> None:
        if depth > _MAX_DEPTH or _is_aside(table):
            return
        found: list[tuple[bool, str, bool]] = []  # is an address, the address, it is cut
        rest: list[tuple[str, Any]] = []
        for name, value in table.items():
            if name in _SKIPPED:
                if name == "revised_prompt" and isinstance(value, str):
                    self.pieces.append(Revised(value))
            elif sure and isinstance(value, str) and (address := _address(name, value, table)):
                found.append((address[:5] != "data:", address, isinstance(value, CutText)))
            else:
                rest.append((name, value))
        if found:
            rest = self._picture(found, rest)
        for name, value in rest:
            if isinstance(value, str):
                self._text(name, value, sure=sure)
                continue
            if name == "message" and key in _CHOICES:
                self._whole = True
            self._value(name, value, sure=sure and name not in _REFERRING, depth=depth + 1)
            self._whole = self._whole and name != "message"

    def _picture(self, found: list[tuple[bool, str, bool]], rest: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """One object is one picture: its bytes first, then its addresses. What is left of the object."""
        found.sort(key=lambda each: each[0])
        whole = [address for _, address, cut in found if not cut]
        others = [v for _, v in rest if isinstance(v, str) and _HTTP.fullmatch(v) and looks_like_picture(v)]
        self.pieces.append(
            Shown(self._choice, (whole or [found[0][1]])[0], (*whole[1:], *others), cut=not whole),
        )
        return [(name, value) for name, value in rest if not (isinstance(value, str) and value in others)]

    def _value(self, key: str, value: Any, *, sure: bool, depth: int) -> None:
        if isinstance(value, str):
            self._string(key, value, sure=sure)
        elif isinstance(value, dict):
            self.object(key, as_dict(value), sure=sure, depth=depth)
        elif isinstance(value, list):
            for number, item in enumerate(as_list(value)):
                if key in _CHOICES:
                    index = as_dict(item).get("index", number)
                    self._choice = index if isinstance(index, int) else number
                self._value(key, item, sure=sure, depth=depth)
            self._choice = 0 if key in _CHOICES else self._choice

    def _string(self, key: str, text: str, *, sure: bool) -> None:
        if sure and (address := _address(key, text, {})):
            self.pieces.append(Shown(self._choice, address, cut=isinstance(text, CutText)))
        else:
            self._text(key, text, sure=sure)

    def _text(self, key: str, text: str, *, sure: bool) -> None:
        if text and (key in _TEXT_KEYS or (sure and key in _TEXT_OR_ADDRESS_KEYS)):
            self.pieces.append(Said(self._choice, text, self._whole))
        elif _may_hold_address(text):
            self.pieces += map(Possible, possible_addresses(text, cut=isinstance(text, CutText)))


def _may_hold_address(text: str) -> bool:
    return len(text) >= _SHORTEST_BASE64 or (len(text) >= _SHORTEST and "/" in text)


def _is_aside(table: dict[str, Any]) -> bool:
    """A preview of a picture that is still being made, a thought, or what the user said."""
    kind = str(table.get("type", ""))
    return (
        "partial_image" in kind
        or "partial_image_index" in table
        or kind.startswith(("thinking", "reasoning"))
        or table.get("thought") is True
        or table.get("role") in ("user", "system")
    )


def _address(key: str, value: str, table: Mapping[str, Any]) -> str:
    """The address of the picture that a string of `table` is or names; nothing for any other string."""
    known = key in _ADDRESS_KEYS or key in _BASE64_KEYS
    if key in _TEXT_KEYS or (not known and len(value) < _SHORTEST_BASE64 and ":" not in value):
        return ""
    text = value.strip()
    if text[:5].lower() == "data:":
        return text if fetchable(text) else ""
    if _HTTP.fullmatch(text[:2048]):
        return text if key in _ADDRESS_KEYS else ""
    mime = next((table[name] for name in _MIME_KEYS if isinstance(table.get(name), str)), "")
    named = key in _BASE64_KEYS or (key == "data" and mime.startswith("image/"))
    if (named and _ANY_BASE64.fullmatch(text)) or (_BASE64.match(text[:64]) and _BASE64.fullmatch(text)):
        return f"data:{mime if mime.startswith('image/') else 'image/png'};base64,{text}"
    return text if key in _ADDRESS_KEYS and _RELATIVE.fullmatch(text[:2048]) else ""
