"""Reads how long a rate-limited gateway asks to wait. Pure, but for the clock that a date is compared with."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime

_UNSAID_S = 10.0
_IN_WORDS = re.compile(r"\b(?:in|after) (\d+(?:\.\d+)?) ?(sec|min|(?:ms|s|m)(?![a-z]))", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0}


def wait_s(retry_after: str, said: str) -> float:
    """Seconds by the header Retry-After (RFC 9110: seconds or a date), else by its words, else ten."""
    text = retry_after.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    found = _IN_WORDS.search(said)
    return float(found[1]) * _UNITS[found[2].lower()] if found else _UNSAID_S
