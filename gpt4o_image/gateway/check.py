"""The free check of all that a picture needs: openai, proxies, certificates, key, hosts, balance, models, downloads.

Sends no prompt: only GETs that cost nothing. The key goes to the origins of its own profile only.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, cast

from ..errors import GPT4oImageError
from ..urls import origin
from .aihubmix import AIHUBMIX, BASE_URLS, PICTURE_HOST, PRICES_USD
from .config import Config
from .free_get import RECHARGE, FreeAnswer, free_get, root_of
from .misaddressed import base_url_advice
from .profiles import KEY_VARIABLE, choose_gateway, locate
from .sdk import openai_sdk, openai_version
from .transport import is_placeholder, proxies_in_use, proxy_for, ssl_context, trust_in_use

_UNLIMITED = -0.01  # AiHubMix, "Balance": a key without a limit has a tiny negative rest, such as -0.000002

# Connects to an address as a download does, and returns how. Raises OSError and GPT4oImageError.
Reach = Callable[[str], str]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do, mostly where `ok` is false."""

    name: str
    ok: bool
    text: str
    advice: str | None = None

    def as_json(self) -> dict[str, str | bool | None]:
        """For `--json` and the browser."""
        return asdict(self)


def check(
    config: Config, environ: Mapping[str, str], gateway_name: str = "default", reach: Reach | None = None
) -> list[Finding]:
    """What was found, most basic first. Takes up to about 20 s; raises nothing for a missing key or network.

    `reach` is how downloads connect; without it they are not looked at.
    """
    local = [_openai()]
    try:
        profile, urls = locate(gateway_name, config, environ)
    except GPT4oImageError as error:
        advice = error.advice or f"Choose another gateway, or correct {config.path}."
        return [*local, Finding("gateway", False, error.problem, advice)]
    if not urls:
        words = f"The gateway {profile} is part of this pack: it needs no key and no network."
        return [*local, Finding("gateway", True, words)]
    network = [_proxies(urls), _certificates()]
    key, models, prices = "", tuple(PRICES_USD), dict(PRICES_USD)
    try:
        gateway = choose_gateway(profile, config, environ)
        key, models, prices = gateway.api_key, gateway.models, dict(gateway.prices)
        by_variable = profile == AIHUBMIX and environ.get(KEY_VARIABLE, "").strip()
        first = Finding("key", True, f"A key is set in {KEY_VARIABLE if by_variable else config.path}.")
    except GPT4oImageError as error:
        first = Finding("key", False, error.problem, error.advice)
    if not all(finding.ok for finding in network):
        return [*local, first, *network]
    return [*local, first, *network, *_ask(profile, urls, key, models, prices), *_downloads(urls, reach)]


def _openai() -> Finding:
    try:
        return Finding("openai", True, f"openai {openai_version(openai_sdk())} is installed.")
    except GPT4oImageError as error:
        return Finding("openai", False, error.problem, error.advice)


def _proxies(urls: Iterable[str]) -> Finding:
    try:
        proxies_in_use()
        ways = {root_of(url): proxy_for(*origin(url)) for url in urls}
    except GPT4oImageError as error:
        return Finding("proxy", False, error.problem, error.advice)
    through = {f"{proxy} ({proxy.source})" for proxy in ways.values() if proxy}
    direct = [url for url, proxy in ways.items() if not proxy]
    text = f"Calls go through {' and '.join(sorted(through))}." if through else "Calls go out directly."
    if through and direct:
        text += f" Direct: {', '.join(direct)}."
    if placeholders := sorted({ip for url in direct for ip in _addresses(url) if is_placeholder(ip)}):
        text += f" A local proxy program resolves names to {placeholders[0]} and forwards the connections."
    return Finding("proxy", True, text)


