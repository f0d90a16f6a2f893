"""Takes a key out of what a gateway or proxy sends back: out of text, and out of bytes as they come. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
# A shorter word may stand in the base64 of a picture by chance, and nobody has such a key.
_SHORTEST = 6
_SHORTEST_BASE64 = 8
# A broken-off answer may end inside a key: so much of one is masked, less is left.
_TELLING = 8
_URL_SAFE = str.maketrans("+/", "-_")
_LOOKS_LIKE_A_KEY = re.compile(r"\bsk-[\w*.-]{4,}")


def redact(text: str, key: str) -> str:
    """`text` without `key`, however it is written, and without what looks like one: gateways quote keys half hidden."""
    for form in _forms(key):
        text = text.replace(form, MASK)
    return _LOOKS_LIKE_A_KEY.sub(f"sk-{MASK}", text)


class ByteMask:
    """Bytes with `key` masked, however they are chunked. Holds back only what may be the beginning of it."""

    def __init__(self, key: str) -> None:
        self._forms = [form.encode() for form in _forms(key)]
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be given on now."""
        data = self._held + chunk
        for form in self._forms:
            data = data.replace(form, MASK.encode())
        held = max((_overlap(data, form) for form in self._forms), default=0)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def finish(self) -> bytes:
        """The rest: the answer has ended, or broken off."""
        held, self._held = self._held, b""
        return MASK.encode() if len(held) >= _TELLING else held


def _overlap(data: bytes, form: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of `form`."""
    sizes = range(min(len(data), len(form) - 1), 0, -1)
    return next((size for size in sizes if data.endswith(form[:size])), 0)


def _forms(key: str) -> tuple[str, ...]:
    """The key as it is, and as JSON, HTML, an address, and base64 (Basic) write it; longest first."""
    if len(key) < _SHORTEST:
        return ()
    escaped = json.dumps(key)[1:-1]
    written = {key, escaped, escaped.replace("/", "\\/"), html.escape(key), quote(key, safe="")}
    return tuple(sorted({*written, *_base64(key)}, key=len, reverse=True))


def _base64(key: str) -> Iterable[str]:
    """What is the same in the base64 of whatever holds the key: one form for each place where a group may begin."""
    for before in range(3):
        data = b"\0" * before + key.encode()
        encoded = base64.b64encode(data[: len(data) // 3 * 3])[4 if before else 0 :].decode()
        if len(encoded) >= _SHORTEST_BASE64:
            yield from (encoded, encoded.translate(_URL_SAFE))
