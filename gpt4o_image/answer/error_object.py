"""Reads a gateway's error object: its words, codes and request id. Pure; decides no kind of failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .json_text import as_dict, as_list, without_surrogates

_TEXT_KEYS = (
    "message", "msg", "detail", "error_description", "error_msg", "error_message", "fail_reason", "failure_reason",
    "reason",
)  # fmt: skip
_CODE_KEYS = ("code", "type", "reason", "status", "status_code", "statusCode", "error_code", "errorCode")
_ID_KEYS = ("request_id", "requestId", "tid", "trace_id")
_STATE_KEYS = ("status", "task_status", "state")
_REQUEST_ID = re.compile(r"[(\uff08](?:tid|req(?:uest)?[ _-]?id)\s*[:\uff1a]\s*([\w-]+)\s*[)\uff09]", re.IGNORECASE)
_FINE = ("0", "200", "", "ok", "success", "none", "null", "false")
_FAILED = ("failed", "failure", "error", "fail")
_WAITING = (
    "queued", "pending", "submitted", "created", "accepted", "starting", "started", "processing", "in_progress",
    "inprogress", "running", "waiting", "in_queue", "not_start", "scheduled", "generating",
)  # fmt: skip


def is_error(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object reports a failure: `{"error": ..}`, `{"code": -1}`, `{"type": "terminal"}`."""
    if _is_real(value.get("error")):
        return True
    if value.get("type") in ("terminal", "error") or value.get("success") is False or _state(value) in _FAILED:
        return True
    if value.get("choices") or value.get("data"):
        return False
    code = value.get("code")
    return isinstance(code, (int, str)) and str(code).lower() not in _FINE


def error_text(value: Mapping[str, Any]) -> str | None:
    """Its message in words, None where it has none: `{"error": {"message": "m"}}`, `{"msg": "m"}`, `{"error": "m"}`."""
    error: Any = value.get("error")
    inner = as_dict(next(iter(as_list(error)), None) if isinstance(error, list) else error) or value
    texts: list[Any] = [error, *(inner.get(key) for key in _TEXT_KEYS), *(value.get(key) for key in _TEXT_KEYS)]
    return next((without_surrogates(text) for text in texts if isinstance(text, str) and text), None)


def error_codes(value: Mapping[str, Any] | None) -> list[str]:
    """Its codes and types, `moderation_blocked` or `401`: more reliable than its words."""
    inner = as_dict((value or {}).get("error")) or value or {}
    return [str(inner[key]) for key in _CODE_KEYS if inner.get(key)]


def error_request_id(value: Mapping[str, Any] | None) -> str | None:
    """The id that the gateway's support asks for: in its words, as `(tid: 2025...)`, or in a field."""
    if value is None:
        return None
    if named := request_id(error_text(value) or ""):
        return named
    ids = (table.get(key) for table in (value, as_dict(value.get("error"))) for key in _ID_KEYS)
    return next((named for found in ids if (named := _id(found))), None)


def request_id(text: str) -> str | None:
    """The id in a message: `... (tid: 2025...)`."""
    found = _REQUEST_ID.search(text)
    return found[1] if found else None


def waiting_task(value: Mapping[str, Any]) -> str | None:
    """The id of a task that is still to be done, as `{"id": "task_1", "status": "queued"}` in place of an answer."""
    parts = [value.get(key) for key in ("data", "output", "result", "task")]
    tables = [value, *(as_dict(next(iter(as_list(part)), part)) for part in parts)]
    waits = any(_state(table) in _WAITING for table in tables)
    keys = ("task_id", "taskId", *(("id", "request_id") if waits else ()))
    named = (table.get(key) for key in keys for table in tables)
    return next((task for found in named if (task := _id(found))), None)


def _id(value: Any) -> str:
    """An id, which some gateways write as a number."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value else ""


def _is_real(error: Any) -> bool:
    """False for `null`, and for an error object that reports success or nothing."""
    if isinstance(error, dict):
        return any(str(part).lower() not in _FINE for part in as_dict(error).values())
    return bool(error) and str(error).lower() not in _FINE


def _state(table: Mapping[str, Any]) -> str:
    for key in _STATE_KEYS:
        if isinstance(state := table.get(key), str):
            return state.lower().replace(" ", "_")
    return ""
