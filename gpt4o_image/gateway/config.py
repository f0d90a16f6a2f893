"""The config file as values. Reads no variable; sends nothing, and writes nothing that stays."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ..errors import GPT4oImageError
from .aihubmix import AIHUBMIX, BASE_URLS, PRICES_USD
from .toml import NotToml, read_toml

HOME_VARIABLE = "GPT4O_IMAGE_HOME"
CONFIG_FILE = "config.toml"
DEFAULT = "default"
SIMULATOR = "simulator"

_PROFILE = ("base_url", "base_urls", "api_key", "models", "prices", "app_code")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Config:
    """The config file as values; the defaults where it says nothing. `path` need not exist.

    `problem` is what is wrong with the file. Where it cannot be understood, the values are the defaults; where it is
    only open to others, they are the file's. It is raised only before something is sent: results can still be read
    and the simulator used.
    """

    path: Path
    gateway: str = AIHUBMIX
    timeout_s: float = 600.0
    max_parallel: int = 16
    max_parallel_all: int | None = None  # of all processes and machines that share the vault
    run_ahead: int = 0  # calls of ComfyUI's queue that are sent before their turn
    wait_when_limited: bool = False
    daily_budget_usd: float | None = None
    vault_url: str = ""  # `vault` in the file: a database that several machines share
    files: Path | None = None  # the folder of its pictures and answers, on a drive that all of them see
    artist_names: Mapping[str, str] = field(default_factory=dict[str, str])
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, "Mapping[str, Any]"], repr=False)
    problem: GPT4oImageError | None = field(default=None, compare=False)

    @property
    def understood(self) -> bool:
        """Whether the values are the file's. Otherwise they are the defaults, and the file is to be corrected first."""
        return self.problem is None or bool(self.profiles)

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


def load_config(home: Path) -> Config:
    """Reads `config.toml` in `home`; no file means the defaults. A bad file raises nothing: see `Config.problem`."""
    path = home / CONFIG_FILE
    try:
        return _read(path)
    except GPT4oImageError as error:
        return Config(path, problem=error)


def _read(path: Path) -> Config:
    try:
        if not path.exists():
            return Config(path)
        if not path.is_file():  # reading a pipe would wait for ever
            raise OSError("it is not a file")
        with path.open("rb") as file:
            data, mode = file.read(_MAX_BYTES), os.fstat(file.fileno()).st_mode
        config = _parse(path, read_toml(data))
    except OSError as error:
        raise _config_error(path, f"cannot be read: {error.strerror or error}") from error
    except NotToml as error:
        raise _config_error(path, str(error)) from None
    except ModuleNotFoundError as error:
        from .sdk import install_command

        command = install_command(Path(sys.executable), "tomli")
        raise _config_error(path, f"to read it, this Python needs the package tomli: {command}") from error
    # A file with a key in it is its owner's alone. Windows keeps user folders private by itself.
    holds_key = any(profile.get("api_key") for profile in config.profiles.values())
    if holds_key and os.name == "posix" and mode & 0o077 and _keeps_modes(path.parent):
        problem = f"it contains a key and other users can read it; run: chmod 600 {shlex.quote(str(path))}"
        return replace(config, problem=_config_error(path, problem))
    return config


