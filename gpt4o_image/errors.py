"""The exception tree: every way in which a picture can fail to come. Pure; knows no library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

Kind = Literal[
    "moderation_input",
    "moderation_output",
    "refused",
    "quota",
    "rate_limited",
    "auth",
    "bad_model",
    "bad_request",
    "upstream",
    "truncated",
    "no_image",
    "pending",
    "download_failed",
    "timeout",
    "cancelled",
    "prompt_stopped",
    "budget",
    "config",
    "reference",
]
Billed = Literal["yes", "no", "unknown"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_BILLED_SENTENCE: dict[Billed, str] = {
    "yes": "This call was billed.",
    "no": "Nothing was billed.",
    "unknown": "Whether this call was billed is unknown; look at the gateway's log before you repeat it.",
}
_QUOTE_CHARS = 600
_GATEWAY_TEXT_CHARS = 4000


class GPT4oImageError(Exception):
    """A picture did not come.

    `message` is `problem`, what failed, and `advice`, what to do about it; `gateway_text` is the gateway's own
    wording, at most 4,000 characters of it; `request_id` is what the gateway's support asks for. `str()` joins all of
    it for ComfyUI's error dialog.
    """

    def __init__(
        self,
        kind: Kind,
        problem: str,
        *,
        advice: str = "",
        billed: Billed = "no",
        gateway_text: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{problem} {advice}".strip())
        self.kind: Kind = kind
        self.problem = problem
        self.advice = advice
        self.billed: Billed = billed
        self.gateway_text = gateway_text and shorten(gateway_text, _GATEWAY_TEXT_CHARS)
        self.request_id = request_id

    @property
    def message(self) -> str:
        return f"{self.problem} {self.advice}".strip()

    def but(self, **parts: Any) -> GPT4oImageError:
        """A copy with other `parts`, named as in the constructor. An error is never changed once it was raised."""
        kept = ("kind", "problem", "advice", "billed", "gateway_text", "request_id")
        return GPT4oImageError(**{name: parts.get(name, getattr(self, name)) for name in kept})

    def plus(self, advice: str) -> GPT4oImageError:
        """The same error with one more line of `message`."""
        part = "advice" if self.advice else "problem"
        return self.but(**{part: f"{getattr(self, part)}\n{advice}"})

    def __str__(self) -> str:
        lines = [self.message, _BILLED_SENTENCE[self.billed] + f" ({self.kind})"]
        if self.request_id:
            lines.append(f"Request id: {self.request_id}")
        if self.gateway_text:
            lines.append(f"The gateway said: {shorten(self.gateway_text)}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, str | None]:
        """The `error` object of reports and of `--json`."""
        return {
            "kind": self.kind,
            "message": self.message,
            "billed": self.billed,
            "gateway_text": self.gateway_text,
            "request_id": self.request_id,
        }


# ComfyUI's error dialog prints the class with its module, which there is the path of this folder.
GPT4oImageError.__module__ = "gpt4o_image"


def error_from_json(value: Mapping[str, Any]) -> GPT4oImageError:
    """The reverse of `as_json`; a kind of a newer version is read as `upstream`."""
    kind: Kind = value["kind"] if value.get("kind") in KINDS else "upstream"
    return GPT4oImageError(
        kind,
        str(value.get("message", "")),
        billed=value.get("billed", "unknown"),
        gateway_text=value.get("gateway_text"),
        request_id=value.get("request_id"),
    )


def shorten(text: str, limit: int = _QUOTE_CHARS) -> str:
    """`text` on as few lines as it has, at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."
