"""One paid call while it lasts: the POST, its answer, the downloads that begin meanwhile.

Sends once. Whatever happens after that becomes a value: pictures, warnings, or the error that ended it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from .answer.events import Event, Generating, Progress, Queued
from .answer.failures import failure
from .answer.reader import AnswerReader
from .answer.revision import revision
from .download.pool import MAX_PICTURES, Pool, Settled
from .errors import Billed, GPT4oImageError
from .gateway.client import BrokenOff, Response, post
from .gateway.config import Config
from .gateway.hosts import Hosts
from .gateway.misaddressed import base_url_advice
from .gateway.profiles import Gateway
from .gateway.waiting import ask_within_limits
from .outcome import Outcome, PaidPicture, repairs, too_few, too_many
from .pictures.references import too_large_advice
from .prompt import body, prompt_text
from .request import Request
from .run_events import Arrived, Departing, Downloading, Limited, RunEvent
from .urls import Link, Picture
from .vault.answers import AnswerEnd, AnswerHead, Ending
from .vault.recorder import Recorder
from .vault.results import HEARTBEAT_S, Verdict

_POLL_S = 0.1
# Once the gateway has said its last word, what still comes is a formality: an open connection is not waited for.
_ENDING_S = 5.0
# What is paid for is worth a little more than the deadline.
_DOWNLOAD_S = 60.0


class PaidCall:
    """`await run()` once, then `outcome`. `notify` may be called from download threads.

    `linger_s`: how long a cancelled call waits for downloads whose links had come. 0 where the process lives on.
    With `wait_when_limited` of `config` a plain 429, which is not billed, is waited out within its `timeout_s`.
    """

    def __init__(
        self,
        request: Request,
        gateway: Gateway,
        recorder: Recorder,
        config: Config,
        *,
        notify: Callable[[RunEvent], None],
        cancelled: Callable[[], bool],
        linger_s: float,
        hosts: Hosts,
    ) -> None:
        self._request = request
        self._gateway = gateway
        self._recorder = recorder
        self._timeout_s = config.timeout_s
        self._started = time.monotonic()
        self._notify = notify
        self._cancelled = cancelled
        self._linger_s = linger_s
        self._hosts = hosts
        self._wait_when_limited = config.wait_when_limited
        self._head: AnswerHead | None = None
        self._ending: Ending = "killed"
        self._read = False
        self._received = 0
        self._billed: Billed = "no"
        self._percentages: list[int] = []
        self._warnings: list[str] = []
        self._settled = Settled({}, [], [])
        self._writing: asyncio.Future[None] | None = None
        self._timings: dict[str, float] = {}
        self._expect(gateway.base_urls[0])

    def _expect(self, base_url: str) -> None:
        """Gets ready for an answer from there."""
        self._reader = AnswerReader(base_url, prompt_text(self._request), self._gateway.api_key)
        self._said = self._reader.transcript
        self._pool = Pool(
            self._said.pictures,
            self._said.links,
            self._gateway.origins,
            self._started + self._timeout_s + _DOWNLOAD_S,
            keep=self._recorder.picture,
            arrived=_teller(self._notify),
        )

    @property
    def billed(self) -> Billed:
        """What is known of the bill so far."""
        return self._billed

    async def run(self) -> GPT4oImageError | None:
        """The error that ended the call, None when pictures came."""
        beating = asyncio.create_task(self._beat())
        try:
            return await self._to_end()
        finally:
            beating.cancel()
            self._pool.no_more()

    async def _to_end(self) -> GPT4oImageError | None:
        try:
            stopped_by = await self._read_answer()
        except GPT4oImageError as error:
            return error
        finally:
            self._pool.all_known()
            self._time("ended_s")
        for picture in self._said.pictures[self._pool.total :]:
            self._start(picture)  # Cancel came between its link and its download
        if stopped_by and stopped_by.kind == "cancelled":
            return await self._leave(stopped_by)
        return await self._collect(stopped_by)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            with suppress(RuntimeError):  # no thread can be started just now
                await asyncio.to_thread(self._recorder.beat, self._billed)

    # The answer

    async def _read_answer(self) -> GPT4oImageError | None:
        """Reads the answer until it ends, breaks off, is cancelled or meets the deadline. None when it is whole."""
        task = asyncio.create_task(self._converse())
        try:
            stopped_by = await self._watch(task)
        finally:
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            if self._writing:
                await self._writing
        if isinstance(ended, BaseException) and not isinstance(ended, (BrokenOff, asyncio.CancelledError)):
            raise ended
        self._ending = _ending(stopped_by, broke_off=isinstance(ended, BrokenOff))
        await self._take(self._reader.finish(broke_off=self._ending != "whole"))
        self._read = True
        error = self._reader.error
        if error and error.kind == "config" and self._head:  # a web page
            error = error.but(advice=base_url_advice(self._gateway.name, self._head.answered_by))
        return stopped_by or error

    async def _converse(self) -> None:
        """Sends the request; once more only where the gateway is at its limit and the user lets that be waited for."""
        deadline = self._started + self._timeout_s
        await ask_within_limits(
            self._ask, may_wait=self._wait_when_limited, deadline=deadline, limited=self._not_let_in
        )

    def _not_let_in(self, wait_s: float) -> None:
        self._billed = "no"
        self._notify(Limited(self._recorder.id, wait_s))

    async def _ask(self) -> None:
        if self._cancelled():  # while the result was being recorded
            raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")
        text = body(self._request)
        call = post(self._gateway, self._request.endpoint, text, self._timeout_s, self._hosts, before_body=self._depart)
        async with call as response:
            self._billed = "yes"
            self._time("answered_s")
            await self._begin(response)
            async for chunk in response.chunks:
                self._received += len(chunk)
                await self._write(lambda chunk=chunk: self._recorder.chunk(chunk))
                await self._take(self._reader.feed(chunk))
                if self._reader.closed:
                    return

    async def _depart(self) -> None:
        """A call that is cancelled by now is held back until Cancel ends it."""
        self._notify(Departing(self._recorder.id))
        while self._cancelled():  # noqa: ASYNC110 - it is asked of other threads
            await asyncio.sleep(_POLL_S)
        self._billed = "unknown"

    async def _begin(self, response: Response) -> None:
        self._expect(response.base_url)  # a backup host may have answered
        self._head = AnswerHead(200, response.content_type, response.request_id, response.base_url)
        self._warnings += [response.note] if response.note else []
        await self._write(lambda head=self._head: self._recorder.begin_answer(head))
        if self._request.endpoint == "images":
            self._notify(Generating())  # it says nothing until it is done

    async def _watch(self, task: asyncio.Task[None]) -> GPT4oImageError | None:
        deadline, ending_by = self._started + self._timeout_s, float("inf")
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL_S)
            now = time.monotonic()
            if self._cancelled() and not task.done():
                return GPT4oImageError("cancelled", "Cancelled; the connection is closed.", billed=self._billed)
            ending_by = min(ending_by, now + _ENDING_S) if self._reader.ending else float("inf")
            if now > ending_by:
                return None
            if now > deadline:
                return failure("timeout", self._billed, "\n".join(self._said.prose))
        return None

    async def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Progress):
                self._percentages.append(event.percent)
            if isinstance(event, (Queued, Generating, Progress)):
                self._notify(event)
        await self._keep([event for event in events if isinstance(event, (Picture, Link))])

    async def _keep(self, found: Sequence[Picture | Link]) -> None:
        """Stores links, and only then begins to fetch them."""
        if not found:
            return
        await self._write(lambda: self._recorder.links(found))
        for each in found:
            if isinstance(each, Picture):
                self._start(each)

    async def _write(self, write: Callable[[], None]) -> None:
        """Off this loop, which a slow disk must not hold up. Cancel does not undo it."""
        try:
            self._writing = asyncio.ensure_future(asyncio.to_thread(write))
            await asyncio.shield(self._writing)
        except RuntimeError:  # no thread can be started
            write()

    # The pictures

    def _start(self, picture: Picture) -> None:
        self._pool.start(picture)
        self._notify(Downloading(self._pool.arrived, self._pool.total))

    async def _collect(self, stopped_by: GPT4oImageError | None) -> GPT4oImageError | None:
        while self._pool.running:
            await self._wait(_POLL_S)
            if self._cancelled():
                return await self._leave(GPT4oImageError("cancelled", "Cancelled during the download.", billed="yes"))
        self._time("downloaded_s")
        if not self._pool.total:
            return self._nothing_found(stopped_by)
        self._settled = self._pool.settle()
        for each in self._settled.undecodable:
            await self._write(lambda index=each.index: self._recorder.unreadable(index))
        if self._settled.pictures:
            self._note_ending(stopped_by)
            return None
        return self._none_usable()

    async def _leave(self, cancelled: GPT4oImageError) -> GPT4oImageError:
        """After Cancel the downloads go on by themselves, into the vault: their pictures are paid for."""
        self._pool.detach()
        await self._wait(self._linger_s)
        return cancelled

    async def _wait(self, timeout_s: float) -> None:
        try:
            await asyncio.to_thread(self._pool.wait, timeout_s)
        except RuntimeError:  # no thread can be started
            await asyncio.sleep(min(timeout_s, _POLL_S))

    def _nothing_found(self, stopped_by: GPT4oImageError | None) -> GPT4oImageError:
        error = stopped_by or failure("no_image", "yes")
        if self._verdict == "unread":
            again = f"`gpt4o-image results read {self._recorder.id}` reads it again for free, for instance"
            error = error.but(advice=f"All of it is kept: {again} after an update.")
        return error

    def _none_usable(self) -> GPT4oImageError:
        lines = ["The pictures were made and paid for, but none can be used here."]
        if self._settled.reasons:
            again = f"`gpt4o-image results fetch {self._recorder.id}` tries again to download them, for free:"
            lines += [again, *self._settled.reasons]
        lines += [each.sentence(self._recorder.id) for each in self._settled.undecodable]
        return GPT4oImageError("download_failed", "\n".join(lines), billed="yes", request_id=self._said.task_id)

    def _note_ending(self, stopped_by: GPT4oImageError | None) -> None:
        if self._reader.finish_reason == "length":
            self._warnings.append("The answer was cut at its length limit (finish_reason: length).")
        if stopped_by:
            words = f": {stopped_by.gateway_text}" if stopped_by.gateway_text else ""
            self._warnings.append(f"The answer ended early, after a picture was known ({stopped_by.kind}){words}.")
        elif self._said.failed:
            self._warnings.append("After the first picture the gateway said: " + "; ".join(self._said.reasons))
        sent = {part.digest: part.name for part in self._request.references}
        self._warnings += [
            f"Picture {number} is the reference {sent[picture.sha256]}, unchanged."
            for number, picture in enumerate(self._in_order, 1)
            if picture.sha256 in sent
        ]

    @property
    def _in_order(self) -> list[PaidPicture]:
        return [self._settled.pictures[index] for index in sorted(self._settled.pictures)]

    def _time(self, step: str) -> None:
        self._timings[step] = round(time.monotonic() - self._started, 3)

    # The end

    @property
    def _verdict(self) -> Verdict:
        if self._read and self._reader.failed:
            return "failed"
        return "read" if self._read and not self._reader.unread else "unread"

    def outcome(self, error: GPT4oImageError | None, price_usd: float | None) -> Outcome:
        """The call as a value, after it was written to the vault."""
        free = price_usd == 0.0  # the simulator never bills
        error = error and self._completed(error, free=free)
        billed: Billed = "no" if free else error.billed if error else "yes"
        cost_usd = 0.0 if billed == "no" else price_usd
        self._recorder.finish(
            billed=billed,
            cost_usd=cost_usd,
            error=error.as_json() if error else None,
            details=self._details(),
            answer=self._head and AnswerEnd(self._ending, self._received, self._verdict, revision()),
        )
        pictures = () if error else tuple(self._in_order)
        return Outcome(
            self._request.model,
            pictures=pictures,
            error=error,
            warnings=(*self._lasting_warnings, *(() if error else self._warnings_of(pictures))),
            progress=tuple(self._percentages),
            revised_prompt=self._said.revised_prompt,
            gen_ids=tuple(self._said.gen_ids),
            cost_usd=cost_usd,
            expected=self._expected,
            request_id=self._request_id,
            result_id=self._recorder.id,
        )

    def _completed(self, error: GPT4oImageError, *, free: bool) -> GPT4oImageError:
        """`error` with what only the whole call knows."""
        if error.kind == "reference" and self._request.references:
            error = error.plus(too_large_advice(self._request.references))
        if error.kind != "pending" and self._head and self._head.request_id:
            error = error.but(request_id=self._head.request_id)
        return error.but(billed="no") if free else error

    @property
    def _request_id(self) -> str | None:
        return (self._head and self._head.request_id) or self._said.task_id

    @property
    def _expected(self) -> int | None:
        return self._request.expected or self._said.count

    @property
    def _lasting_warnings(self) -> list[str]:
        """Those that are still true when the result is loaded again."""
        return [*self._reader.warnings, *self._warnings]

    def _warnings_of(self, pictures: Sequence[PaidPicture]) -> list[str]:
        """Those that a later load finds again."""
        return [
            *too_few(self._expected, len(pictures)),
            *too_many(len(self._said.pictures), MAX_PICTURES),
            *repairs(pictures),
            *(each.sentence(self._recorder.id) for each in self._settled.undecodable),
            *(f"Could not be downloaded: {reason}" for reason in self._settled.reasons),
        ]

    def _details(self) -> dict[str, Any]:
        """What the vault keeps besides the pictures and the answer."""
        return {
            "warnings": self._lasting_warnings,
            "progress": self._percentages,
            "revised_prompt": self._said.revised_prompt,
            "gen_ids": self._said.gen_ids,
            "task_id": self._said.task_id,
            "request_id": self._request_id,
            "expected": self._expected,
            "timings": self._timings,
        }


def _ending(stopped_by: GPT4oImageError | None, *, broke_off: bool) -> Ending:
    if broke_off:
        return "broke_off"
    if stopped_by is None:
        return "whole"
    return "cancelled" if stopped_by.kind == "cancelled" else "timeout"


def _teller(notify: Callable[[RunEvent], None]) -> Callable[[PaidPicture, int, int], None]:
    def arrived(picture: PaidPicture, done: int, total: int) -> None:
        notify(Arrived(picture))
        notify(Downloading(done, total))

    return arrived
