"""Machines that share nothing but a PostgreSQL database: who pays, what each sees, and what a broken link costs."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from relay import Relay

from gpt4o_image.gateway.config import Config
from gpt4o_image.generation import generate
from gpt4o_image.request import Request
from gpt4o_image.run_events import Progress
from gpt4o_image.simulator import Simulator
from gpt4o_image.vault.opening import VAULT_VARIABLE, open_vault
from gpt4o_image.vault.postgres import PostgresDatabase

PATIENCE_S = 60.0


@pytest.fixture
def url(postgres):
    url = postgres.url()
    yield url
    PostgresDatabase(url).close_idle()


@pytest.fixture
def machine(url, run):
    """`generate` on one of several machines: `machine(name, prompt)` gives the outcome."""

    def machine(name, prompt, *, environ=(), notify=lambda _: None, **settings):
        config = Config(run.home / name / "config.toml", timeout_s=20.0, **settings)
        environ = run.environ | {VAULT_VARIABLE: url} | dict(environ)
        return generate(Request(prompt), "aihubmix", config, environ, notify=notify, cancelled=lambda: False)

    return machine


def test_what_one_machine_paid_for_another_takes(machine, run):
    first, second = machine("one", "a fox"), machine("other", "a fox")
    assert (first.reused, second.reused, run.simulator.posts()) == (False, True, 1)
    assert [each.data for each in first.pictures] == [each.data for each in second.pictures]
    assert all(each.path.is_relative_to(run.home / "other") for each in second.pictures)


def test_pictures_lie_in_the_shared_folder_where_there_is_one(machine, run, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    machine("one", "a fox", files=share)
    second = machine("other", "a fox", files=share)
    assert (second.reused, run.simulator.posts()) == (True, 1)
    assert all(each.path.parent == share for each in second.pictures)
    assert not list((run.home / "other").rglob("*.png"))
    assert [path.suffix for path in (share / "answers").iterdir()] == [".gz"]


@pytest.mark.parametrize("settings", [{}, {"max_parallel_all": 1}])
def test_equal_requests_at_once_pay_once(machine, run, settings):
    with Simulator(speed=8) as run.simulator, ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda name: machine(name, "a fox", **settings), ("one", "other", "third")))
        assert run.simulator.posts() == 1
    assert sorted(outcome.reused for outcome in outcomes) == [False, True, True]


def test_a_link_that_breaks_while_a_call_is_paid_for_costs_no_picture(machine, run, postgres, url):
    of_others = set(threading.enumerate())
    with Relay(postgres.port) as relay, Simulator(speed=8) as run.simulator:
        far = url.replace(f":{postgres.port}/", f":{relay.port}/")
        outcome = machine(
            "one",
            "a fox",
            environ={VAULT_VARIABLE: far},
            notify=lambda event: relay.cut() if isinstance(event, Progress) else None,
        )
        assert (outcome.error, len(outcome.pictures)) == (None, 2)
        assert any("could not keep all of this result" in warning for warning in outcome.warnings)
        relay.mend()
        for thread in set(threading.enumerate()) - of_others:
            if thread.name == "gpt4o-image-vault":
                thread.join(PATIENCE_S)
                assert not thread.is_alive()
        again = machine("other", "a fox")
        assert (again.reused, len(again.pictures), run.simulator.posts()) == (True, 2, 1)
        PostgresDatabase(far).close_idle()


def test_a_database_that_is_away_is_told_before_anything_is_sent(machine, run):
    outcome = machine("one", "a fox", environ={VAULT_VARIABLE: "postgresql://me:hunter2@127.0.0.1:1/x"})
    assert (outcome.error.kind, outcome.error.billed, run.simulator.posts()) == ("config", "no", 0)
    assert "hunter2" not in str(outcome.error)
    outcome = machine("one", "a fox", environ={VAULT_VARIABLE: "mysql://me:hunter2@127.0.0.1/x"})
    assert outcome.error.kind == "config"
    assert "postgresql://" in outcome.error.message
    assert "hunter2" not in str(outcome.error)


def test_the_variable_is_stronger_than_the_settings(run, url):
    config = Config(run.home / "config.toml", vault_url="postgresql://127.0.0.1:1/x")
    assert open_vault(config, {VAULT_VARIABLE: url}).results() == []
    assert open_vault(config, {}).place == "the database x on 127.0.0.1:1"
    assert not open_vault(Config(run.home / "config.toml"), {}).is_shared


@pytest.fixture
def shell(command_environment, url, tmp_path):
    """`gpt4o-image` on one of several machines, whose home cannot be written for one that is named `None`."""

    def shell(name, *arguments):
        (tmp_path / "file").touch()
        home = tmp_path / "file" / "home" if name is None else tmp_path / name
        done = subprocess.run(
            [sys.executable, "-m", "gpt4o_image", *arguments],
            env=command_environment | {"GPT4O_IMAGE_HOME": str(home), VAULT_VARIABLE: url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return shell


def test_a_worker_needs_key_and_address_and_no_home(shell, simulator, tmp_path):
    """As in a container whose disk cannot be written."""
    made = json.loads(
        shell(None, "generate", "a fox", "--gateway", "aihubmix", "--json", "--out", str(tmp_path / "out"))
    )
    assert (made["status"], made["reused"], simulator.posts()) == ("ok", False, 1)
    assert not [warning for warning in made["warnings"] if "vault" in warning]
    (listed,) = json.loads(shell("other", "results", "list", "--json"))
    assert (listed["id"], listed["machine"]) == (made["result_id"], os.uname().nodename)
    assert [image["path"] for image in listed["images"]] == [None, None]
    shown = json.loads(shell("other", "results", "show", "latest", "--json"))
    assert all(Path(image["path"]).is_file() for image in shown["images"])
    assert os.uname().nodename in shell("other", "results", "list")


def test_a_vault_moves_into_the_database(run, shell, tmp_path):
    made = run("a fox")
    assert "1 results are new here" in shell("other", "results", "import", str(run.home))
    assert json.loads(shell("other", "results", "import", str(run.home / "vault"), "--json"))["known"] == 1
    shown = json.loads(shell("third", "results", "show", made.result_id, "--json"))
    assert all(Path(image["path"]).is_file() for image in shown["images"])
