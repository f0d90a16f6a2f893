"""Every test of the vault runs on both databases."""

import time

import pytest

from gpt4o_image.vault.postgres import PostgresConnection, PostgresDatabase
from gpt4o_image.vault.vault import Vault


@pytest.fixture(params=["sqlite", "postgresql"])
def vault(request, tmp_path):
    """Where nothing was paid for yet."""
    if request.param == "sqlite":
        yield Vault(tmp_path / "vault")
        return
    database = PostgresDatabase(request.getfixturevalue("postgres").url())
    yield Vault(tmp_path / "vault", database)
    database.close_idle()


@pytest.fixture
def own_clock(monkeypatch):
    """The database's clock is this process's `time.time`, which a test may move."""
    monkeypatch.setattr(PostgresConnection, "now", lambda _: time.time())
