"""The use case: a request becomes pictures, from the vault or by one paid call. Knows no host and no shell.

Blocking, with an event loop of its own: a host calls it from a worker thread, so that whatever blocks the
host's loop neither stalls the stream nor delays Cancel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from .artists import check_artists
from .errors import Billed, GPT4oImageError, Kind
from .gateway.client import preflight
from .gateway.config import Config
from .gateway.hosts import Hosts
from .gateway.profiles import Gateway, choose_gateway
from .outcome import Outcome
from .paid_call import PaidCall
from .reload import reload
from .request import Request, check_request
from .run_events import Kept, RunEvent, Sending, Waiting
from .vault.claims import Busy, Claimed, Earlier, Full, Unpaid
from .vault.opening import open_vault
from .vault.recorder import Recorder
from .vault.request_key import new_result
from .vault.results import Result
from .vault.vault import Vault

_POLL_S = 0.2


def generate(  # noqa: PLR0913 - what a host and a shell need of one run
    request: Request,
    gateway_name: str,
    config: Config,
    environ: Mapping[str, str],
    *,
    notify: Callable[[RunEvent], None],
    cancelled: Callable[[], bool],
    reuse: bool = True,
    before_paying: Callable[[float | None], None] = lambda _: None,
    linger_s: float = 0.0,
    hosts: Hosts | None = None,
) -> Outcome:
    """Runs `request` to its end with at most one POST. Never raises for a failed run: see `Outcome.error`.

    With `reuse`, a request that was paid for before is answered from the vault, or not at all while what it holds
    cannot be fetched. `notify` may be called from several threads; `cancelled` is asked ten times a second.
    `before_paying` gets the price in US dollars, None where it is not known, before a call is claimed, perhaps more
    than once: it may wait, or raise GPT4oImageError, and then nothing is sent. `linger_s`: see PaidCall. `hosts`
    remembers, for a caller with several runs, which host of a gateway can be connected to.
    """
    try:
        vault = open_vault(config, environ)
        gateway = choose_gateway(gateway_name, config, environ)
        check_request(request, gateway.models)
        remarks = [f"{part.name}: {remark}" for part in request.references for remark in part.remarks]
        warnings = (*check_artists(request, config.artist_names), *remarks)
        caller = _Caller(_unfailing(notify), cancelled, before_paying)
        run = _Run(request, gateway, config, vault, caller, linger_s, hosts or Hosts())
        outcome = run.from_vault_or_gateway(reuse=reuse)
    except GPT4oImageError as error:
        return Outcome(request.model, error=error, cost_usd=0.0)
    except Exception as fault:  # noqa: BLE001 - the boundary: whatever this machine lacks becomes one error
        return Outcome(request.model, error=_fault(fault, "config", "Nothing was sent."), cost_usd=0.0)
    return replace(
        outcome,
        warnings=(*warnings, *outcome.warnings),
        spent_today_usd=_spent_today(vault),
        references=tuple(part.as_report() for part in request.references),
    )


@dataclass(frozen=True)
class _Caller:
    """What a run asks of its caller."""

    notify: Callable[[RunEvent], None]
    cancelled: Callable[[], bool]
    before_paying: Callable[[float | None], None]


class _Run:
    """One run of the use case."""

    def __init__(
        self,
        request: Request,
        gateway: Gateway,
        config: Config,
        vault: Vault,
        caller: _Caller,
        linger_s: float,
        hosts: Hosts,
    ) -> None:
        self._request = request
        self._gateway = gateway
        self._config = config
        self._vault = vault
        self._notify = caller.notify
        self._cancelled = caller.cancelled
        self._before_paying = caller.before_paying
        self._linger_s = linger_s
        self._hosts = hosts
        self._new = new_result(request, gateway)

    def from_vault_or_gateway(self, *, reuse: bool) -> Outcome:
        tried = set[str]()
        told = False
        while not self._cancelled():
            found = self._claim(reuse=reuse)
            if isinstance(found, Claimed):
                return self._pay(found)
            if isinstance(found, Earlier):
                outcome = self._reload(found.result, again=found.result.id in tried)
                if outcome:
                    return outcome
                # Nothing is left of it. Others may have found that too: one of us pays.
                tried.add(found.result.id)
                continue
            if not told:
                self._notify(Waiting(for_equal=isinstance(found, Busy)))
                told = True
            time.sleep(_POLL_S)
        raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")

    def _claim(self, *, reuse: bool) -> Claimed | Earlier | Busy | Full:
        """A new result to pay for, or an earlier one. Raises what can be known before the POST."""
        earlier = self._vault.settle_earlier(self._new) if reuse else Unpaid()
        if not isinstance(earlier, Unpaid):
            return earlier
        preflight(self._gateway)
        self._before_paying(self._new.price_usd)
        return self._vault.claim(
            self._new,
            reuse=reuse,
            daily_budget_usd=self._config.daily_budget_usd,
            max_parallel_all=self._config.max_parallel_all,
        )

    def _reload(self, earlier: Result, *, again: bool) -> Outcome | None:
        """The pictures of an earlier result, or why they cannot be fetched now; None where nothing is left of it."""
        outcome = reload(
            self._vault,
            earlier,
            self._gateway.origins,
            notify=self._notify,
            cancelled=self._cancelled,
            key=self._gateway.api_key,
        )
        if outcome.error is None:
            return outcome
        if self._cancelled():
            message = f"Cancelled while the earlier result {earlier.id} was fetched. Nothing was sent."
            return replace(outcome, error=GPT4oImageError("cancelled", message, billed=earlier.billed))
        now = self._vault.find(earlier.id)
        if now and now.state == "failed" and not again:
            return None
        return replace(outcome, error=_not_paid_over(earlier, outcome.error))

    def _pay(self, claimed: Claimed) -> Outcome:
        result_id, price_usd = claimed.result.id, claimed.result.cost_usd
        recorder = Recorder(
            self._vault,
            result_id,
            stored=partial(self._notify, Kept(result_id)),
            begin=partial(Vault.restore, new=self._new, result_id=result_id, created=claimed.result.created),
            lease=claimed.lease,
        )
        self._notify(Sending(result_id))
        call: PaidCall | None = None
        try:
            with _reachable(self._gateway) as reachable, self._vault.held():
                call = PaidCall(
                    self._request,
                    reachable,
                    recorder,
                    self._config,
                    notify=self._notify,
                    cancelled=self._cancelled,
                    linger_s=self._linger_s,
                    hosts=self._hosts,
                )
                outcome = call.outcome(asyncio.run(call.run()), price_usd)
        except BaseException as fault:  # the boundary: no result is left running, whatever ends its run
            outcome = self._cut_short(fault, call, recorder, price_usd)
            if not isinstance(fault, Exception):
                raise
        return replace(outcome, warnings=(*outcome.warnings, recorder.trouble)) if recorder.trouble else outcome

    def _cut_short(
        self, fault: BaseException, call: PaidCall | None, recorder: Recorder, price_usd: float | None
    ) -> Outcome:
        """The end of a run that our own machine broke off."""
        if call and call.billed != "no":
            rest = f"What came of the answer is kept: `gpt4o-image results read {recorder.id}` looks for its pictures."
            error = _fault(fault, "truncated", rest, call.billed)
        else:
            error = _fault(fault, "config", "Nothing was sent.")
        if call:
            return call.outcome(error, price_usd)
        recorder.finish(billed="no", cost_usd=0.0, error=error.as_json(), details={}, answer=None)
        return Outcome(self._request.model, error=error, cost_usd=0.0, result_id=recorder.id)


def _not_paid_over(earlier: Result, error: GPT4oImageError) -> GPT4oImageError:
    message = (
        f"This request was paid for before, as {earlier.id}, so nothing was sent. {error.message}\n"
        f"`gpt4o-image results fetch {earlier.id}` tries again for free. To pay for a new picture, choose another seed "
        "or use --no-reuse."
    )
    return GPT4oImageError(
        "download_failed", message, billed=earlier.billed, gateway_text=error.gateway_text, request_id=error.request_id
    )


def _fault(fault: BaseException, kind: Kind, rest: str, billed: Billed = "no") -> GPT4oImageError:
    why = f"{type(fault).__name__}: {fault}".rstrip(": ")
    return GPT4oImageError(kind, f"The run failed on this machine ({why}). {rest}", billed=billed)


def _unfailing(notify: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
    """A caller that cannot show progress, a closed terminal for example, does not end a paid run."""

    def tell(event: RunEvent) -> None:
        with suppress(Exception):
            notify(event)

    return tell


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
