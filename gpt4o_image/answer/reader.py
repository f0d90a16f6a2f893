"""Bytes of a gateway's answer -> events and a transcript, for both endpoints and every shape of a 200. Pure.

Told apart by shape, not by content type or endpoint: an event stream, JSON, text, a web page. A picture counts wherever
it is; where there is none, the last resort is whatever in the answer looks like one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from ..errors import GPT4oImageError
from .error_object import is_error, waiting_task
from .events import Event
from .failures import (
    declines,
    failure,
    from_body,
    from_object,
    from_page,
    from_task,
    from_transcript,
    from_unread,
    is_page,
    kind_of_prose,
)
from .json_text import CutText, as_dict, as_list, json_objects, repaired, without_surrogates
from .parser import StreamParser
from .redact import JsonMask, TextMask
from .shapes import Piece, Possible, Revised, Said, Shown, pieces, possible_addresses
from .sse import Item, SseDecoder
from .transcript import Transcript

MAX_BODY_BYTES = 64 * 1024 * 1024
_BEFORE_ALL = b"\xef\xbb\xbf \t\r\n"
# The other fields of an Images object (OpenAI, "The image generation response").
_IMAGES_KEYS = frozenset(
    ("created", "data", "usage", "background", "output_format", "quality", "size", "id", "object", "model")
)
_MAX_CHOICES = 32
_FINISH_KEYS = ("finish_reason", "finishReason", "stop_reason")
# How gateways name a moderation that stopped the model, each in its own dialect.
_DECLINING = ("moderation_input", "moderation_output", "refused")
_FILTERED = ("content_filter", "safety", "image_safety", "prohibited_content", "refusal")


class AnswerReader:
    """Feed it the answer as it comes and finish it once; `error`, `complete`, `finish_reason` then describe its end.

    `base_url`: of the gateway that answers; addresses without a host are read as of its origin. `prompt`: as it was
    sent; never read as an answer. `key`: of the gateway; masked where only reading puts it together. `transcript` is
    the same object all the time. `finish` sets `warnings`, and `failed` where the answer itself says that no picture
    came: then no link in it leads to one.
    """

    def __init__(self, base_url: str = "", prompt: str = "", key: str = "") -> None:
        self.transcript = Transcript(base_url, prompt)
        self._key = key
        self._mask = JsonMask(key)
        self.error: GPT4oImageError | None = None
        self.failed = False
        self.finish_reason: str | None = None
        self.warnings: list[str] = []
        self._sse = SseDecoder()
        self._is_stream: bool | None = None
        self._body: list[bytes] = []  # of an answer that is not a stream, or not known to be one yet
        self._body_bytes = 0
        self._begun = False  # an event or an object was read
        self._whole = False  # it was not cut, as far as its shape shows
        self._strange = False  # it is JSON in which nothing is known
        self._torn = False  # it is one JSON value that broke off
        self._choices: dict[int, _Choice] = {}
        self._finished: set[int] = set()
        self._refusal = ""
        self._task: str | None = None
        self._unread = 0  # events
        self._cut = 0  # pictures
        self._plain_text: str | None = None  # of an answer that is nothing else

    @property
    def complete(self) -> bool:
        """Whether the gateway itself ended the answer, or all that is missing is the mark of it."""
        return self._sse.closed or self._whole or (self.finish_reason is not None and not self._torn)

    @property
    def closed(self) -> bool:
        """Whether the gateway said that nothing follows."""
        return self._sse.closed

    @property
    def ending(self) -> bool:
        """Whether nothing more is expected, only formalities. False again where another choice begins."""
        finished = bool(self._finished) and self._finished.issuperset(self._choices)
        return self.closed or finished or self.error is not None

    @property
    def unread(self) -> bool:
        """Whether some of the answer was not understood, so that a later version may find a picture in it."""
        return self._unread > 0 or self._strange

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes."""
        if self._is_stream is None:
            chunk = chunk.lstrip(_BEFORE_ALL)
            if not chunk:
                return []
            self._is_stream = chunk[:1] not in (b"{", b"[", b"<")
        if self._is_stream:
            self._read(self._sse.feed(chunk))
        if self._begun:
            self._body.clear()
        elif self._body_bytes < MAX_BODY_BYTES:
            self._body.append(chunk[: MAX_BODY_BYTES - self._body_bytes])
            self._body_bytes += len(self._body[-1])
        return self.transcript.take()

    def finish(self, *, broke_off: bool) -> list[Event]:
        """The events that only the end decides. `broke_off`: it is not the gateway that ended the answer.

        Afterwards `error` is set where no picture came, and where a picture came but the answer was cut.
        """
        unread = self._unread
        if self._is_stream:
            self._read(self._sse.finish())
            self._unread = unread if broke_off else self._unread  # half an event is not unreadable
        if not self._begun:
            self._read_body(b"".join(self._body).decode("utf-8", "replace"), broke_off=broke_off)
            self._body.clear()
        amid_line = any(choice.amid_line for choice in self._choices.values())
        cut = ((broke_off or self._is_stream) and not self.complete) or self.finish_reason == "length"
        for choice in self._choices.values():
            choice.finish(cut=bool(cut))
        self.transcript.close()
        self._take_last_resort()
        if self.transcript.pictures and not (broke_off or self._torn or amid_line) and unread == self._unread:
            self._whole = True  # only the end mark is missing
        self.failed = not self.transcript.pictures and (self._told_failure or self.error is not None)
        self.error = self.error or self._why()
        self.warnings += self._warnings()
        return self.transcript.take()

    # Events and objects

    def _read(self, items: list[Item]) -> None:
        for item in items:
            self._begun = True
            if isinstance(item, str):
                self._unread += 1
                self._salvage(item)
            else:
                self._value(item)

    def _salvage(self, text: str) -> None:
        """What is whole in an event or a body that cannot be read."""
        value = repaired(text)
        for each in as_list(value) or [value]:
            if table := as_dict(each):
                self._value(table)
        if value is None:
            self.transcript.quote(text)
        for address in possible_addresses(text, cut=True):
            self.transcript.possible(address)

    def _value(self, value: dict[str, Any]) -> None:
        value = self._mask.of(value)
        choices = as_list(value.get("choices") or value.get("candidates"))
        if is_error(value):
            self.error = self.error or from_object(value)
        elif not choices:
            self._task = self._task or waiting_task(value)
        if as_dict(value.get("promptFeedback")).get("blockReason"):  # Gemini API, "GenerateContentResponse"
            self.finish_reason = "content_filter"
        for number, item in enumerate(choices):
            self._note_end(number, as_dict(item))
        whole: dict[int, list[str]] = {}
        for piece in pieces(value):
            if isinstance(piece, Said) and piece.whole:
                whole.setdefault(piece.choice, []).append(piece.text)
            else:
                self._take(piece)
        for choice, texts in whole.items():
            self._choice(choice).add_whole(texts)

    def _take(self, piece: Piece) -> None:
        match piece:
            case Said(choice, text):
                self._choice(choice).add(text)
            case Shown(cut=True):
                self._cut += 1
            case Shown(_, address, mirrors):
                self.transcript.picture(address, "", mirrors)
            case Possible(address):
                self.transcript.possible(address)
            case Revised(prompt):
                self.transcript.note({"prompt": prompt})

    def _note_end(self, number: int, choice: dict[str, Any]) -> None:
        index = choice.get("index", number)
        reason = next((said for key in _FINISH_KEYS if (said := choice.get(key)) and isinstance(said, str)), None)
        if reason:
            self.finish_reason = reason
            self._finished.add(index if isinstance(index, int) else number)
        for key in ("delta", "message"):
            if isinstance(refusal := as_dict(choice.get(key)).get("refusal"), str):
                self._refusal += without_surrogates(refusal)[:4000]

    def _choice(self, number: int) -> _Choice:
        if number not in self._choices and len(self._choices) >= _MAX_CHOICES:
            number = next(iter(self._choices))
        if number not in self._choices:
            self._choices[number] = _Choice(self.transcript, TextMask(self._key))
        return self._choices[number]

    # An answer that is not a stream

    def _read_body(self, text: str, *, broke_off: bool) -> None:
        objects = json_objects(text)
        if objects is not None:
            for value in objects:
                self._value(value)
            self._whole = True
            empty = all(_is_empty_images_object(value) for value in objects)
            self._strange = not (self._found_anything or self.error or empty)
            self._plain_text = None if empty else text
        elif is_page(text):
            self.error = from_page(text, self.transcript.base_url)
        else:
            self._read_broken(text, broke_off=broke_off)

    def _read_broken(self, text: str, *, broke_off: bool) -> None:
        """JSON that broke off, or text, which may begin with JSON too."""
        if text[:1] in ("{", "["):
            self._salvage(text)
        if self._found_anything or self.error:
            self._torn = True
            return
        self._plain_text = text
        self._whole = not broke_off
        if text.strip():
            self._choice(0).add(text)

    @property
    def _found_anything(self) -> bool:
        return bool(self.transcript.pictures or self._choices or self._cut or self._task or self._declined)

    # The end

    @property
    def _declined(self) -> bool:
        return bool(self._refusal) or (self.finish_reason or "").lower() in _FILTERED

    @property
    def _told_failure(self) -> bool:
        return self._declined or self.transcript.failed

    def _take_last_resort(self) -> None:
        said = self.transcript
        if said.pictures:
            said.note_leftovers()
            return
        if self._told_failure or (self.error and self.error.kind in _DECLINING):
            return
        prose = "\n".join(said.prose)
        undisturbed = self.error is None and self._task is None
        if declines(prose):
            return
        if taken := said.take_links(any_link=undisturbed and kind_of_prose(prose) == "no_image"):
            self.warnings.append(f"The answer shows no picture; {taken} was taken as one.")

    def _why(self) -> GPT4oImageError | None:
        """Why no picture came, or why there may be more than those that did."""
        said = self.transcript
        if said.pictures:
            return None if self.complete else from_transcript(said, complete=False)
        if self._declined:
            return failure("refused", "yes", self._refusal or "\n".join(said.prose), said.task_id)
        if said.failed:
            return from_transcript(said, complete=True)
        if self._task:
            return from_task(self._task)
        if self.complete and self._unread:
            return from_unread(said)
        found = from_transcript(said, complete=self.complete)
        return from_body(self._plain_text) if found.kind == "no_image" and self._plain_text is not None else found

    def _warnings(self) -> Iterator[str]:
        said = self.transcript
        if self._unread:
            yield f"{_count(self._unread, 'event')} of the answer could not be read, and may hold more."
        if self._cut:
            yield f"{_count(self._cut, 'picture')} broke off inside the answer."
        if self._body_bytes >= MAX_BODY_BYTES:
            yield f"The answer is larger than {MAX_BODY_BYTES >> 20} MiB; the rest was not read."
        if said.left_out:
            yield f"{said.left_out} addresses of the answer were left out: there were too many."
        for address in said.unused:
            yield f"A picture address was found but not used: {address}"


