"""Finds the gateway behind a name, with its addresses, key and prices. Reads variables; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import GPT4oImageError
from ..urls import origin
from .aihubmix import AIHUBMIX, BASE_URLS, PRICES_USD
from .config import DEFAULT, HOME_VARIABLE, SIMULATOR, Config, check_url

KEY_VARIABLE = "AIHUBMIX_API_KEY"
BASE_URL_VARIABLE = "GPT4O_IMAGE_BASE_URL"

_AROUND_KEYS = " \t\r\n\v\f\u00a0\u200b\ufeff\"'`\u2018\u2019\u201c\u201d"


@dataclass(frozen=True)
class Gateway:
    """Where a request goes: the first of `base_urls`, the others where it cannot be connected to.

    `base_urls` is empty for the embedded simulator, which has no fixed port.
    """

    name: str
    base_urls: tuple[str, ...]
    api_key: str = field(repr=False)
    models: tuple[str, ...] = tuple(PRICES_USD)
    prices: Mapping[str, float] = field(default_factory=lambda: dict(PRICES_USD))
    app_code: str = ""

    @property
    def origins(self) -> tuple[tuple[str, str, int], ...]:
        """(scheme, host, port) of each base URL: a key and a private download never leave them."""
        return tuple(map(origin, self.base_urls))

    def price_usd(self, model: str) -> float | None:
        """Of one call: 0 for the embedded simulator, None where nothing is known."""
        return self.prices.get(model) if self.base_urls else 0.0


def locate(name: str, config: Config, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """(profile, base URLs) behind a choice of the `gateway` input.

    Raises `config`, also for a bad file, which may have meant another gateway; never for the simulator.
    """
    chosen = config.gateway if name == DEFAULT else name
    if config.problem and chosen != SIMULATOR:
        raise config.problem
    if chosen not in config.gateway_names():
        known = ", ".join(config.gateway_names())
        raise GPT4oImageError("config", f'There is no gateway "{chosen}". Choose one of {known}.')
    urls = base_urls(chosen, config, environ)
    for url in urls if chosen == AIHUBMIX else ():
        check_url(config.path, f"{BASE_URL_VARIABLE} or profile {chosen}", url)
    return chosen, urls


def choose_gateway(name: str, config: Config, environ: Mapping[str, str]) -> Gateway:
    """The gateway behind a choice of the `gateway` input, with its key.

    Raises `config` for an unknown name and for a missing key; it never falls back to the simulator.
    """
    gateway = priced_gateway(name, config, environ)
    api_key = gateway_key(gateway.name, config, environ)
    if not api_key:
        problem = f"There is no key for the gateway {gateway.name}."
        raise GPT4oImageError("config", problem, advice=_how_to_set_a_key(gateway.name, config.path))
    if not re.fullmatch(r"[!-~]+", api_key):
        problem = f"The key of {gateway.name} contains characters that no key can have."
        raise GPT4oImageError("config", problem, advice="Set it again.")
    return replace(gateway, api_key=api_key)


def priced_gateway(name: str, config: Config, environ: Mapping[str, str]) -> Gateway:
    """The gateway behind a choice of the `gateway` input, without its key: to know its prices. Raises `config`."""
    chosen, urls = locate(name, config, environ)
    profile = config.profiles.get(chosen, {})
    return Gateway(
        name=chosen,
        base_urls=urls,
        api_key="",
        models=tuple(dict.fromkeys([*PRICES_USD, *profile.get("models", ())])),
        prices={**PRICES_USD, **profile.get("prices", {})},
        app_code=profile.get("app_code", ""),
    )


def has_key(config: Config, environ: Mapping[str, str], name: str = DEFAULT) -> bool:
    """Whether a gateway has a key."""
    return bool(gateway_key(config.gateway if name == DEFAULT else name, config, environ))


def base_urls(name: str, config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Where a gateway is, its backups behind it; empty for the embedded simulator and for a profile that is gone."""
    profile = config.profiles.get(name, {})
    own = profile.get("base_urls") or ([profile["base_url"]] if profile.get("base_url") else [])
    if name == AIHUBMIX:
        # Several may stand in the variable, with blanks or commas between them.
        named = re.split(r"[\s,]+", environ.get(BASE_URL_VARIABLE, "").strip(" \t\r\n,\"'"))
        own = [url for url in named if url] or own or BASE_URLS
    return tuple(dict.fromkeys(url.rstrip("/") for url in own))


def own_origins(name: str, config: Config, environ: Mapping[str, str]) -> tuple[tuple[str, str, int], ...]:
    """The origins of a gateway, from which downloads may come whatever network they are in."""
    return tuple(map(origin, base_urls(name, config, environ)))


def gateway_key(name: str, config: Config, environ: Mapping[str, str]) -> str:
    """The key of a gateway; empty where none is set."""
    own = "simulator-needs-no-key" if name == SIMULATOR else ""
    own = bare_key(config.profiles.get(name, {}).get("api_key", "")) or own
    named = bare_key(environ.get(KEY_VARIABLE, "")) if name == AIHUBMIX else ""
    return named or own


def bare_key(text: str) -> str:
    """A key as it is sent: without the blanks, the quotes and the `Bearer` that were copied along with it."""
    bare, before = text, ""
    while bare != before:
        before, bare = bare, re.sub(r"(?i)^bearer(\s|$)", "", bare.strip(_AROUND_KEYS))
    return bare


def _how_to_set_a_key(name: str, path: Path) -> str:
    option = "" if name == AIHUBMIX else f" --gateway {name}"
    variable = f"Set the variable {KEY_VARIABLE} and restart, or" if name == AIHUBMIX else "Either"
    return (
        f"{variable} run `gpt4o-image key set{option}` "
        f"with {HOME_VARIABLE}={path.parent}, or write api_key under [profiles.{name}] in {path}. "
        f'Without a key, the gateway "{SIMULATOR}" draws test pictures for free.'
    )
