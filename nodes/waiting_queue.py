"""ComfyUI's queue as the paid calls that wait in it. Decides nothing, sends nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..gpt4o_image.errors import GPT4oImageError
from . import host
from .pending_calls import (
    HOLDERS,
    Inputs,
    PendingCall,
    UnknownQueue,
    Values,
    WaitingPrompt,
    calls_of,
    prompt_ids,
    waiting_prompts,
)
from .prompt_lists import lists_of


def _prompt_lists(inputs: Inputs) -> Sequence[Values]:
    try:
        return lists_of(**inputs)
    except (GPT4oImageError, TypeError) as error:  # the node raises it, in its turn
        raise LookupError from error


# Nodes that only hold values: what they give is known before they run.
VALUE_HOLDERS = {**HOLDERS, "GPT4oImage_Prompts": _prompt_lists}


@dataclass(frozen=True)
class Look:
    """What was in the queue. `ids` are of the running prompts too; `calls` are in the order of their turns."""

    ids: Collection[str] = ()
    calls: tuple[tuple[WaitingPrompt, PendingCall], ...] = ()


class WaitingQueue:
    """`look` from one thread at a time. A queue that cannot be understood is empty, from then on."""

    def __init__(self) -> None:
        self.off = False
        self._calls: dict[str, list[PendingCall]] = {}  # of each prompt at the last look
        self._lazy: dict[str, set[str] | None] = {}

    def look(self) -> Look:
        if self.off:
            return Look()
        try:
            running, pending = host.queue_items()
            ids, prompts = prompt_ids((*running, *pending)), waiting_prompts(pending)
        except UnknownQueue:
            self.turn_off("this ComfyUI's queue is built in an unknown way")
            return Look()
        self._calls = {prompt.id: self._calls.get(prompt.id) or self._read(prompt) for prompt in prompts}
        return Look(ids, tuple((prompt, call) for prompt in prompts for call in self._calls[prompt.id]))

    def turn_off(self, reason: str) -> None:
        """For as long as the server runs."""
        if not self.off:
            self.off = True
            logging.getLogger(__name__).warning("GPT-4o Image sends no call ahead of its turn: %s.", reason)

    def look_again(self, prompt: WaitingPrompt) -> list[PendingCall]:
        """Its calls as they are now: a file that it reads may have changed since the last look."""
        self._calls[prompt.id] = self._read(prompt)
        return self._calls[prompt.id]

    def _read(self, prompt: WaitingPrompt) -> list[PendingCall]:
        return calls_of(prompt, self._lazy_inputs, VALUE_HOLDERS)

    def _lazy_inputs(self, class_type: str) -> set[str] | None:
        if class_type not in self._lazy:
            self._lazy[class_type] = host.lazy_inputs(class_type)
        return self._lazy[class_type]
