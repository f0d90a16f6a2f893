"""The use case: a request becomes one POST, its stream, downloads and pictures. Knows no host and no shell.

Blocking, with an event loop of its own: a host calls it from a worker thread, so that whatever blocks the
host's loop neither stalls the stream nor delays Cancel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .artists import check_artists
from .client import BrokenOff, chat
from .completion import CompletionReader
from .errors import Billed, GPT4oImageError
from .events import Event, Generating, Picture, Progress, Queued
from .failures import failure, from_transcript
from .gateways import Config, Gateway, choose_gateway
from .gathering import Gathering
from .outcome import Outcome, PaidPicture
from .prompt import chat_body
from .request import Request, check_request
from .stream import StreamParser

_POLL_S = 0.1
# Once the gateway has said its last word, what still comes is a formality; a connection left open is not waited for.
_ENDING_S = 5.0
_DOWNLOAD_S = 60.0


@dataclass(frozen=True)
class Downloading:
    """`done` of `total` pictures are here."""

    done: int
    total: int


@dataclass(frozen=True)
class Arrived:
    """A picture is here and decoded."""

    picture: PaidPicture


Notice = Queued | Generating | Progress | Downloading | Arrived


def generate(
    request: Request,
    gateway_name: str,
    config: Config,
    environ: Mapping[str, str],
    *,
    notify: Callable[[Notice], None],
    cancelled: Callable[[], bool],
) -> Outcome:
    """Runs `request` to its end, with at most one POST. Never raises for a failed run: see `Outcome.error`.

    `notify` is called from this thread and from download threads; `cancelled` is asked ten times a second.
    """
    warnings: list[str] = []
    try:
        gateway = choose_gateway(gateway_name, config, environ)
        check_request(request, gateway.models)
        warnings += check_artists(request, config.artist_names)
        if cancelled():
            raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")
    except GPT4oImageError as error:
        return Outcome(request.model, error=error, warnings=tuple(warnings), cost_usd=0.0)
    with _reachable(gateway) as reachable:
        run = _Run(request, reachable, config.timeout_s, notify, cancelled, warnings)
        outcome = run.outcome(asyncio.run(run.to_end()))
    return replace(outcome, cost_usd=0.0) if not gateway.base_url else outcome


@contextmanager
def _reachable(gateway: Gateway) -> Generator[Gateway]:
    """The embedded simulator lives as long as the run that uses it."""
    if gateway.base_url:
        yield gateway
        return
    from .simulator import Simulator

    with Simulator() as simulator:
        yield replace(gateway, base_url=simulator.base_url)


class _Run:
    """One paid call while it lasts."""

    def __init__(
        self,
        request: Request,
        gateway: Gateway,
        timeout_s: float,
        notify: Callable[[Notice], None],
        cancelled: Callable[[], bool],
        warnings: list[str],
    ) -> None:
        self._request = request
        self._gateway = gateway
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._notify = notify
        self._cancelled = cancelled
        self._warnings = warnings
        self._reader = CompletionReader()
        self._parser = StreamParser()
        self._percentages: list[int] = []
        self._answered = False
        self._pictures: list[PaidPicture] = []
        self._gathering = Gathering(
            self._parser.transcript, gateway.origin, self._deadline + _DOWNLOAD_S, self._arrived
        )

    async def to_end(self) -> GPT4oImageError | None:
        """Streams, then waits for the downloads. The error that ended the run, None when pictures came."""
        try:
            with self._gathering:
                try:
                    stopped_by = await self._stream()
                finally:
                    self._gathering.all_known()
                if stopped_by and stopped_by.kind == "cancelled":
                    return stopped_by
                return await self._collect(stopped_by)
        except GPT4oImageError as error:
            return error

    # Stream

    async def _stream(self) -> GPT4oImageError | None:
        """Reads the answer until it ends, breaks, is cancelled or meets the deadline; None when it ended itself."""
        task = asyncio.create_task(self._converse())
        try:
            stopped_by = await self._watch(task)
        finally:
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(result, GPT4oImageError):
            raise result
        if isinstance(result, BaseException) and not isinstance(result, (BrokenOff, asyncio.CancelledError)):
            raise result
        self._read(self._reader.finish(broke_off=isinstance(result, BrokenOff) or stopped_by is not None))
        self._tell(self._parser.finish())
        if stopped_by or self._reader.error:
            return stopped_by or self._reader.error
        return None if self._reader.complete else from_transcript(self._parser.transcript, complete=False)

    async def _converse(self) -> None:
        async with chat(self._gateway, chat_body(self._request), self._timeout_s) as chunks:
            self._answered = True
            async for chunk in chunks:
                self._read(self._reader.feed(chunk))
                if self._reader.closed:
                    return

    async def _watch(self, task: asyncio.Task[None]) -> GPT4oImageError | None:
        ending_by = float("inf")
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL_S)
            if task.done():
                break
            billed: Billed = "yes" if self._answered else "unknown"
            if self._cancelled():
                return GPT4oImageError("cancelled", "Cancelled; the connection is closed.", billed=billed)
            if self._reader.ending:
                ending_by = min(ending_by, _soon(_ENDING_S))
            if time.monotonic() > ending_by:
                return None
            if time.monotonic() > self._deadline:
                return failure("timeout", billed, "\n".join(self._parser.transcript.prose))
        return None

    def _read(self, text: str) -> None:
        if text:
            self._tell(self._parser.feed(text))

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Picture):
                self._gathering.start(event)
                self._notify(Downloading(self._gathering.arrived, self._gathering.total))
            elif isinstance(event, Progress):
                self._percentages.append(event.percent)
                self._notify(event)
            elif isinstance(event, (Queued, Generating)):
                self._notify(event)

    # Pictures

    def _arrived(self, picture: PaidPicture) -> None:
        self._notify(Arrived(picture))
        self._notify(Downloading(self._gathering.arrived, self._gathering.total))

    async def _collect(self, stopped_by: GPT4oImageError | None) -> GPT4oImageError | None:
        said = self._parser.transcript
        if not self._gathering.total and not said.failed and not stopped_by:
            self._gathering.start_fallbacks()
            if self._gathering.total:
                self._warnings.append("The answer shows no picture; a link in it was taken as one.")
        while self._gathering.running:
            await asyncio.sleep(_POLL_S / 5)
            if self._cancelled():
                return GPT4oImageError("cancelled", "Cancelled while the picture was downloaded.", billed="yes")
        self._pictures, reasons = self._gathering.settle()
        if not self._gathering.total:
            return stopped_by or from_transcript(said, complete=True)
        if not self._pictures:
            return GPT4oImageError(
                "download_failed",
                "The pictures were made and paid for, but none could be downloaded:\n" + "\n".join(reasons),
                billed="yes",
                request_id=said.task_id,
            )
        self._warn(stopped_by, reasons)
        return None

    def _warn(self, stopped_by: GPT4oImageError | None, reasons: list[str]) -> None:
        said = self._parser.transcript
        expected = self._request.expected or said.count
        if expected and self._gathering.total < expected:
            self._warnings.append(f"{expected} pictures were asked for, {self._gathering.total} came.")
        if self._reader.finish_reason == "length":
            self._warnings.append("The answer was cut at its length limit (finish_reason: length).")
        if stopped_by:
            words = f": {stopped_by.gateway_text}" if stopped_by.gateway_text else ""
            self._warnings.append(f"The answer ended early, after the first picture ({stopped_by.kind}){words}.")
        elif said.failed:
            self._warnings.append("After the first picture the gateway said: " + "; ".join(said.reasons))
        self._warnings += [f"Could not be downloaded: {reason}" for reason in reasons]

    def outcome(self, error: GPT4oImageError | None) -> Outcome:
        """The run as a value."""
        said = self._parser.transcript
        price = self._gateway.prices.get(self._request.model)
        billed = error.billed if error else "yes"
        return Outcome(
            self._request.model,
            pictures=() if error else tuple(self._pictures),
            error=error,
            warnings=tuple(self._warnings),
            progress=tuple(self._percentages),
            revised_prompt=said.revised_prompt,
            gen_ids=tuple(said.gen_ids),
            cost_usd={"yes": price, "no": 0.0}.get(billed),
        )


def _soon(seconds: float) -> float:
    return time.monotonic() + seconds
