"""Bytes of a gateway's answer -> events and a transcript, for both endpoints and every shape of a 200. Pure."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urljoin

from ..errors import GPT4oImageError
from ..urls import Picture
from .chat import CompletionReader
from .events import Event
from .parser import StreamParser, Transcript


class AnswerReader:
    """Feed it the answer as it comes and finish it once; `error`, `complete` and `finish_reason` then say how it ended.

    `base_url`: of the gateway that answers; addresses without a host are read as of its origin. `prompt`: as it was
    sent; never read as an answer.
    """

    def __init__(self, base_url: str = "", prompt: str = "") -> None:
        self.warnings: list[str] = []
        self._base_url = base_url
        self._prompt = prompt
        self._reader = CompletionReader()
        self._parser = StreamParser(base_url)

    @property
    def transcript(self) -> Transcript:
        """The same object all the time."""
        return self._parser.transcript

    @property
    def error(self) -> GPT4oImageError | None:
        """An error object that came in place of an answer, or inside it."""
        return self._reader.error

    @property
    def complete(self) -> bool:
        """Whether the gateway itself ended the answer."""
        return self._reader.complete

    @property
    def ending(self) -> bool:
        """Whether nothing more is owed."""
        return self._reader.ending

    @property
    def closed(self) -> bool:
        """Whether the gateway said that nothing follows."""
        return self._reader.closed

    @property
    def finish_reason(self) -> str | None:
        """Of the model's message, as the gateway sent it."""
        return self._reader.finish_reason

    @property
    def unread(self) -> bool:
        """Whether some of the answer was not understood, so that a later version may find a picture in it.

        Not where all of it was read and holds none, and not for an error or a page.
        """
        return self._reader.broken > 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes."""
        text = self._reader.feed(chunk)
        return [*(self._parser.feed(text) if text else []), *self._images()]

    def finish(self, *, broke_off: bool) -> list[Event]:
        """The events that only the end decides. `broke_off`: it is not the gateway that ended the answer."""
        rest = self._reader.finish(broke_off=broke_off)
        return [*self._parser.feed(rest), *self._parser.finish(), *self._images()]

    def _images(self) -> list[Event]:
        """The pictures of an Images object, each with `b64_json` or `url`."""
        said = self.transcript
        found: list[Event] = []
        images, self._reader.images = self._reader.images, []
        for item in images:
            table = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
            if isinstance(prompt := table.get("revised_prompt"), str):
                said.revised_prompt = said.revised_prompt or prompt
            if isinstance(base64 := table.get("b64_json"), str) and base64:
                address = base64 if base64.startswith("data:") else f"data:image/png;base64,{base64}"
            elif isinstance(url := table.get("url"), str) and url:
                address = urljoin(self._base_url, url)
            else:
                continue
            picture = Picture(len(said.pictures), address, "")
            said.pictures.append(picture)
            found.append(picture)
        return found