def _addresses(url: str) -> list[str]:
    with suppress(OSError, UnicodeError):
        _, host, port = origin(url)
        return [str(peer[0]) for *_, peer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    return []


def _certificates() -> Finding:
    try:
        ssl_context()
    except GPT4oImageError as error:
        return Finding("certificates", False, error.problem, error.advice)
    return Finding("certificates", True, "Trusted: " + ", ".join(["the system's store", *trust_in_use()]) + ".")


def _ask(
    profile: str, urls: tuple[str, ...], key: str, models: Iterable[str], prices: Mapping[str, float]
) -> list[Finding]:
    lists = _all({url: (profile, url, f"{url}/models", key) for url in urls})
    url = next((url for url in urls if lists[url].reached), urls[0])
    hosts = _hosts(url, lists)
    if not lists[url].reached:
        return hosts
    root = root_of(url)
    gets: dict[str, tuple[str, str, str, str]] = {}
    if key:
        gets["balance"] = (profile, url, f"{root}/dashboard/billing/remain", key)
    if profile == AIHUBMIX:
        gets["public models"] = (profile, url, f"{root}/api/v1/models?type=image_generation", "")
    answers = _all(gets)
    balance = answers.pop("balance", None)
    if key:  # without one the list shows only that the host is there
        answers = {"models": lists[url], **answers}
    told: list[Finding] = []
    # AiHubMix documents it for its main host; its others, and other gateways, need not have it.
    owed = profile == AIHUBMIX and not (balance and balance.status == 404 and root in map(root_of, BASE_URLS[1:]))
    if balance and (owed or _amount(balance) is not None):
        told.append(_balance(balance, prices))
    return [hosts[0], *told, *_models(base_url_advice(profile, url), answers, models, told), *hosts[1:]]


def _all(gets: Mapping[str, tuple[str, str, str, str]]) -> dict[str, FreeAnswer]:
    with ThreadPoolExecutor(len(gets) or 1) as pool:
        waiting = {name: pool.submit(free_get, *get) for name, get in gets.items()}
    return {name: future.result() for name, future in waiting.items()}


def _hosts(used: str, lists: Mapping[str, FreeAnswer]) -> list[Finding]:
    """The one that calls go to first, then the others."""
    answer, problems = lists[used], [one.problem for one in lists.values() if not one.reached]
    if not answer.reached:
        return [Finding("host", False, " ".join(problems), answer.advice)]
    text = f"{root_of(used)} answers within {1000 * answer.seconds:.0f} ms."
    before = [one.problem for url, one in lists.items() if list(lists).index(url) < list(lists).index(used)]
    first = Finding("host", True, " ".join([*before, text]))
    return [first, *(_backup(url, one) for url, one in lists.items() if url != used and one.problem not in before)]


def _backup(url: str, answer: FreeAnswer) -> Finding:
    if answer.reached:
        return Finding("backup host", True, f"{root_of(url)} answers within {1000 * answer.seconds:.0f} ms.")
    return Finding("backup host", False, answer.problem, "It is needed only when the main host fails.")


def _downloads(urls: Iterable[str], reach: Reach | None) -> list[Finding]:
    """Whether AiHubMix's pictures could be fetched. The hosts of other gateways' pictures are not known before."""
    if reach is None or not set(urls) & set(BASE_URLS):
        return []
    try:
        return [Finding("downloads", True, f"{PICTURE_HOST} is reached {reach(PICTURE_HOST)}.")]
    except (OSError, GPT4oImageError) as error:
        advice = "Pictures would be paid for but could not be downloaded. Check the network, HTTPS_PROXY and NO_PROXY."
        return [Finding("downloads", False, f"{PICTURE_HOST} cannot be reached: {error}.", advice)]


def _balance(answer: FreeAnswer, prices: Mapping[str, float]) -> Finding:
    if answer.value is None:
        return Finding("balance", False, answer.problem, answer.advice)
    left = _amount(answer)
    if left is None:
        return Finding("balance", False, "The gateway's answer names no balance.", "See the gateway's console.")
    if _UNLIMITED < left < 0:
        return Finding("balance", True, "The key has no limit of its own.")
    if left < min(prices.values()):
        return Finding("balance", False, f"${left:.3f} is left: too little for a picture.", RECHARGE)
    costs = ", ".join(f"{int(left / prices[name] + 1e-6)} with {name}" for name in PRICES_USD if prices[name])
    return Finding("balance", True, f"${left:.2f} is left" + (f", enough for calls: {costs}." if costs else "."))


def _amount(answer: FreeAnswer) -> float | None:
    """What is left in US dollars, under a name that says otherwise, sometimes a level deeper."""
    value = answer.value or {}
    inner = value.get("data")
    deeper = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    with suppress(ValueError, TypeError, OverflowError):
        amount = float(value.get("total_usage", deeper.get("total_usage")))  # type: ignore[arg-type]
        return amount if abs(amount) < 1e15 else None
    return None


def _models(
    advice: str, lists: Mapping[str, FreeAnswer], wanted: Iterable[str], told: Iterable[Finding]
) -> list[Finding]:
    """One finding from all lists together; a problem of a list where it is news."""
    advice_told = {finding.advice for finding in told}
    listed = {name: _ids(answer) for name, answer in lists.items()}
    found: list[Finding] = []
    for name, answer in lists.items():
        # AiHubMix documents the public list alone: the other may be missing while that one is there.
        harmless = answer.status == 404 or name == "public models"
        if listed[name] is None and answer.advice not in advice_told and not (harmless and any(listed.values())):
            advice_told.add(answer.advice)
            text = answer.problem or "The gateway's list of models cannot be read."
            found.append(Finding(name, False, text, answer.advice or advice))
    offered = {model for ids in listed.values() for model in ids or ()}
    if all(ids is None for ids in listed.values()):
        return found
    there = [model for model in wanted if model in offered]
    missing = [model for model in wanted if model not in offered]
    if not there:
        text = f"The gateway lists {len(offered)} models, none of them {' or '.join(missing)}."
        advice = "The list may be out of date. If not, name the model under `models` of the profile in config.toml."
        return [*found, Finding("models", False, text, advice)]
    text = f"The gateway offers {', '.join(there)}" + (f"; not listed: {', '.join(missing)}." if missing else ".")
    return [*found, Finding("models", True, text)]


def _ids(answer: FreeAnswer) -> set[str] | None:
    rows = (answer.value or {}).get("data")
    if not isinstance(rows, list):
        return None
    tables = [cast("dict[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]
    return {str(table[name]) for table in tables for name in ("id", "model_id") if name in table}
