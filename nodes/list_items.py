"""The items of one list that a node is run for, side by side: who still runs, whose pictures are kept, who is skipped.

Loaded at ComfyUI's start.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from ..gpt4o_image.errors import GPT4oImageError
from . import host

_START_S = 0.1


class _List:
    def __init__(self) -> None:
        self.present = 0
        self.running = 0
        self.items = 0
        self.kept = 0
        self.quiet = asyncio.Event()


class Item:
    """One of them, while it runs."""

    def __init__(self, among: _List) -> None:
        self._list = among
        self._running = True

    def ended(self, *, kept: bool) -> None:
        """Its pictures are in the vault, or it failed."""
        if self._running:
            self._running = False
            self._list.running -= 1
            self._list.kept += kept
            if not self._list.running:
                self._list.quiet.set()

    async def after_the_others(self, error: GPT4oImageError) -> GPT4oImageError:
        """`error`, and what became of the others of the list, once all of them have ended.

        ComfyUI abandons a list at the first error: what others had sent would be cut off, and is billed.
        """
        # Waits once at least: the host starts a list's items one by one, and an early error would end that.
        await asyncio.sleep(_START_S)
        await self._list.quiet.wait()
        others = self._list.items - 1
        if not others:
            return error
        return error.plus(
            f"Of the {others} other{'s' if others > 1 else ''} of this list, {self._list.kept} "
            f"{'has its pictures' if self._list.kept == 1 else 'have their pictures'} in the vault: an unchanged run "
            "takes them from there and pays nothing for them. With on_failure = skip the list goes on without this one."
        )


class Lists:
    """Those that are running now. Used by coroutines of one event loop at a time."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], _List] = {}

    @contextmanager
    def item(self) -> Generator[Item]:
        """Takes part in the list that the host runs the calling coroutine for."""
        prompt_id, node_id, _ = host.executing() or ("", "", 0)
        key = prompt_id, node_id
        among = self._lists.setdefault(key, _List())
        among.present += 1
        among.running += 1
        among.quiet.clear()
        among.items += 1
        item = Item(among)
        try:
            yield item
        finally:
            item.ended(kept=False)
            among.present -= 1
            if not among.present:
                self._lists.pop(key, None)


# One for the whole server.
LISTS = Lists()
# How often each node has given nothing in place of a failure, by its id. ComfyUI keeps what an unchanged node gave:
# the count is part of what it compares, so that the next run tries again.
SKIPPED: Counter[str] = Counter()
