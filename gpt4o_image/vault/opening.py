"""Opens the vault that the settings name: the SQLite file of the home, or a database that several machines share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..errors import GPT4oImageError
from ..gateway.config import Config, is_database_url
from .vault import Vault

VAULT_VARIABLE = "GPT4O_IMAGE_VAULT"


def open_vault(config: Config, environ: Mapping[str, str]) -> Vault:
    """Touches nothing. Raises `config` for a variable that is not the address of a database."""
    named = environ.get(VAULT_VARIABLE, "").strip()
    if named and not is_database_url(named):
        # Not quoted back: it may hold a password.
        raise GPT4oImageError("config", f"{VAULT_VARIABLE} must be the address of a database: postgresql://...")
    url = named or config.vault_url
    if not url:
        return Vault(config.vault)
    from .postgres import PostgresDatabase

    folder = config.vault if _can_be_written(config.vault) else _temporary_folder()
    return Vault(folder, PostgresDatabase(url), config.files)


def vault_at(place: str, config: Config) -> Vault:
    """Another vault than that of the settings: a folder of one, a home with one in it, or a database's address.

    Raises `config` where there is none.
    """
    if is_database_url(place):
        return open_vault(config, {VAULT_VARIABLE: place})
    folder = Path(os.path.expanduser(place))  # noqa: PTH111 - see home.user_path
    for each in (folder, folder / "vault"):
        if (each / "vault.sqlite3").is_file():
            return Vault(each)
    raise GPT4oImageError("config", f"There is no vault in {folder}: it has no file vault.sqlite3.")


def _can_be_written(folder: Path) -> bool:
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return os.access(there, os.W_OK | os.X_OK)


@cache
def _temporary_folder() -> Path:
    """For copies of what the database holds, where the home cannot be written. It is gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="gpt4o-image-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
