"""The spending limit of a batch, exact while its calls run side by side. Must not know rows or results."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..errors import GPT4oImageError

_POLL_S = 0.2
_CENT_PARTS = 1e-9  # sums of prices such as 0.009 are not exact


class SpendingLimit:
    """`spent` US dollars so far, at most `max_usd`; None is no limit. Safe for threads."""

    def __init__(self, max_usd: float | None, spent: float = 0.0) -> None:
        self._max_usd = max_usd
        self.spent = spent
        self._reserved: dict[int, float] = {}
        self._reached = False
        self._changed = threading.Condition()

    def reserve(self, call: int, price_usd: float | None, cancelled: Callable[[], bool]) -> None:
        """Sets the price of a call aside before it is sent, once however often it is asked.

        Waits while calls that run may turn out to cost less. Raises `budget` for the first call that would pass the
        limit and for all after it, `config` for one without a known price, `cancelled`.
        """
        if self._max_usd is None:
            return
        if price_usd is None:
            raise unpriced("This model")
        with self._changed:
            while call not in self._reserved:
                self._check(price_usd, self._max_usd)
                if cancelled():
                    raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")
                if self._fits(price_usd + sum(self._reserved.values()), self._max_usd):
                    self._reserved[call] = price_usd
                    return
                self._changed.wait(_POLL_S)

    def settle(self, call: int, cost_usd: float | None) -> None:
        """A call has ended and cost this; None where that is not known."""
        with self._changed:
            self._reserved.pop(call, None)
            self.spent += cost_usd or 0.0
            self._changed.notify_all()

    def _check(self, price_usd: float, max_usd: float) -> None:
        if self._reached or not self._fits(price_usd, max_usd):
            self._reached = True
            raise GPT4oImageError(
                "budget",
                f"The next call would cost ${price_usd:g}, ${self.spent:.3f} is spent, and --max-usd is {max_usd:g}. "
                "It was not sent.",
            )

    def _fits(self, more_usd: float, max_usd: float) -> bool:
        return self.spent + more_usd <= max_usd + _CENT_PARTS


def unpriced(model: str) -> GPT4oImageError:
    """The error for a model whose price is not known."""
    return GPT4oImageError(
        "config",
        f"{model} has no price, so --max-usd cannot be enforced. Write its price under `prices` of the gateway's "
        "profile in config.toml. Nothing was sent.",
    )
