"""What went wrong, from a status, an error object or the gateway's words: one GPT4oImageError each. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from ..errors import Billed, GPT4oImageError, Kind
from .keywords import says
from .transcript import Transcript

_NOT_BILLED = (400, 401, 403, 404, 413, 429)
_REQUEST_ID = re.compile(r"[(\uff08](?:tid|req(?:uest)?[ _-]?id)\s*[:\uff1a]\s*([\w-]+)\s*[)\uff09]", re.IGNORECASE)
_ID_KEYS = ("request_id", "requestId", "tid", "trace_id")
_TEXT_KEYS = ("message", "msg", "detail", "error_description", "error_msg", "reason")
_CODE_KEYS = ("code", "type", "reason", "status")
_SCRIPT = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>")
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")
# The order in which words decide: a limit that mentions a policy is a limit.
_BY_WORDS: tuple[tuple[str, Kind], ...] = (
    ("quota", "quota"),
    ("rate_limited", "rate_limited"),
    ("bad_model", "bad_model"),
    ("moderation_output", "moderation_output"),
    ("moderation_input", "moderation_input"),
    ("moderation", "moderation_input"),
)
# What an answer in plain text may be, in this order too: an apology may introduce anything.
_BY_PROSE: tuple[tuple[str, Kind], ...] = (
    ("rate_limited", "rate_limited"),
    ("pending", "pending"),
    ("quota", "quota"),
    ("refused_because", "refused"),
    ("failed_plainly", "upstream"),
    ("refused", "refused"),
)
_BY_STATUS: dict[int, Kind] = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "bad_request",
    408: "timeout",
    413: "reference",
    422: "bad_request",
    429: "rate_limited",
}
# Words may sharpen a status only into these kinds. A used-up key comes as 401 too: recharging cures it, not a new key.
_SHARPENS: dict[int, tuple[Kind, ...]] = {
    401: ("quota",),
    400: ("moderation_input", "moderation_output", "bad_model", "quota"),
    403: ("quota",),
    404: ("bad_model",),
    422: ("moderation_input", "moderation_output", "bad_model"),
    429: ("quota",),
}
_ADVICE: dict[Kind, str] = {
    "moderation_input": "The gateway's moderation stopped the prompt. Describe a style instead of a living artist, "
    "a film or a person, then run again.",
    "moderation_output": "The moderation stopped the finished picture. Change what it shows, then run again.",
    "refused": "The model declined to draw this. Read what it says, change the prompt, then run again.",
    "quota": "The account's balance or the key's quota is used up. Recharge it at the gateway, then run again.",
    "rate_limited": "The gateway is at a limit. Wait as long as it says, then run again.",
    "auth": "The gateway does not accept the key. Set a valid one with `gpt4o-image key set`.",
    "bad_model": "The gateway does not offer this model now. Choose the other one, or try again later.",
    "bad_request": "The gateway does not accept the request as it is. Change what it names.",
    "upstream": "The gateway failed. Look at its log before you run again: each run is a new charge.",
    "truncated": "The answer broke off before a picture came. Do not queue again blindly: each run is a new charge.",
    "no_image": "The answer holds no picture. Change the prompt so that it asks for one.",
    "pending": "The model postponed the picture and will not send it here. Run again later.",
    "timeout": "No picture came before the deadline. Raise timeout_s in config.toml if the queue is long.",
    "reference": "The upload is too large for the gateway. Use fewer or smaller references.",
}


def failure(kind: Kind, billed: Billed, text: str | None = None, request_id: str | None = None) -> GPT4oImageError:
    """An error of a kind with its standing advice."""
    return GPT4oImageError(kind, _ADVICE[kind], billed=billed, gateway_text=text or None, request_id=request_id)


def from_status(status: int, body: str, header_id: str | None = None) -> GPT4oImageError:
    """From an answer that is not 200: AiHubMix documentation, "Error codes"."""
    envelope = _loads(body)
    said = _message(envelope) if envelope is not None else _plain(body)
    kind: Kind = _BY_STATUS.get(status, "upstream")
    sharper = _by_words(f"{said} {_codes(envelope)}")
    allowed = _SHARPENS.get(status, tuple(k for _, k in _BY_WORDS) if status >= 500 else ())
    if sharper in allowed and sharper:
        kind = sharper
    moderated = kind in ("moderation_input", "moderation_output")
    billed: Billed = "no" if status in _NOT_BILLED and not moderated else "unknown"
    return failure(kind, billed, said or f"HTTP {status}", request_id(said) or _id_of(envelope) or header_id)


def from_object(value: Mapping[str, Any]) -> GPT4oImageError:
    """From an error object inside an answer that began with status 200, and so was billed."""
    said = _message(value)
    return failure(_by_words(f"{said} {_codes(value)}") or "upstream", "yes", said, request_id(said) or _id_of(value))


def from_body(body: str) -> GPT4oImageError:
    """From a 200 answer that is neither a stream nor a completion: JSON, a web page, nothing."""
    if (value := _loads(body)) is not None:
        return from_object(value)
    return failure("upstream", "yes", _plain(body) or "(an empty answer)")


def from_transcript(said: Transcript, *, complete: bool) -> GPT4oImageError:
    """From a stream that ended without a picture."""
    prose = "\n".join(said.prose)
    if said.failed:
        text = "\n".join([*said.reasons, prose]).strip()
        return failure(_kind_of_failure(said, text), "yes", text, said.task_id or request_id(text))
    kind: Kind = _kind_of_prose(prose) if complete else "truncated"
    return failure(kind, "yes", prose, said.task_id)


def _kind_of_failure(said: Transcript, text: str) -> Kind:
    terminal = said.terminal or {}
    if terminal.get("is_output_rejection") is True:
        return "moderation_output"
    if kind := _by_words(f"{text} {_codes(terminal)} {_said(terminal) or ''}"):
        return kind
    return "refused" if says(text, "refused_because") else "upstream"


def _kind_of_prose(prose: str) -> Kind:
    for group, kind in _BY_PROSE:
        if says(prose, group):
            return kind
    return "no_image"


def request_id(text: str) -> str | None:
    """The id that the gateway's support asks for, as its messages carry it: `(tid: 2025...)`."""
    found = _REQUEST_ID.search(text)
    return found[1] if found else None


