"""Turns a status, an error object or the gateway's words into one GPT4oImageError. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Billed, GPT4oImageError, Kind
from .error_object import error_codes, error_request_id, error_text, request_id
from .json_text import as_dict, json_object, repaired
from .keywords import says
from .redact import JsonMask
from .sse import SseDecoder
from .transcript import Transcript

_NOT_BILLED = (400, 401, 403, 404, 413, 429)
_PAGE = re.compile(r"(?is)[\s\ufeff]*(?:<\?xml.*?\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\b|html\b|head\b|body\b)")
# What only a bot check before the gateway answers with: pages that begin without a page's own tags, and Cloudflare's.
_GUARD = re.compile(
    r"""(?is)[\s\ufeff]*(?:<(?:title|meta|script|style|center|h1|\?xml)\b|error\ code:\ 10\d\d\s*\Z)""", re.VERBOSE
)
_EVENT = re.compile(r"\s*(?:data|event|id|retry)?:")
_SCRIPT = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>")
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile('[:\uff1a"\u201c\u201d\u300c\u300e\u300a\n]')
_OPENING_CHARS = 12  # "We are so sorry", "I can't"
# The order in which words decide: a limit that mentions a policy is a limit.
_BY_WORDS: tuple[tuple[str, Kind], ...] = (
    ("quota", "quota"),
    ("rate_limited", "rate_limited"),
    ("bad_model", "bad_model"),
    ("moderation_output", "moderation_output"),
    ("moderation_input", "moderation_input"),
    ("moderation", "moderation_input"),
)
_BY_TIME: tuple[tuple[str, Kind], ...] = (("timed_out", "timeout"),)
# What an answer in plain text may be, in this order too: an apology may precede anything.
_BY_PROSE: tuple[tuple[str, Kind], ...] = (
    ("rate_limited", "rate_limited"),
    ("pending", "pending"),
    ("quota", "quota"),
    ("refused_because", "refused"),
    ("timed_out", "timeout"),
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
# Words may sharpen a status only into these kinds. A used-up key comes as 401 too: recharging helps, no new key.
_SHARPENS: dict[int, tuple[Kind, ...]] = {
    401: ("quota",),
    400: ("moderation_input", "moderation_output", "bad_model", "quota"),
    403: ("quota",),
    404: ("bad_model",),
    422: ("moderation_input", "moderation_output", "bad_model"),
    429: ("quota",),
}
# What failed, and what to do about it.
_SENTENCES: dict[Kind, tuple[str, str]] = {
    "moderation_input": (
        "The gateway's moderation stopped the prompt.",
        "Describe a style instead of a living artist, a film or a person, then run again.",
    ),
    "moderation_output": (
        "The gateway's moderation stopped the finished picture.",
        "Change what it shows, then run again.",
    ),
    "refused": (
        "The model declined to draw this.",
        "Read its reason, change the prompt, then run again.",
    ),
    "quota": (
        "The account's balance or the key's quota is used up.",
        "Recharge it at the gateway, then run again.",
    ),
    "rate_limited": ("The gateway is at a limit.", "Wait as long as it says, then run again."),
    "auth": ("The gateway does not accept the key.", "Set a valid key with `gpt4o-image key set`."),
    "bad_model": ("The gateway does not offer this model now.", "Choose the other model, or try again later."),
    "bad_request": ("The gateway does not accept the request as it is.", "Change what its message names."),
    "upstream": ("The gateway failed.", "Look at its log before you run again: each run is a new charge."),
    "truncated": (
        "The answer broke off before a picture came.",
        "Look at the gateway's log before you run again: each run is a new charge.",
    ),
    "no_image": ("The answer holds no picture.", "Change the prompt so that it asks for one."),
    "pending": ("The gateway postponed the picture and will not send it here.", "Run again later."),
    "timeout": (
        "No picture came in time.",
        "Raise timeout_s in config.toml if the gateway's queue is long.",
    ),
    "reference": ("The upload is too large for the gateway.", "Use fewer or smaller references."),
}
_CHALLENGE = "A bot check in front of the gateway refused the request; the key is not the cause."
_CHALLENGE_ADVICE = "Try again later, from another network, or with another of the gateway's hosts as base_url."


def failure(kind: Kind, billed: Billed, text: str | None = None, request_id: str | None = None) -> GPT4oImageError:
    """An error of a kind with its standing advice."""
    problem, advice = _SENTENCES[kind]
    return GPT4oImageError(
        kind, problem, advice=advice, billed=billed, gateway_text=text or None, request_id=request_id
    )


def from_status(status: int, body: str, header_id: str | None = None, *, key: str = "") -> GPT4oImageError:
    """From an answer that is not 200: AiHubMix documentation, "Error codes".

    `body` may have broken off. `key`: of the gateway; masked where only the escapes of JSON hid it.
    """
    envelope = JsonMask(key).of(_envelope(body))
    said = _words_of(envelope) if envelope is not None else _plain(body)
    kind: Kind = _BY_STATUS.get(status, "upstream")
    sharper = _by_words(" ".join([said, *error_codes(envelope)]))
    allowed = _SHARPENS.get(status, tuple(k for _, k in _BY_WORDS) if status >= 500 else ())
    if sharper in allowed and sharper:
        kind = sharper
    moderated = kind in ("moderation_input", "moderation_output")
    free = status in _NOT_BILLED or 300 <= status < 400
    billed: Billed = "no" if free and not moderated else "unknown"
    found = failure(kind, billed, said or f"HTTP {status}", request_id(said) or error_request_id(envelope) or header_id)
    if kind == "auth" and status == 403 and _is_guard(body, envelope):
        return found.but(kind="upstream", problem=_CHALLENGE, advice=_CHALLENGE_ADVICE)
    return found


def from_object(value: Mapping[str, Any]) -> GPT4oImageError:
    """From an error object inside an answer that began with status 200, and so was billed."""
    said, codes = _words_of(value), error_codes(value)
    kind = _by_words(" ".join([said, *codes])) or _by(_BY_TIME, said) or _by_code(codes)
    return failure(kind or "upstream", "yes", said, error_request_id(value))


def from_body(body: str) -> GPT4oImageError:
    """From a 200 answer that is neither a stream nor a completion: JSON, a line of text, nothing."""
    if (value := json_object(body)) is not None:
        return from_object(value)
    said = _plain(body)
    return failure(_by_words(said) or "upstream", "yes", said or "(an empty answer)", request_id(said))


def from_page(body: str, base_url: str) -> GPT4oImageError:
    """From a web page with status 200: base_url is that of a web site, or a proxy is in between."""
    problem = f"{base_url or 'The gateway'} answers with a web page, not as a gateway does."
    advice = "Check base_url: it ends in /v1 at most gateways."
    return GPT4oImageError("config", problem, advice=advice, billed="unknown", gateway_text=_plain(body) or None)


def from_task(task_id: str) -> GPT4oImageError:
    """From the object of an asynchronous task in place of an answer: the picture will be elsewhere."""
    problem = f"The gateway only accepted the request, as task {task_id}, and sends no picture here."
    return GPT4oImageError("pending", problem, advice="Look it up at the gateway.", billed="yes", request_id=task_id)


def from_unread(said: Transcript) -> GPT4oImageError:
    """From an answer without a picture of which something could not be read: that may have held one."""
    problem = "Part of the answer could not be read, and no picture was found in the rest."
    return from_transcript(said, complete=True).but(problem=problem, advice="")


def from_transcript(said: Transcript, *, complete: bool) -> GPT4oImageError:
    """From a stream that ended without a picture."""
    prose = "\n".join(said.prose)
    if said.failed:
        text = "\n".join(dict.fromkeys([*said.reasons, prose])).strip()
        return failure(_kind_of_failure(said, text), "yes", text, said.task_id or request_id(text))
    kind: Kind = kind_of_prose(prose) if complete else "truncated"
    return failure(kind, "yes", prose, said.task_id or request_id(prose))


def kind_of_prose(prose: str) -> Kind:
    """What an answer in plain text is: a limit, a refusal, a postponement; `no_image` where no word decides."""
    return _by(_BY_PROSE, prose) or "no_image"


def declines(prose: str) -> bool:
    """Whether an answer in plain text is a refusal or a limit itself, not a picture's text that quotes such words.

    It is one that begins so, "I'm sorry", or whose first line names a policy or a limit outside quotes. An apology
    for the wait does not count.
    """
    opening = prose.lstrip("\u201c\"'* ")[:_OPENING_CHARS]
    first = _SENTENCE_END.split(prose.strip(), maxsplit=1)[0]
    refuses = says(opening, "refused") and not says(first, "waited")
    return refuses or any(says(first, group) for group in ("policy", "rate_limited", "quota"))


def is_page(body: str) -> bool:
    """Whether a body is a web page, not a piece of HTML with a picture in it."""
    return _PAGE.match(body) is not None


def _kind_of_failure(said: Transcript, text: str) -> Kind:
    terminal = said.terminal or {}
    if terminal.get("is_output_rejection") is True:
        return "moderation_output"
    if kind := _by_words(" ".join([text, *error_codes(terminal), error_text(terminal) or ""])):
        return kind
    if says(text, "refused_because"):
        return "refused"
    return "timeout" if says(text, "timed_out") else "upstream"


def _by_words(text: str) -> Kind | None:
    return _by(_BY_WORDS, text)


def _by(groups: Sequence[tuple[str, Kind]], text: str) -> Kind | None:
    return next((kind for group, kind in groups if says(text, group)), None)


def _by_code(codes: Sequence[str]) -> Kind | None:
    """Where a code is the number of a status: `{"error": {"code": 429}}`."""
    statuses = [int(code) for code in codes if code.isdecimal() and len(code) == 3]
    return next((_BY_STATUS[status] for status in statuses if status in _BY_STATUS), None)


def _is_guard(body: str, envelope: Mapping[str, Any] | None) -> bool:
    return bool(is_page(body) or _GUARD.match(body) or (envelope or {}).get("cloudflare_error"))


def _envelope(body: str) -> dict[str, Any] | None:
    """The error object of a body, as far as it came; some gateways send it as an event of a stream."""
    whole = json_object(body)
    if whole is None and _EVENT.match(body):
        decoder = SseDecoder()
        items = [*decoder.feed(body.encode("utf-8", "replace")), *decoder.finish()]
        whole = next((item for item in items if isinstance(item, dict)), None)
    return whole if whole is not None else as_dict(repaired(body)) or None


def _words_of(value: Mapping[str, Any]) -> str:
    """What an error object says; all of it where it says nothing in words."""
    return error_text(value) or json.dumps(value, ensure_ascii=False, default=str)


def _plain(body: str) -> str:
    """A web page as its words, so that an error shows no markup."""
    if "<" not in body:
        return body.strip()
    return _SPACE.sub(" ", _TAG.sub(" ", _SCRIPT.sub(" ", body))).strip()
