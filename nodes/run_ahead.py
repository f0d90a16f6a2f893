"""Sends paid calls of waiting prompts before their turn; when their nodes run, they take them over.

ComfyUI runs its queue one prompt at a time. A thread watches the queue only while there is something to watch for.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.gateway.config import Config, load_config
from ..gpt4o_image.gateway.profiles import choose_gateway
from ..gpt4o_image.request import Request
from . import host
from .ahead_call import AheadCall
from .browser_events import graph_of
from .pending_calls import PendingCall, Place, WaitingPrompt
from .waiting_queue import Look, WaitingQueue

if TYPE_CHECKING:
    from ..gpt4o_image.outcome import Outcome

_LOOK_S = 0.25
# More prompts than can begin during one look, and more results than anybody reads of.
_BEGUN, _LEFT = 64, 100
_HELD_BYTES = 256 << 20  # of pictures that wait in memory for their nodes


@dataclass(frozen=True)
class Summary:
    """What the sidebar shows. `at_most_usd` is None where a price is not known."""

    waiting: int
    at_most_usd: float | None
    sent: int
    left: tuple[str, ...]  # results whose calls were sent, and whose prompts never came to them
    run_ahead: int


@dataclass
class Turn:
    """A paid node while it runs: the call that was sent ahead for it, if one was, and what came of it in the end."""

    ahead: AheadCall | None
    outcome: Outcome | None = None


class RunAhead:
    """The calls that were sent ahead, by the place of the node that each belongs to. Any thread may call."""

    def __init__(self, slots: host.Slots) -> None:
        self._slots = slots
        self._queue = WaitingQueue()
        self._looking = threading.Lock()  # what one look decides is done before the next one
        self._lock = threading.Lock()  # of all below
        self._ahead: dict[Place, AheadCall] = {}
        self._wanted: set[Place] = set()  # by Send them now
        self._begun: deque[str] = deque(maxlen=_BEGUN)  # prompts whose paid nodes have begun to run
        self._busy: list[int] = []  # hashes of the requests of the paid nodes that run
        self._made: set[int] = set()  # and of those whose pictures came
        self._left: deque[str] = deque(maxlen=_LEFT)
        self._of_config = self._of_browser = 0
        self._watching = False
        self._wake = threading.Event()

    # What a node asks

    @contextmanager
    def turn(
        self, place: tuple[str, str, int] | None, request: Request, gateway: str, config: Config
    ) -> Iterator[Turn]:
        """While a paid node runs."""
        asked = hash((request, gateway))
        turn = Turn(self._begin(Place(*place) if place else None, request, gateway, config))
        try:
            yield turn
        finally:
            with self._lock:
                self._busy.remove(asked)
                if turn.outcome and turn.outcome.pictures:
                    self._made.add(asked)

    def _begin(self, place: Place | None, request: Request, gateway: str, config: Config) -> AheadCall | None:
        call = None
        with self._lock:
            self._busy.append(hash((request, gateway)))
            self._of_config = config.run_ahead
            if place is None:
                self._queue.turn_off("this ComfyUI does not report which prompt a node runs for")
            else:
                call = self._ahead.pop(place, None)
                if place.prompt_id not in self._begun:
                    self._begun.append(place.prompt_id)
        if call and (call.call.request, call.call.gateway) != (request, gateway):
            self._leave(call)  # a file that the prompt reads has changed since
            call = None
        self._watch()
        return call

    # What the browser asks

    def summary(self) -> Summary:
        """What waits, what it may cost, and how much of it is sent ahead."""
        config = load_config(host.home())
        with self._looking:
            calls = [call for _, call in self._unsent(self._queue.look())]
        prices = [_price_usd(call, config) for call in calls]
        known = [price for price in prices if price is not None]
        with self._lock:
            self._of_config = config.run_ahead
            at_most = round(sum(known), 6) if len(known) == len(prices) else None
            return Summary(len(calls), at_most, len(self._ahead), tuple(self._left), self._limit)

    def send_now(self) -> int:
        """Sends what waits, as `max_parallel` allows; the number of calls."""
        with self._looking:
            places = {call.place for _, call in self._unsent(self._queue.look())}
            with self._lock:
                self._wanted |= places
        self._watch()
        return len(places)

    def set_limit(self, calls: int) -> None:
        """How many calls are sent ahead; 0 leaves it to the config file. Forgotten when the server ends."""
        with self._lock:
            self._of_browser = calls
        self._watch()

    @property
    def _limit(self) -> int:
        return self._of_browser or self._of_config

    # The thread that watches the queue

    def _watch(self) -> None:
        self._wake.set()
        with self._lock:
            if self._watching or not self._needed():
                return
            self._watching = True
        threading.Thread(target=self._watch_queue, name="gpt4o-image-queue", daemon=True).start()

    def _needed(self) -> bool:
        return bool(not self._queue.off and (self._ahead or self._wanted or (self._busy and self._limit)))

    def _watch_queue(self) -> None:
        while True:
            self._wake.clear()
            with self._looking:
                look = self._queue.look()
                self._forget(look)
                self._send(self._chosen(look))
            with self._lock:
                if not self._needed():
                    self._watching = False
                    return
            self._wake.wait(_LOOK_S)

    def _forget(self, look: Look) -> None:
        """What belongs to prompts that are not in the queue any more."""
        with self._lock:
            gone = [self._ahead.pop(place) for place in list(self._ahead) if place.prompt_id not in look.ids]
            self._wanted = {place for place in self._wanted if place.prompt_id in look.ids}
        for call in gone:
            self._leave(call)

    def _leave(self, call: AheadCall) -> None:
        result_id = call.leave()
        if result_id:
            with self._lock:
                self._left.append(result_id)
            host.send_queue_event(result_id)

    def _unsent(self, look: Look) -> list[tuple[WaitingPrompt, PendingCall]]:
        """All that could be sent, of equal requests the first.

        One that is being made or was made here is left to its turn: the vault or ComfyUI's own cache has its pictures.
        """
        with self._lock:
            asked = {*self._made, *self._busy, *(hash((a.call.request, a.call.gateway)) for a in self._ahead.values())}
            found: list[tuple[WaitingPrompt, PendingCall]] = []
            for prompt, call in look.calls:
                request = hash((call.request, call.gateway))
                if call.place not in self._ahead and prompt.id not in self._begun and request not in asked:
                    asked.add(request)
                    found.append((prompt, call))
        return found

    def _chosen(self, look: Look) -> list[tuple[WaitingPrompt, PendingCall]]:
        """What is to be sent: all that Send them now is for, and the next ones up to the limit."""
        unsent = self._unsent(look)
        with self._lock:
            wanted = [each for each in unsent if each[1].place in self._wanted]
            free = self._limit - len(self._ahead) - len(wanted) if self._busy else 0
            others = [each for each in unsent if each[1].place not in self._wanted]
        return wanted + others[: max(free, 0)]

    def _send(self, chosen: list[tuple[WaitingPrompt, PendingCall]]) -> None:
        if not chosen:
            return
        config = load_config(host.home())
        if config.problem:
            return  # the node raises it, in its turn
        for prompt, call in chosen:
            if call not in self._queue.look_again(prompt):
                continue
            if not self._slots.take_free(config.max_parallel):
                return
            ahead = AheadCall(call, config, partial(graph_of, prompt.extra_pnginfo))
            if self._register(ahead):
                ahead.start(sent=host.send_queue_event, ended=self._ended, fits=self._fits)
            else:
                self._slots.give_back()  # its node has come, and makes the call itself

    def _register(self, ahead: AheadCall) -> bool:
        place = ahead.call.place
        with self._lock:
            self._wanted.discard(place)
            if place.prompt_id in self._begun:
                return False
            self._ahead[place] = ahead
        return True

    def _fits(self, size: int) -> bool:
        with self._lock:
            return sum(call.held_bytes for call in self._ahead.values()) + size <= _HELD_BYTES

    def _ended(self) -> None:
        self._slots.give_back()
        self._wake.set()


def _price_usd(call: PendingCall, config: Config) -> float | None:
    with suppress(GPT4oImageError):  # no key, no such gateway: nothing will be sent
        return choose_gateway(call.gateway, config, os.environ).price_usd(call.request.model)
    return None


# One for the whole server, as its queue is. It does nothing until a node runs or the browser asks.
AHEAD = RunAhead(host.SLOTS)