class _Choice:
    """One choice of the answer: its text, joined from deltas, or from messages that each repeat the text so far."""

    def __init__(self, transcript: Transcript, mask: TextMask) -> None:
        self._parser = StreamParser(transcript)
        self._mask = mask
        self.amid_line = False
        self._chars = 0
        self._known = hashlib.blake2b()  # of its text, which may be longer than what is worth keeping
        self._by_deltas = False
        self._half = ""  # the first half of a character, which a JSON escape may split over two events

    def add(self, text: str) -> None:
        """What is new."""
        self._by_deltas = True
        self._feed(text)

    def add_whole(self, texts: list[str]) -> None:
        """The message so far: only what is new of it counts.

        What neither repeats nor continues what is known is kept on lines of its own: a picture may be in it.
        """
        text = "".join(texts)
        known = hashlib.blake2b(_bytes(text[: self._chars])) if len(text) >= self._chars else None
        if known is not None and known.digest() == self._known.digest():
            self._feed(text[self._chars :])
        else:
            self._feed(f"\n{text}" if self._by_deltas else text)
        if isinstance(texts[-1], CutText):
            self._break()

    def finish(self, *, cut: bool) -> None:
        """The end of the answer. `cut`: it may have gone on."""
        self._parser.feed(self._mask.finish())
        self._parser.finish(cut=cut)

    def _feed(self, text: str) -> None:
        if not text:
            return
        self.amid_line = text[-1] != "\n"
        self._chars += len(text)
        self._known.update(_bytes(text))
        cut = isinstance(text, CutText)
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        self._parser.feed(self._mask.feed(without_surrogates(text[: len(text) - len(self._half)])))
        if cut:
            self._break()

    def _break(self) -> None:
        """What comes next does not go on where the text broke off."""
        self._parser.feed(self._mask.finish())
        self._parser.break_off()


def _is_empty_images_object(value: dict[str, Any]) -> bool:
    """`{"created": 1, "data": [{"b64_json": null}]}`: moderation left no picture of it."""
    return "data" in value and _IMAGES_KEYS.issuperset(value) and _holds_nothing(value["data"])


def _holds_nothing(part: Any) -> bool:
    if isinstance(part, (dict, list)):
        return all(_holds_nothing(each) for each in (as_dict(part).values() or as_list(part)))
    return part is None or part == ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
