"""A kept answer made fit for a bug report: its shape stays, what is private is masked. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

_CROSS = "*"
_ADDRESS_QUERY = re.compile(r"https?://[^\s\"'<>()\\?#]*[?#]([^\s\"'<>()\\]*)", re.IGNORECASE)
_LOGIN = re.compile(r"https?://([^\s\"'<>()\\/@]+)@", re.IGNORECASE)
_KEY = re.compile(r"\b(?:sk|pk|key|tok)-[A-Za-z0-9_-]{8,}|\bBearer\s+([A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16}([A-Za-z0-9+/_-]{184,}={0,2})")
# Fields of JSON, also of JSON inside a text.
_PRIVATE_NAMES = "key|token|secret|signature|authorization"
_SECRET_FIELD, _PROMPT_FIELD = (
    re.compile(rf"\"[a-z_]*(?:{names})[a-z_]*\"\s*:\s*\"((?:[^\"\\]|\\.)*)", re.IGNORECASE)
    for names in (_PRIVATE_NAMES, "prompt")
)
_PRIVATE_NAME = re.compile(f"prompt|{_PRIVATE_NAMES}", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?,;:\n]+")
_SHORTEST_SENTENCE = 4  # characters; less of a prompt gives nothing away
_MANY_CROSSES = re.compile(r"\*{24,}")


def redacted(text: str, prompts: Sequence[str] = ()) -> str:
    """`text`, an event stream or JSON, without keys, logins and what stands behind `?` in addresses.

    The texts of `prompts` are masked as well, and with them every field that is named so. Pictures in base64 are
    cut to their beginning. A text that is cut into many events is searched as a whole.
    """
    searched = _Search(prompts)
    lines = text.split("\n") if _json_of(text) is None else [text]
    values = [_json_of(line) for line in lines]
    whole = [value for value in values if value is not None]
    contents = [each for value in whole for each in _contents(value)]
    crossed = iter(_cut(searched.crossed("".join(contents)), [len(each) for each in contents]))
    out = [
        searched.crossed(line) if value is None else line[: _start(line)] + _rewritten(value, searched, crossed)
        for line, value in zip(lines, values, strict=True)
    ]
    return _MANY_CROSSES.sub(lambda found: f"{_CROSS * 3}({len(found[0])}){_CROSS * 3}", "\n".join(out))


class _Search:
    """Masks, character for character, what is private."""

    def __init__(self, prompts: Sequence[str]) -> None:
        said = {found[0].strip() for prompt in prompts for found in _SENTENCE.finditer(prompt)}
        spoken = [each for each in said if len(each) >= _SHORTEST_SENTENCE]
        # As it is, and as JSON inside a text writes it.
        forms = {form for each in spoken for form in (each, json.dumps(each)[1:-1])}
        ordered = sorted(forms, key=len, reverse=True)
        self._prompts = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE) if ordered else None
        self._patterns = [_ADDRESS_QUERY, _LOGIN, _KEY, _SECRET_FIELD, _BASE64, *([_PROMPT_FIELD] if prompts else [])]
        self.hides_prompts = bool(prompts)

    def crossed(self, text: str) -> str:
        for pattern in (*self._patterns, *([self._prompts] if self._prompts else [])):
            text = pattern.sub(_cross_out, text)
        return text


def _cross_out(found: re.Match[str]) -> str:
    start, end = found.span(1) if found.re.groups and found[1] is not None else found.span()
    first = found.start()
    return found[0][: start - first] + _CROSS * (end - start) + found[0][end - first :]


def _json_of(line: str) -> Any | None:
    """The object or array in a line, behind `data:` or by itself."""
    try:
        value: Any = json.loads(line[_start(line) :])
    except (ValueError, RecursionError):
        return None
    return cast("Any", value) if isinstance(value, (dict, list)) else None


def _start(line: str) -> int:
    found = re.match(r"\s*(?:data:)?\s*", line)
    return found.end() if found else 0


def _contents(value: Any) -> Iterable[str]:
    """The pieces of the model's message, in their order."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if name == "content" and isinstance(inner, str):
                yield inner
            else:
                yield from _contents(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _contents(inner)


def _cut(text: str, lengths: Sequence[int]) -> Iterable[str]:
    start = 0
    for length in lengths:
        yield text[start : start + length]
        start += length


def _rewritten(value: Any, searched: _Search, contents: Iterable[str]) -> str:
    pieces = iter(contents)

    def rewrite(inner: Any, name: str = "") -> Any:
        if isinstance(inner, dict):
            return {key: rewrite(each, key) for key, each in cast("dict[str, Any]", inner).items()}
        if isinstance(inner, list):
            return [rewrite(each) for each in cast("list[Any]", inner)]
        if not isinstance(inner, str):
            return inner
        if name == "content":
            return next(pieces)
        if _PRIVATE_NAME.search(name) and (searched.hides_prompts or "prompt" not in name.lower()):
            return _CROSS * len(inner)
        return searched.crossed(inner)

    return json.dumps(rewrite(value), ensure_ascii=False)
