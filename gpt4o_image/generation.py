"""The use case: a request becomes pictures, from the vault or by one paid call. Knows no host and no shell.

Blocking, with an event loop of its own: a host calls it from a worker thread, so that whatever blocks the
host's loop neither stalls the stream nor delays Cancel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from .artists import check_artists
from .errors import GPT4oImageError
from .gateway.config import Config
from .gateway.profiles import Gateway, choose_gateway
from .outcome import Outcome
from .paid_call import PaidCall
from .pictures.references import too_large_advice
from .reload import recall, telling
from .request import Request, check_request
from .run_events import Kept, Recorded, RunEvent, Waiting
from .vault.recorder import Recorder
from .vault.request_key import new_result
from .vault.vault import Result, Vault

_POLL_S = 0.2


def generate(
    request: Request,
    gateway_name: str,
    config: Config,
    environ: Mapping[str, str],
    *,
    notify: Callable[[RunEvent], None],
    cancelled: Callable[[], bool],
    reuse: bool = True,
    linger_s: float = 0.0,
) -> Outcome:
    """Runs `request` to its end with at most one POST. Never raises for a failed run: see `Outcome.error`.

    With `reuse`, a request that was paid for before is answered from the vault. `notify` may be called from
    several threads; `cancelled` is asked ten times a second. `linger_s`: see PaidCall.
    """
    vault = Vault(config.vault)
    run = _Use(request, config, vault, notify, cancelled, linger_s)
    try:
        gateway = choose_gateway(gateway_name, config, environ)
        check_request(request, gateway.models)
        warnings = check_artists(request, config.artist_names)
        outcome = run.from_vault_or_gateway(gateway, reuse=reuse)
    except GPT4oImageError as error:
        return Outcome(request.model, error=error, cost_usd=0.0)
    if outcome.error and outcome.error.kind == "reference" and request.references:
        outcome.error.message += "\n" + too_large_advice(request.references)
    return replace(
        outcome,
        warnings=(*warnings, *outcome.warnings),
        spent_today_usd=_spent_today(vault),
        references=tuple(part.as_report() for part in request.references),
    )


class _Use:
    """What one run of the use case holds on to."""

    def __init__(
        self,
        request: Request,
        config: Config,
        vault: Vault,
        notify: Callable[[RunEvent], None],
        cancelled: Callable[[], bool],
        linger_s: float,
    ) -> None:
        self._request = request
        self._config = config
        self._vault = vault
        self._notify = notify
        self._cancelled = cancelled
        self._linger_s = linger_s

    def from_vault_or_gateway(self, gateway: Gateway, *, reuse: bool) -> Outcome:
        gone: set[str] = set()
        while True:
            entry = self._claim(gateway, gone, reuse=reuse)
            if entry.status == "running":
                return self._pay(gateway, entry)
            earlier = recall(
                self._vault,
                entry,
                gateway.origins,
                cancelled=self._cancelled,
                progressed=telling(entry.id, self._notify),
            )
            if earlier.pictures:
                return earlier
            # Paid for, but its pictures are gone for good. Others may have found that too: one of us pays.
            gone.add(entry.id)

    def _claim(self, gateway: Gateway, gone: Collection[str], *, reuse: bool) -> Result:
        """A fresh entry to pay for, or an earlier one; waits while another run pays for the same request."""
        new = new_result(self._request, gateway)
        told = False
        while not self._cancelled():
            entry = self._vault.open(new, reuse=reuse, without=gone, daily_budget_usd=self._config.daily_budget_usd)
            if entry:
                return entry
            if not told:
                self._notify(Waiting())
                told = True
            time.sleep(_POLL_S)
        raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")

    def _pay(self, gateway: Gateway, entry: Result) -> Outcome:
        record = Recorder(self._vault, entry.id, kept=lambda: self._notify(Kept(entry.id)))
        self._notify(Recorded(entry.id))
        with _reachable(gateway) as reachable, self._vault.held():
            call = PaidCall(
                self._request,
                reachable,
                record,
                self._config.timeout_s,
                notify=self._notify,
                cancelled=self._cancelled,
                linger_s=self._linger_s,
            )
            outcome = call.outcome(asyncio.run(call.to_end()), entry.cost_usd)
        return replace(outcome, warnings=(*outcome.warnings, record.trouble)) if record.trouble else outcome


@contextmanager
def _reachable(gateway: Gateway) -> Generator[Gateway]:
    """The embedded simulator lives as long as the run that uses it."""
    if gateway.base_urls:
        yield gateway
        return
    from .simulator import Simulator

    with Simulator() as simulator:
        yield replace(gateway, base_urls=(simulator.base_url,))


def _spent_today(vault: Vault) -> float | None:
    """None where the vault cannot be read now; the money is spent all the same."""
    try:
        return round(vault.spent_today(), 6)
    except GPT4oImageError:
        return None
