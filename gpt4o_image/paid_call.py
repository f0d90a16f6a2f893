"""One paid call while it lasts: the POST, its stream, the downloads that begin meanwhile.

Sends once. Whatever happens after that becomes a value: pictures, warnings, or the error that ended it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from .answer.events import Event, Generating, Progress, Queued
from .answer.failures import failure, from_transcript
from .answer.reader import AnswerReader
from .download.pool import Pool
from .errors import Billed, GPT4oImageError
from .gateway.client import BrokenOff, post
from .gateway.profiles import Gateway
from .outcome import Outcome, PaidPicture
from .prompt import body, prompt_text
from .request import Request
from .run_events import Arrived, Downloading, RunEvent
from .urls import Link, Picture
from .vault.recorder import Recorder
from .vault.results import HEARTBEAT_S

_POLL_S = 0.1
# Once the gateway has said its last word, what still comes is a formality: an open connection is not waited for.
_ENDING_S = 5.0
# What is paid for is worth a little more than the deadline.
_DOWNLOAD_S = 60.0


class PaidCall:
    """`await to_end()` once, then `outcome`. `notify` may be called from download threads.

    `linger_s`: how long a cancelled call waits for downloads whose links had come. 0 where the process lives on.
    """

    def __init__(
        self,
        request: Request,
        gateway: Gateway,
        record: Recorder,
        timeout_s: float,
        *,
        notify: Callable[[RunEvent], None],
        cancelled: Callable[[], bool],
        linger_s: float,
    ) -> None:
        self._request = request
        self._gateway = gateway
        self._record = record
        self._timeout_s = timeout_s
        self._started = time.monotonic()
        self._notify = notify
        self._cancelled = cancelled
        self._linger_s = linger_s
        self._answer = AnswerReader(gateway.base_urls[0], prompt_text(request))
        self._said = self._answer.transcript
        self._percentages: list[int] = []
        self._warnings: list[str] = []
        self._pictures: list[PaidPicture] = []
        self._answered = False
        self._writes: list[asyncio.Future[None]] = []
        self._heartbeat: asyncio.Task[None] | None = None
        self._timings: dict[str, float] = {}
        self._gathering = Pool(
            self._said.pictures,
            self._said.links,
            gateway.origins,
            self._started + timeout_s + _DOWNLOAD_S,
            keep=record.picture,
            arrived=_teller(notify),
        )

    async def to_end(self) -> GPT4oImageError | None:
        """The error that ended the call, None when pictures came."""
        try:
            stopped_by = await self._stream()
        except GPT4oImageError as error:
            return error
        finally:
            self._gathering.all_known()
            self._time("ended_s")
        for picture in self._said.pictures[self._gathering.total :]:
            self._start(picture)  # Cancel came between its link and its download
        if not self._gathering.total and not self._said.failed:
            await self._take_links()
        if stopped_by and stopped_by.kind == "cancelled":
            return await self._leave(stopped_by)
        return await self._collect(stopped_by)

    # The answer

    async def _stream(self) -> GPT4oImageError | None:
        """Reads the answer until it ends, breaks off, is cancelled or meets the deadline. None when it is whole."""
        task = asyncio.create_task(self._converse())
        try:
            stopped_by = await self._watch(task)
        finally:
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            await asyncio.gather(*self._writes)
        if isinstance(result, BaseException) and not isinstance(result, (BrokenOff, asyncio.CancelledError)):
            raise result
        broke_off = isinstance(result, BrokenOff) or stopped_by is not None
        await self._take(self._answer.finish(broke_off=broke_off))
        self._warnings += self._answer.warnings
        if stopped_by or self._answer.error:
            return stopped_by or self._answer.error
        return None if self._answer.complete else from_transcript(self._said, complete=False)

    async def _converse(self) -> None:
        async with post(self._gateway, self._request.endpoint, body(self._request), self._timeout_s) as response:
            self._answered = True
            self._time("answered_s")
            if self._request.endpoint == "images":
                self._notify(Generating())  # it says nothing until it is done
            async for chunk in response.chunks:
                await self._take(self._answer.feed(chunk))
                if self._answer.closed:
                    return

    async def _watch(self, task: asyncio.Task[None]) -> GPT4oImageError | None:
        deadline = self._started + self._timeout_s
        ending_by, alive_by = float("inf"), self._started
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL_S)
            now = time.monotonic()
            billed: Billed = "yes" if self._answered else "unknown"
            if self._cancelled() and not task.done():
                return GPT4oImageError("cancelled", "Cancelled; the connection is closed.", billed=billed)
            if self._answer.ending:
                ending_by = min(ending_by, now + _ENDING_S)
            if now > ending_by:
                return None
            if now > deadline:
                return failure("timeout", billed, "\n".join(self._said.prose))
            if now > alive_by and (self._heartbeat is None or self._heartbeat.done()):
                alive_by = now + HEARTBEAT_S
                self._heartbeat = asyncio.create_task(asyncio.to_thread(self._record.alive, billed))
        return None

    async def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progress):
                self._percentages.append(event.percent)
            if isinstance(event, (Queued, Generating, Progress)):
                self._notify(event)
        found = [event for event in events if isinstance(event, (Picture, Link))]
        if not found:
            return
        await self._keep(found)
        for event in found:
            if isinstance(event, Picture):
                self._start(event)

    async def _keep(self, found: Sequence[Picture | Link]) -> None:
        """Writes links down off this loop, which a slow disk must not hold up. Cancel does not undo it."""
        writing = asyncio.ensure_future(asyncio.to_thread(self._record.links, found))
        self._writes.append(writing)
        await asyncio.shield(writing)

    # The pictures

    def _start(self, picture: Picture) -> None:
        self._gathering.start(picture)
        self._notify(Downloading(self._gathering.arrived, self._gathering.total))

    async def _collect(self, stopped_by: GPT4oImageError | None) -> GPT4oImageError | None:
        while self._gathering.running:
            await asyncio.to_thread(self._gathering.wait, _POLL_S)
            if self._cancelled():
                return await self._leave(GPT4oImageError("cancelled", "Cancelled during the download.", billed="yes"))
        self._time("downloaded_s")
        if not self._gathering.total:
            return stopped_by or from_transcript(self._said, complete=True)
        pictures, reasons = self._gathering.settle()
        self._pictures = [pictures[index] for index in sorted(pictures)]
        if self._pictures:
            self._warn(stopped_by, reasons)
            return None
        return GPT4oImageError(
            "download_failed",
            f"The pictures were made and paid for, but none could be downloaded. `gpt4o-image results fetch "
            f"{self._record.id}` tries again, for free. Their links:\n" + "\n".join(reasons),
            billed="yes",
            request_id=self._said.task_id,
        )

    async def _leave(self, cancelled: GPT4oImageError) -> GPT4oImageError:
        """After Cancel the downloads go on by themselves, into the vault: their pictures are paid for."""
        self._gathering.leave()
        await asyncio.to_thread(self._gathering.wait, self._linger_s)
        return cancelled

    async def _take_links(self) -> None:
        """Where the answer shows no picture, as after a cut, the links that may hold one."""
        pictures = self._said.fallbacks()
        self._said.pictures += pictures
        await self._keep(pictures)
        for picture in pictures:
            self._start(picture)
        if pictures:
            self._warnings.append("The answer shows no picture; a link in it was taken as one.")

    def _warn(self, stopped_by: GPT4oImageError | None, reasons: list[str]) -> None:
        expected = self._request.expected or self._said.count
        if expected and self._gathering.total < expected:
            self._warnings.append(f"{expected} pictures were asked for, {self._gathering.total} came.")
        if self._answer.finish_reason == "length":
            self._warnings.append("The answer was cut at its length limit (finish_reason: length).")
        if stopped_by:
            words = f": {stopped_by.gateway_text}" if stopped_by.gateway_text else ""
            self._warnings.append(f"The answer ended early, after a picture was known ({stopped_by.kind}){words}.")
        elif self._said.failed:
            self._warnings.append("After the first picture the gateway said: " + "; ".join(self._said.reasons))
        self._warnings += [f"Could not be downloaded: {reason}" for reason in reasons]
        sent = {part.digest: part.name for part in self._request.references}
        self._warnings += [
            f"Picture {number} is the reference {sent[picture.sha256]}, unchanged."
            for number, picture in enumerate(self._pictures, 1)
            if picture.sha256 in sent
        ]

    def _time(self, step: str) -> None:
        self._timings[step] = round(time.monotonic() - self._started, 3)

    def outcome(self, error: GPT4oImageError | None, price_usd: float | None) -> Outcome:
        """The call as a value, after it was written to the vault."""
        billed: Billed = error.billed if error else "yes"
        outcome = Outcome(
            self._request.model,
            pictures=() if error else tuple(self._pictures),
            error=error,
            warnings=tuple(self._warnings),
            progress=tuple(self._percentages),
            revised_prompt=self._said.revised_prompt,
            gen_ids=tuple(self._said.gen_ids),
            cost_usd=0.0 if billed == "no" else price_usd,
            result_id=self._record.id,
        )
        details = outcome.report()
        kept = {key: details[key] for key in ("warnings", "progress", "revised_prompt", "gen_ids")}
        self._record.finish(
            billed=billed,
            cost_usd=outcome.cost_usd,
            error=details["error"],
            details={**kept, "task_id": self._said.task_id, "timings": self._timings},
        )
        return outcome


def _teller(notify: Callable[[RunEvent], None]) -> Callable[[PaidPicture, int, int], None]:
    def arrived(picture: PaidPicture, done: int, total: int) -> None:
        notify(Arrived(picture))
        notify(Downloading(done, total))

    return arrived
