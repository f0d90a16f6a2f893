"""Quotes the rows of a batch: what the vault has is free, and so is what would not be sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..artists import check_artists
from ..errors import GPT4oImageError
from ..gateway.config import Config
from ..gateway.profiles import Gateway
from ..vault.claims import Unpaid
from ..vault.opening import open_vault
from ..vault.request_key import new_result
from .batch_rows import BatchRow
from .reference_files import ReferenceFiles


@dataclass(frozen=True)
class Quote:
    """`calls` that would be paid for, at `cost_usd` in all (None: one has no known price), and rows that are free."""

    calls: int
    free: int
    cost_usd: float | None

    def __str__(self) -> str:
        cost = "an unknown price" if self.cost_usd is None else f"${self.cost_usd:.3f}"
        return f"{cost} for {self.calls} call{'' if self.calls == 1 else 's'}"


def quote(
    rows: Sequence[BatchRow], gateway: Gateway, config: Config, files: ReferenceFiles, cancelled: Callable[[], bool]
) -> Quote:
    """At most what `rows` cost if they are sent now. Sends nothing. Raises `reference`, `config`, `cancelled`."""
    vault = open_vault(config, os.environ)
    prices: dict[str, float | None] = {}
    for row in rows:
        request = replace(row.request, references=files.parts(row.references, cancelled))
        try:
            check_artists(request, config.artist_names)
        except GPT4oImageError:
            continue  # stopped before it is sent
        new = new_result(request, gateway)
        if new.key not in prices and isinstance(vault.settle_earlier(new), Unpaid):
            prices[new.key] = new.price_usd
    known = [price for price in prices.values() if price is not None]
    cost_usd = round(sum(known), 6) if len(known) == len(prices) else None
    return Quote(len(prices), len(rows) - len(prices), cost_usd)
