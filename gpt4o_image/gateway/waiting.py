"""Retries where the gateway is at its limit: the only retry of a call, and only if the user allows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from .client import RateLimited

MOST_WAITS = 5


async def ask_within_limits(
    ask: Callable[[], Awaitable[None]], *, may_wait: bool, deadline: float, limited: Callable[[float], None]
) -> None:
    """`ask()`; where it raises RateLimited and that `may_wait`, once more after as long as the gateway wants.

    At most MOST_WAITS times, and never beyond `deadline` on the monotonic clock. `limited` gets the seconds before
    each wait. Raises the limit that is not waited for.
    """
    times = 1
    while limit := await _limit(ask):
        if not may_wait or times > MOST_WAITS or time.monotonic() + limit.wait_s > deadline:
            raise limit.plus(f"The request was sent {times} times.") if times > 1 else limit.but()
        limited(limit.wait_s)
        await asyncio.sleep(limit.wait_s)
        times += 1


async def _limit(ask: Callable[[], Awaitable[None]]) -> RateLimited | None:
    try:
        await ask()
    except RateLimited as limit:
        return limit
    return None
