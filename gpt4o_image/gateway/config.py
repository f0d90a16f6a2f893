"""The config file as values. Reads no variable; writes and sends nothing."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import GPT4oImageError
from ..urls import origin
from .aihubmix import AIHUBMIX, BASE_URLS, PRICES_USD

HOME_VARIABLE = "GPT4O_IMAGE_HOME"
CONFIG_FILE = "config.toml"
DEFAULT = "default"
SIMULATOR = "simulator"

_SETTINGS = ("gateway", "timeout_s", "max_parallel", "run_ahead", "daily_budget_usd", "artist_names", "profiles")
_PROFILE = ("base_url", "api_key", "models", "prices", "app_code")


@dataclass(frozen=True)
class Config:
    """The config file as values; the defaults where it says nothing. `path` need not exist."""

    path: Path
    gateway: str = AIHUBMIX
    timeout_s: float = 600.0
    max_parallel: int = 16
    run_ahead: int = 0  # calls of ComfyUI's queue that are sent before their turn
    daily_budget_usd: float | None = None
    artist_names: Mapping[str, str] = field(default_factory=dict[str, str])
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, "Mapping[str, Any]"], repr=False)

    @property
    def vault(self) -> Path:
        """The folder of what was paid for, beside the config file."""
        return self.path.parent / "vault"

    def gateway_names(self) -> list[str]:
        """Choices of the gateway input: `default`, AiHubMix, the profiles of the file, `simulator`."""
        return list(dict.fromkeys([DEFAULT, AIHUBMIX, *self.profiles, SIMULATOR]))

    def models(self) -> list[str]:
        """Choices of the model input: the two of the mission, then those that the profiles name."""
        named = (model for profile in self.profiles.values() for model in profile.get("models", ()))
        return list(dict.fromkeys([*PRICES_USD, *named]))


def config_or_default(home: Path) -> tuple[Config, GPT4oImageError | None]:
    """The config; where its file is broken, the defaults and what is wrong with it."""
    try:
        return load_config(home), None
    except GPT4oImageError as error:
        return Config(home / CONFIG_FILE), error


def load_config(home: Path) -> Config:
    """Reads `config.toml` in `home`; no file means the defaults. Raises `config` with line and column."""
    path = home / CONFIG_FILE
    try:
        if not path.exists():
            return Config(path)
        text = path.read_text("utf-8-sig")  # Windows' Notepad may put a mark in front
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise _config_error(path, f"cannot be read: {error}") from error
    # A file that holds a key is its owner's alone. Windows keeps user folders private by itself.
    if os.name == "posix" and mode & 0o077:
        raise _config_error(path, f"can be read by others; run: chmod 600 {shlex.quote(str(path))}")
    return _parse(path, text)


def _parse(path: Path, text: str) -> Config:
    try:
        table = _loads(text)
    except ValueError as error:
        problem, line, column = _place_of(error, text)
        # What it quotes may be a key that stands where none belongs.
        problem = re.sub(r'".{9,}"', '"..."', problem)
        raise _config_error(path, f"line {line}, column {column}: {problem}") from None
    for key in table:
        if key not in _SETTINGS:
            raise _config_error(path, f'unknown setting "{key}"; known are {", ".join(_SETTINGS)}')
    profiles = {name: _profile(path, name, value) for name, value in _table(path, table, "profiles").items()}
    settings = {key: table[key] for key in _SETTINGS if key in table and key != "profiles"}
    config = Config(path=path, profiles=profiles, **settings)
    _check_settings(config)
    return config


def _loads(text: str) -> dict[str, Any]:
    """Raises ValueError. ComfyUI's Python need not have tomlkit, which the command writes with, from 3.11 on."""
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib.loads(text)
    import tomlkit

    return tomlkit.parse(text).unwrap()


def _place_of(error: ValueError, text: str) -> tuple[str, int, int]:
    """(problem, line, column), both from 1, out of what tomllib or tomlkit says; the end where it says none."""
    said = str(error)
    found = re.search(r" \(?at line (\d+),? col(?:umn)? (\d+)\)?$", said)
    if found:
        return said[: found.start()], int(found[1]), int(found[2]) + (" col " in found[0])
    lines = text.split("\n")
    return said.removesuffix(" (at end of document)"), len(lines), len(lines[-1]) + 1


def _check_settings(config: Config) -> None:
    numbers: dict[str, tuple[Any, bool]] = {
        "timeout_s": (config.timeout_s, False),
        "max_parallel": (config.max_parallel, True),
        "daily_budget_usd": (config.daily_budget_usd, False),
    }
    ahead: Any = config.run_ahead
    if not _is_number(ahead) or not isinstance(ahead, int) or ahead < 0:
        raise _config_error(config.path, f"run_ahead must be a whole number, 0 for none, not {ahead!r}")
    for name, (value, whole) in numbers.items():
        if value is None:
            continue
        if not _is_number(value) or value <= 0 or (whole and not isinstance(value, int)):
            kind = "a whole number" if whole else "a number"
            raise _config_error(config.path, f"{name} must be {kind} above 0, not {value!r}")
    if config.gateway not in config.gateway_names() or config.gateway == DEFAULT:
        known = ", ".join(config.gateway_names()[1:])
        raise _config_error(config.path, f'gateway = "{config.gateway}" names no profile; known are {known}')
    for name, instead in _table(config.path, {"artist_names": config.artist_names}, "artist_names").items():
        if not isinstance(instead, str) or not instead.strip():
            raise _config_error(config.path, f'artist_names: "{name}" needs a text that says it another way')


def _profile(path: Path, name: str, value: Any) -> Mapping[str, Any]:
    where = f"profile {name}"
    if name == DEFAULT:
        raise _config_error(path, f'"{DEFAULT}" stands for the setting `gateway` and cannot be a profile')
    if not isinstance(value, dict):
        raise _config_error(path, f"{where} must be a table: [profiles.{name}]")
    profile = cast("dict[str, Any]", value)
    for key in profile:
        if key not in _PROFILE:
            raise _config_error(path, f'{where}: unknown setting "{key}"; known are {", ".join(_PROFILE)}')
    for key in ("base_url", "api_key", "app_code"):
        if not isinstance(profile.get(key, ""), str):
            raise _config_error(path, f"{where}: {key} must be a text in quotes")
    models = profile.get("models", [])
    if not isinstance(models, list) or not all(isinstance(m, str) and m for m in cast("list[Any]", models)):
        raise _config_error(path, f'{where}: models must be a list of names: ["gpt-4o-image"]')
    prices = _table(path, profile, "prices")
    if not all(_is_number(p) and p >= 0 for p in prices.values()):
        raise _config_error(path, f"{where}: prices are US dollars a call, one number for each model")
    if name not in (AIHUBMIX, SIMULATOR) or profile.get("base_url"):
        check_url(path, where, profile.get("base_url", ""))
    return profile


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15  # no inf, no nan


def _table(path: Path, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise _config_error(path, f"{key} must be a table")
    return dict(cast("Mapping[str, Any]", value))


def check_url(path: Path, where: str, url: str) -> None:
    """Raises `config` for a base URL that is none, or that has a login, a query or blanks in it."""
    try:
        scheme, host, _ = origin(url)
    except ValueError:
        scheme, host = "", ""
    # Not quoted back: it may hold a login or a key.
    if scheme not in ("https", "http") or not host or re.search(r"[@?#\s\x00-\x1f]", url):
        raise _config_error(path, f'{where}: base_url must look like "{BASE_URLS[0]}", without login, query or blanks')


def _config_error(path: Path, problem: str) -> GPT4oImageError:
    return GPT4oImageError("config", f"{path}: {problem}")
