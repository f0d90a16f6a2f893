"""A gateway's key into config.toml and out of it. Only the command does this: no route and no node writes a key."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from ..errors import GPT4oImageError
from ..gateway.config import DEFAULT, SIMULATOR, Config, load_config
from ..gateway.sdk import install_command
from ..gateway.toml import NotToml, read_toml

_API_KEY_LINE = re.compile(r"^[ \t]*api_key[ \t]*=.*(?:\n|\Z)", re.MULTILINE)


def takes_key(home: Path, name: str) -> Config:
    """The config in `home`. Raises `config` where it cannot be read or has no gateway `name` that takes a key."""
    config = load_config(home)
    if config.problem and not config.understood:
        raise config.problem
    if name not in config.gateway_names() or name in (DEFAULT, SIMULATOR):
        known = ", ".join(n for n in config.gateway_names() if n not in (DEFAULT, SIMULATOR))
        raise GPT4oImageError("config", f'There is no gateway "{name}" that takes a key. Choose one of {known}.')
    return config


def set_key(home: Path, name: str, api_key: str | None) -> Path:
    """Writes (or with None removes) the key of a profile and keeps all else in the file; gives its path.

    Mode 0600 from the start, where the file system has modes. Raises `config`, and then nothing was changed.
    """
    config = takes_key(home, name)
    path = config.path
    if api_key is None and "api_key" not in config.profiles.get(name, {}):
        return path
    try:
        text = path.read_text("utf-8-sig") if path.exists() else ""
        _replace(path, _changed(text, config, name, api_key))
    except OSError as error:
        raise GPT4oImageError("config", f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error
    return path


def open_to_others(path: Path) -> bool:
    """Whether others may read the file though it was written with mode 0600: some file systems have no modes."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _changed(text: str, config: Config, name: str, api_key: str | None) -> str:
    try:
        import tomlkit
        from tomlkit.items import InlineTable
    except ModuleNotFoundError as error:
        return _by_line(text, config, name, api_key, error)
    document = tomlkit.parse(text)
    profiles = cast("dict[str, Any]", document.setdefault("profiles", tomlkit.table(is_super_table=True)))
    inline = isinstance(profiles, InlineTable)
    profile = cast("dict[str, Any]", profiles.setdefault(name, tomlkit.inline_table() if inline else tomlkit.table()))
    if api_key is None:
        profile.pop("api_key", None)
    else:
        profile["api_key"] = api_key
    return tomlkit.dumps(document)


def _by_line(text: str, config: Config, name: str, api_key: str | None, error: ModuleNotFoundError) -> str:
    """ComfyUI's Python need not have tomlkit. A first profile fits at the end of every file; else one line changes."""
    line = "" if api_key is None else f"api_key = {json.dumps(api_key)}\n"  # JSON's ASCII strings are TOML's too
    if "profiles" not in text and line:
        table = f"[profiles.{name}]\n{line}"
        return f"{text.rstrip()}\n\n{table}" if text.strip() else table
    changed = _API_KEY_LINE.sub(lambda _: line, text)
    wanted = read_toml(text.encode())
    profile = wanted.get("profiles", {}).get(name, {})
    if "api_key" in profile:
        del profile["api_key"]
        profile |= {} if api_key is None else {"api_key": api_key}
        with suppress(NotToml):
            if read_toml(changed.encode()) == wanted:  # it was the only such line, and meant this profile
                return changed
    raise GPT4oImageError(
        "config",
        f"Changing {config.path} needs the package tomlkit. To install it: "
        f"{install_command(Path(sys.executable), 'tomlkit')}. "
        f"Or edit api_key under [profiles.{name}] by hand. Nothing was changed.",
    ) from error


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(path))  # the file may be a link to one that is kept elsewhere
    unfinished = target.with_suffix(".new")
    unfinished.unlink(missing_ok=True)  # one that was left behind would keep its own mode
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        unfinished.replace(target)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
