"""Takes a key out of what a gateway or proxy sends back: text, JSON, and bytes or text that come in chunks. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, cast

MASK = "***"
# A shorter word may stand in the base64 of a picture by chance, and nobody has such a key.
_SHORTEST = 6
_SHORTEST_BASE64 = 8
# A broken-off answer may end inside a key: a part this long is masked, a shorter one stays.
_TELLING = 8
# How a sign is written where it might be taken for markup, each by some encoder.
_ESCAPES: tuple[Callable[[int], str], ...] = (
    "%{:02X}".format, "%{:02x}".format, "&#{:d};".format, "&#x{:X};".format, "&#x{:x};".format,
    "\\u{:04X}".format, "\\u{:04x}".format, "\\x{:02X}".format, "\\x{:02x}".format, "\\{:c}".format,
)  # fmt: skip
# Which signs such an encoder leaves as they are.
_LEFT = ("", "-_.~", "-_.~/", "-_.~/+=")
_URL_SAFE = str.maketrans("+/", "-_")
_LOOKS_LIKE_A_KEY = re.compile(r"\bsk-[\w*.-]{4,}")


def redact(text: str, key: str) -> str:
    """`text` without `key`, however it is written, and without what looks like one: gateways quote keys half hidden."""
    return _LOOKS_LIKE_A_KEY.sub(f"sk-{MASK}", _masked(text, _forms(key)))


class ByteMask:
    """Bytes with `key` masked, however they are chunked. Holds back only what may be the beginning of it."""

    def __init__(self, key: str) -> None:
        self._forms = [form.encode() for form in _forms(key)]
        self._beginnings = {form[:size] for form in self._forms for size in range(1, len(form))}
        self._longest = max(map(len, self._beginnings), default=0)
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be passed on now."""
        data = self._held + chunk
        for form in self._forms:
            data = data.replace(form, MASK.encode())
        sizes = range(min(len(data), self._longest), 0, -1)
        held = next((size for size in sizes if data[-size:] in self._beginnings), 0)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def finish(self) -> bytes:
        """The rest: the answer has ended, or broken off."""
        held, self._held = self._held, b""
        return MASK.encode() if len(held) >= _TELLING else held


class TextMask:
    """The same for text: a gateway may send a key in pieces that only its reader puts together."""

    def __init__(self, key: str) -> None:
        self._bytes = ByteMask(key)

    def feed(self, text: str) -> str:
        """What can be passed on now."""
        return self._bytes.feed(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def finish(self) -> str:
        """The rest."""
        return self._bytes.finish().decode()


class JsonMask:
    """JSON values with `key` masked in their strings, where an escape may hide it from a search of the bytes."""

    def __init__(self, key: str) -> None:
        self._forms = _forms(key)

    def of(self, value: Any) -> Any:
        """`value`, or a copy of it."""
        if not self._forms:
            return value
        if isinstance(value, dict):
            return {self.of(name): self.of(each) for name, each in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self.of(each) for each in cast("list[Any]", value)]
        if isinstance(value, str) and (masked := _masked(value, self._forms)) != value:
            return masked
        return value  # of its own class: a string that broke off stays one


def _masked(text: str, forms: Iterable[str]) -> str:
    for form in forms:
        text = text.replace(form, MASK)
    return text


def _forms(key: str) -> tuple[str, ...]:
    """The key as it is, and as JSON, HTML, addresses, and base64 (Basic) write it; longest first."""
    if len(key) < _SHORTEST:
        return ()
    escaped = json.dumps(key)[1:-1]
    written = {key, escaped, escaped.replace("/", "\\/"), html.escape(key), html.escape(key, quote=False)}
    written.update(_escaped(key, escape, left) for escape in _ESCAPES for left in _LEFT)
    return tuple(sorted({*written, *_base64(key)}, key=len, reverse=True))


def _escaped(key: str, escape: Callable[[int], str], left: str) -> str:
    plain = (char.isascii() and (char.isalnum() or char in left) for char in key)
    return "".join(char if kept else "".join(map(escape, char.encode())) for char, kept in zip(key, plain, strict=True))


def _base64(key: str) -> Iterable[str]:
    """What is the same in the base64 of whatever holds the key: one form for each place where a group may begin."""
    for before in range(3):
        data = b"\0" * before + key.encode()
        encoded = base64.b64encode(data[: len(data) // 3 * 3])[4 if before else 0 :].decode()
        if len(encoded) >= _SHORTEST_BASE64:
            yield from (encoded, encoded.translate(_URL_SAFE))