def _keeps_modes(folder: Path) -> bool:
    """Whether files there have modes: those of exFAT, SMB and WSL's /mnt/c do not, whatever chmod sets."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:  # made with mode 0600
            return not os.fstat(file.fileno()).st_mode & 0o077
    except OSError:
        return True


def _parse(path: Path, table: Mapping[str, Any]) -> Config:
    known = [*_SETTINGS, "artist_names", "profiles"]
    for name in table:
        if name not in known:
            raise _config_error(path, f'unknown setting "{name}"; known are {", ".join(known)}')
    for name, (fits, wanted) in _SETTINGS.items():
        if name in table and not fits(table[name]):
            # A text is not quoted back: it may be a key or a login.
            found = "" if isinstance(table[name], str) else f", not {table[name]!r}"
            raise _config_error(path, f"{name} must be {wanted}{found}")
    names = _table(path, table, "artist_names")
    for name, instead in names.items():
        if not isinstance(instead, str) or not instead.strip():
            raise _config_error(path, f'artist_names: "{name}" needs a text to use instead')
    settings = {"vault_url" if name == "vault" else name: table[name] for name in _SETTINGS if name in table}
    if "files" in settings:
        settings["files"] = Path(os.path.expanduser(settings["files"]))  # noqa: PTH111 - see home.user_path
    profiles = {name: _profile(path, name, value) for name, value in _table(path, table, "profiles").items()}
    config = Config(path, artist_names=names, profiles=profiles, **settings)
    if config.gateway not in config.gateway_names() or config.gateway == DEFAULT:
        known = ", ".join(config.gateway_names()[1:])
        raise _config_error(path, f'gateway = "{config.gateway}" names no profile; known are {known}')
    return config


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15  # no inf, no nan


def _is_whole(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int)


def is_database_url(text: str) -> bool:
    """Whether a database that several machines share is meant."""
    return bool(re.match(r"postgres(ql)?://", text))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


# name -> (whether a value fits, what one must be). `artist_names` and `profiles` are tables, with rules of their own.
_SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "gateway": (_is_text, "the name of a profile in quotes"),
    "timeout_s": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "max_parallel": (lambda value: _is_whole(value) and value > 0, "a whole number above 0"),
    "max_parallel_all": (lambda value: _is_whole(value) and value > 0, "a whole number above 0"),
    "run_ahead": (lambda value: _is_whole(value) and value >= 0, "a whole number, 0 for none"),
    "wait_when_limited": (lambda value: isinstance(value, bool), "true or false"),
    "daily_budget_usd": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "vault": (
        lambda value: _is_text(value) and is_database_url(value),
        "the address of a database in quotes, postgresql://...",
    ),
    "files": (_is_text, "a folder in quotes"),
}


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
    _check_texts(path, where, profile)
    if not _are_texts(profile.get("models", [])):
        raise _config_error(path, f'{where}: models must be a list of names: ["gpt-4o-image"]')
    if any("<" in each for each in (name, *profile.get("models", []))):
        # Menus of ComfyUI's older front ends read their entries as HTML.
        raise _config_error(path, 'the name of a profile or a model must not contain "<"')
    prices = _table(path, profile, "prices")
    if not all(_is_number(p) and p >= 0 for p in prices.values()):
        raise _config_error(path, f"{where}: prices must be US dollars a call, one number for each model")
    _check_urls(path, name, profile)
    return profile


def _check_texts(path: Path, where: str, profile: Mapping[str, Any]) -> None:
    for key in ("base_url", "api_key", "app_code"):
        if not isinstance(profile.get(key, ""), str):
            raise _config_error(path, f"{where}: {key} must be a text in quotes")
    if not re.fullmatch(r"[!-~]*", profile.get("app_code", "")):  # a header with anything else cannot be sent
        raise _config_error(path, f"{where}: app_code must be of ASCII letters, digits and marks, without spaces")


def _check_urls(path: Path, name: str, profile: Mapping[str, Any]) -> None:
    where = f"profile {name}"
    urls: Any = profile.get("base_urls")
    if urls is not None and (profile.get("base_url") or not urls or not _are_texts(urls)):
        raise _config_error(path, f'{where}: base_urls must be a list like ["{BASE_URLS[0]}"], in place of base_url')
    one = profile.get("base_url", "")
    for url in urls or ([one] if one or name not in (AIHUBMIX, SIMULATOR) else []):
        check_url(path, where, url)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in cast("list[Any]", value))


def _table(path: Path, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise _config_error(path, f"{key} must be a table")
    return dict(cast("Mapping[str, Any]", value))


def check_url(path: Path, where: str, url: str) -> None:
    """Raises `config` for an invalid base URL, or one with a login, a query or spaces in it."""
    from ..urls import origin  # ComfyUI's start reads the config, and need not wait for it

    try:
        scheme, host, _ = origin(url)
    except ValueError:
        scheme, host = "", ""
    # Not quoted back: it may hold a login or a key.
    if scheme not in ("https", "http") or not host or re.search(r"[@?#\s\x00-\x1f]", url):
        raise _config_error(path, f'{where}: base_url must look like "{BASE_URLS[0]}", without login, query or spaces')


def _config_error(path: Path, problem: str) -> GPT4oImageError:
    return GPT4oImageError("config", f"{path}: {problem}")
