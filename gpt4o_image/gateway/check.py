"""Is all in place for a picture? Key, hosts, balance and models, by GETs that cost nothing. Sends no prompt.

The key goes to the origin of its own profile only, and no redirect is followed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, cast
from urllib.parse import urljoin

from ..answer.failures import from_status, is_error
from ..answer.keywords import says
from ..errors import GPT4oImageError, shorten
from ..urls import origin
from .aihubmix import AIHUBMIX, BASE_URLS, PRICES_USD
from .config import Config
from .profiles import BASE_URL_VARIABLE, KEY_VARIABLE, choose_gateway, locate

HOSTS = BASE_URLS
TIMEOUT_S = 10.0
_MAX_BYTES = 4 << 20
_UNLIMITED = -0.01  # AiHubMix, "Balance": a key without a limit has a tiny negative rest, such as -0.000002
_QUOTE_CHARS = 200

_RECHARGE = "Recharge the account at the gateway, or raise the quota of this key there."
_NETWORK = "Check the network, a firewall or proxy, and base_url. AiHubMix tells its state at status.aihubmix.com."
_TLS = (
    "Check this computer's clock, and whether a proxy or a virus scanner puts its own certificate in "
    "(REQUESTS_CA_BUNDLE can name it). A gateway without TLS needs a base_url with http://."
)
_BASE_URL = f"Check base_url (or {BASE_URL_VARIABLE}): it ends in /v1 and is not a web site."
_STATUS: dict[int, tuple[str, str]] = {
    401: ("does not accept the key", "Copy the key once more and set it with `gpt4o-image key set`."),
    403: (
        "refuses the key",
        "Look at the key in the gateway's console: is it on, for this IP address and these models?",
    ),
    404: ("has nothing at this address", _BASE_URL),
    429: ("has had too many requests", "Wait a minute, then check again."),
}


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


@dataclass(frozen=True)
class _Answer:
    """What one GET gave: a JSON object, or a problem and what to do about it."""

    reached: bool
    seconds: float = 0.0
    value: Mapping[str, Any] | None = None
    problem: str = ""
    advice: str = ""
    status: int = 0


def check(config: Config, environ: Mapping[str, str], gateway_name: str = "default") -> list[Finding]:
    """What was found, most basic first. Takes up to about 10 s; raises nothing for a missing key or network."""
    try:
        profile, url = locate(gateway_name, config, environ)
    except GPT4oImageError as error:
        return [Finding("gateway", False, error.message, f"Choose another gateway, or correct {config.path}.")]
    if not url:
        return [Finding("gateway", True, f"The gateway {profile} is part of this pack: it needs no key, no network.")]
    key, models, prices = "", tuple(PRICES_USD), dict(PRICES_USD)
    try:
        gateway = choose_gateway(profile, config, environ)
        key, models, prices = gateway.api_key, gateway.models, dict(gateway.prices)
        by_variable = profile == AIHUBMIX and environ.get(KEY_VARIABLE, "").strip()
        first = Finding("key", True, f"A key is set in {KEY_VARIABLE if by_variable else config.path}.")
    except GPT4oImageError as error:
        text, _, advice = error.message.partition(". ")
        first = Finding("key", False, f"{text}.", advice.removesuffix(" Nothing was sent."))
    return [first, *_ask(profile, url, key, models, prices)]


def _ask(profile: str, url: str, key: str, models: Iterable[str], prices: Mapping[str, float]) -> list[Finding]:
    root = _root(url)
    gets: dict[str, tuple[str, str]] = {"models": (f"{url}/models", key)}
    others: list[str] = []
    if key:
        gets["balance"] = (f"{root}/dashboard/billing/remain", key)
    if profile == AIHUBMIX:
        gets["public models"] = (f"{root}/api/v1/models?type=image_generation", "")
        # Behind an address of the user's own there may be another gateway, which these do not back up.
        others = [host for host in HOSTS if _root(host) != root] if root in map(_root, HOSTS) else []
    gets |= {host: (f"{host}/models", "") for host in others}
    with ThreadPoolExecutor(len(gets)) as pool:
        waiting = {name: pool.submit(_get, address, secret) for name, (address, secret) in gets.items()}
    answers = {name: future.result() for name, future in waiting.items()}

    backups = {host: answers.pop(host) for host in others}
    host = _host(root, list(answers.values()), backups)
    if not host.ok:
        return [host, *_backups(backups)]
    balance = answers.pop("balance", None)
    if not key:
        del answers["models"]  # it told that the host is there; without a key it tells no more
    told: list[Finding] = []
    # AiHubMix documents it for its main host; other gateways need not have it.
    owed = profile == AIHUBMIX and not (balance and balance.status == 404 and root in map(_root, HOSTS[1:]))
    if balance and (owed or _amount(balance) is not None):
        told.append(_balance(balance, prices))
    return [host, *told, *_models(answers, models, told), *_backups(backups)]


def _host(root: str, answers: Iterable[_Answer], backups: Mapping[str, _Answer]) -> Finding:
    answers = list(answers)
    reached = [answer.seconds for answer in answers if answer.reached]
    if reached:
        return Finding("host", True, f"{root} answers within {1000 * min(reached):.0f} ms.")
    advice = answers[0].advice
    if there := [host for host, answer in backups.items() if answer.reached]:
        advice += f" Until then {there[0]} answers: set {BASE_URL_VARIABLE}={there[0]} to use it."
    return Finding("host", False, answers[0].problem, advice)


def _backups(backups: Mapping[str, _Answer]) -> list[Finding]:
    return [
        Finding("backup host", True, f"{_root(host)} answers within {1000 * answer.seconds:.0f} ms.")
        if answer.reached
        else Finding("backup host", False, answer.problem, "It is needed only when the main host fails.")
        for host, answer in backups.items()
    ]


def _balance(answer: _Answer, prices: Mapping[str, float]) -> Finding:
    if answer.value is None:
        return Finding("balance", False, answer.problem, answer.advice)
    left = _amount(answer)
    if left is None:
        return Finding("balance", False, "The gateway's answer names no balance.", "Look at it in its console.")
    if _UNLIMITED < left < 0:
        return Finding("balance", True, "The key has no limit of its own.")
    if left < min(prices.values()):
        return Finding("balance", False, f"${left:.3f} is left: too little for a picture.", _RECHARGE)
    costs = ", ".join(f"{int(left / prices[name] + 1e-6)} with {name}" for name in PRICES_USD if prices[name])
    return Finding("balance", True, f"${left:.2f} is left" + (f", enough for calls: {costs}." if costs else "."))


def _amount(answer: _Answer) -> float | None:
    """What is left in US dollars, under a name that says otherwise, sometimes a level deeper."""
    value = answer.value or {}
    inner = value.get("data")
    deeper = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    with suppress(ValueError, TypeError, OverflowError):
        amount = float(value.get("total_usage", deeper.get("total_usage")))  # type: ignore[arg-type]
        return amount if abs(amount) < 1e15 else None
    return None


def _models(lists: Mapping[str, _Answer], wanted: Iterable[str], told: Iterable[Finding]) -> list[Finding]:
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
            found.append(Finding(name, False, text, answer.advice or _BASE_URL))
    offered = {model for ids in listed.values() for model in ids or ()}
    if all(ids is None for ids in listed.values()):
        return found
    there = [model for model in wanted if model in offered]
    missing = [model for model in wanted if model not in offered]
    if not there:
        text = f"The gateway lists {len(offered)} models, none of them {' or '.join(missing)}."
        advice = "The list may lag behind; else name the gateway's model under `models` of its profile in config.toml."
        return [*found, Finding("models", False, text, advice)]
    text = f"The gateway offers {', '.join(there)}" + (f"; not listed: {', '.join(missing)}." if missing else ".")
    return [*found, Finding("models", True, text)]


def _ids(answer: _Answer) -> set[str] | None:
    rows = (answer.value or {}).get("data")
    if not isinstance(rows, list):
        return None
    tables = [cast("dict[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]
    return {str(table[name]) for table in tables for name in ("id", "model_id") if name in table}


def _get(url: str, key: str) -> _Answer:
    """One GET; with a key only where the caller says that the address is the key's own."""
    import requests
    from urllib3.exceptions import HTTPError

    headers = {"User-Agent": "gpt4o-image (ComfyUI)", "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    root = _root(url)
    began = time.monotonic()
    seconds = None
    try:
        with requests.Session() as session:
            # Not session.get: it would log in from ~/.netrc and read a redirect's body to the end.
            request = requests.Request("GET", url, headers=headers).prepare()
            surroundings: Any = session.merge_environment_settings(url, {}, True, None, None)
            with session.get_adapter(url).send(request, timeout=TIMEOUT_S, **surroundings) as response:
                seconds = time.monotonic() - began
                return replace(_judge(url, response, _read(response, began), key), seconds=seconds)
    except (OSError, HTTPError, ValueError) as error:  # what requests raises is an OSError
        if seconds is not None:
            return _Answer(reached=True, seconds=seconds, problem=f"The answer of {root} broke off.", advice=_NETWORK)
        return _unreached(root, error)


def _read(response: Any, began: float) -> str:
    data = bytearray()
    for piece in response.iter_content(1 << 16):
        data += piece
        if len(data) > _MAX_BYTES or time.monotonic() - began > TIMEOUT_S:
            break
    return data.decode("utf-8", "replace")


def _unreached(root: str, error: Exception) -> _Answer:
    import requests

    match error:
        case requests.exceptions.Timeout():
            problem, advice = f"{root} did not answer within {TIMEOUT_S:g} s.", _NETWORK
        case requests.exceptions.SSLError():
            problem, advice = f"{root} gives no TLS connection that can be trusted.", _TLS
        case requests.exceptions.ProxyError():
            problem = f"The proxy in the environment does not lead to {root}."
            advice = "Check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY."
        case _:
            problem, advice = f"{root} cannot be reached.", _NETWORK
    return _Answer(reached=False, problem=problem, advice=advice)


def _judge(url: str, response: Any, body: str, key: str) -> _Answer:
    status: int = response.status_code
    root = _root(url)
    value = _json_object(body)
    if status == 200 and value is not None and not is_error(value) and value.get("success") is not False:
        return _Answer(reached=True, value=value, status=status)
    said = _quote(status, body, key)
    if 300 <= status < 400:
        problem = f"{root} sends on to {_target(url, response, key)} (HTTP {status}). The key was not sent there"
        advice = "If that is the gateway's new address, set it as base_url."
        said = ""
    elif "html" in response.headers.get("Content-Type", "").lower() or body.lstrip().startswith("<"):
        problem = f"{root} answers with a web page (HTTP {status}), not as a gateway does"
        advice = f"{_BASE_URL} A login page of the network or a bot check may stand in between."
    elif says(body, "quota"):
        problem, advice = "The balance or the key's quota is used up", _RECHARGE
    elif status in _STATUS:
        does, advice = _STATUS[status]
        problem = f"{root} {does} (HTTP {status})"
    elif status >= 500:
        problem, advice = f"{root} has trouble of its own (HTTP {status})", f"Try again later. {_NETWORK}"
    else:
        problem, advice = f"{root} gives an answer that means nothing here (HTTP {status})", _BASE_URL
    return _Answer(reached=True, problem=f"{problem}{said}.", advice=advice, status=status)


def _json_object(body: str) -> Mapping[str, Any] | None:
    with suppress(ValueError, RecursionError):
        value: Any = json.loads(body)
        return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None
    return None


def _quote(status: int, body: str, key: str) -> str:
    """The gateway's own words; the key is hidden before they are cut, so that no half of it stays."""
    words = _hide(from_status(status, body).gateway_text or "", key)
    plain = "".join(c for c in " ".join(words.split()) if c.isprintable())
    return f': "{shorten(plain, _QUOTE_CHARS)}"' if plain else ""


def _hide(text: str, key: str) -> str:
    """Without the key, and without what looks like one: gateways quote keys half hidden."""
    return re.sub(r"\bsk-[\w*.-]{4,}", "sk-***", text.replace(key, "***") if key else text)


def _target(url: str, response: Any, key: str) -> str:
    try:
        return _hide(_root(urljoin(url, response.headers.get("Location", ""))), key)
    except ValueError:
        return "an address that is none"


def _root(url: str) -> str:
    """Scheme, host and port, the port where it is not the scheme's own."""
    scheme, host, port = origin(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == (443 if scheme == "https" else 80) else f":{port}")