def is_error(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object of a stream reports an error instead of a part of the answer."""
    if value.get("error"):
        return True
    if value.get("choices") or value.get("data"):
        return False
    code = value.get("code")
    failing = isinstance(code, (int, str)) and str(code).lower() not in ("0", "200", "", "ok", "success")
    return failing or value.get("type") == "error"


def _by_words(text: str) -> Kind | None:
    return next((kind for group, kind in _BY_WORDS if says(text, group)), None)


def _loads(body: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):  # some upstreams wrap their errors in an array
        value = next(iter(cast("list[Any]", value)), None)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _message(value: Mapping[str, Any]) -> str:
    """What an error object says; all of it where it says nothing in words."""
    return _said(value) or json.dumps(value, ensure_ascii=False, default=str)


def _said(value: Mapping[str, Any]) -> str | None:
    inner: Any = value.get("error") or value
    if isinstance(inner, str):
        return inner
    table = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    texts = (table.get(key) for key in _TEXT_KEYS)
    return next((text for text in texts if isinstance(text, str) and text), None)


def _codes(value: Mapping[str, Any] | None) -> str:
    inner: Any = (value or {}).get("error") or value or {}
    if not isinstance(inner, dict):
        return ""
    table = cast("dict[str, Any]", inner)
    return " ".join(str(table[key]) for key in _CODE_KEYS if table.get(key))


def _id_of(value: Mapping[str, Any] | None) -> str | None:
    inner: Any = (value or {}).get("error")
    tables = [value or {}, cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}]
    ids = (table.get(key) for table in tables for key in _ID_KEYS)
    return next((found for found in ids if isinstance(found, str) and found), None)


def _plain(body: str) -> str:
    """A web page as its words, so that an error shows no markup."""
    if "<" not in body:
        return body.strip()
    return _SPACE.sub(" ", _TAG.sub(" ", _SCRIPT.sub(" ", body))).strip()
