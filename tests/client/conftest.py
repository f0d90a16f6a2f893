"""The real client against the simulator on loopback; every test can count the POSTs."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_gateway import FakeGateway
from quick_painter import quick_paint

from gpt4o_image.command.main import main
from gpt4o_image.download import fetch
from gpt4o_image.gateway import client, http_client
from gpt4o_image.gateway.config import Config
from gpt4o_image.generation import generate
from gpt4o_image.request import Request
from gpt4o_image.simulator import Simulator
from gpt4o_image.vault.vault import Vault

KEY = "sk-test-0123456789abcdef"


@dataclass
class Runs:
    """Runs the use case with a vault of its own; `notices` is what the last run told."""

    simulator: Simulator | FakeGateway
    home: Path
    notices: list = field(default_factory=list)

    @property
    def environ(self):
        return {"AIHUBMIX_API_KEY": KEY, "GPT4O_IMAGE_BASE_URL": self.simulator.base_url}

    @property
    def vault(self):
        return Vault(self.home / "vault")

    def __call__(self, prompt, *, cancelled=lambda: False, timeout_s=20.0, reuse=True, config=None, **options):
        self.notices.clear()
        config = config or Config(self.home / "config.toml", timeout_s=timeout_s)
        return generate(
            Request(prompt, **options),
            "aihubmix",
            config,
            self.environ,
            notify=self.notices.append,
            cancelled=cancelled,
            reuse=reuse,
        )


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """What is missing is asked for as often as always, but fifty times quicker."""
    monkeypatch.setattr(fetch, "_PAUSES_S", tuple(pause / 50 for pause in fetch._PAUSES_S))
    for name in ("_TRIES_S", "_LATER_S"):
        monkeypatch.setattr(fetch, name, getattr(fetch, name) / 50)


@pytest.fixture
def short_connects(monkeypatch):
    """Connections are given up soon."""
    monkeypatch.setattr(client, "_CONNECT_S", 0.5)
    monkeypatch.setattr(http_client, "CONNECT_S", 1.0)


@pytest.fixture
def simulator():
    with Simulator(speed=0, paint=quick_paint) as running:
        yield running


@pytest.fixture
def run(simulator, tmp_path):
    return Runs(simulator, tmp_path / "home")


@pytest.fixture
def ask(fake_gateway, tmp_path):
    """`run` against the fake gateway, which the test scripts first."""
    return Runs(fake_gateway, tmp_path / "home")


@pytest.fixture
def command_environment(simulator, tmp_path):
    """For tests that start `python -m gpt4o_image`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AIHUBMIX_"))}
    return kept | {
        "AIHUBMIX_API_KEY": KEY,
        "GPT4O_IMAGE_BASE_URL": simulator.base_url,
        "GPT4O_IMAGE_HOME": str(tmp_path / "home"),
    }


@pytest.fixture
def shell(command_environment, monkeypatch, tmp_path, capsys):
    """The command in this process: (exit status, stdout, stderr)."""
    for name in ("AIHUBMIX_API_KEY", "GPT4O_IMAGE_BASE_URL", "GPT4O_IMAGE_HOME"):
        monkeypatch.setenv(name, command_environment[name])
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(arguments)
        return status, *capsys.readouterr()

    return run
