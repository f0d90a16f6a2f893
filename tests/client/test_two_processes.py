"""Several processes on one GPT4O_IMAGE_HOME: who pays, who waits, and what comes of a process that dies."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from silence import silence

from gpt4o_image.simulator import Simulator

PATIENCE_S = 60.0


@pytest.fixture
def process(command_environment):
    """Starts `gpt4o-image generate`; its report comes from `finished`."""
    started = []

    def start(prompt):
        command = [sys.executable, "-m", "gpt4o_image", "generate", prompt, "--gateway", "aihubmix", "--json"]
        out = str(len(started))
        started.append(
            subprocess.Popen(
                [*command, "--out", out],
                env=command_environment,
                cwd=command_environment["GPT4O_IMAGE_HOME"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture
def simulator():
    """Slow enough to do something meanwhile."""
    with Simulator(speed=4) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path):
    (tmp_path / "home").mkdir()


def finished(process):
    out, _ = process.communicate(timeout=PATIENCE_S)
    return json.loads(out)


def wait_for(what):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def gets(simulator):
    return [record for record in simulator.requests() if record["method"] == "GET"]


@pytest.mark.slow
def test_three_processes_pay_once(process, simulator):
    reports = [finished(each) for each in [process("a fox") for _ in range(3)]]
    assert simulator.posts() == 1
    assert sorted(report["reused"] for report in reports) == [False, True, True]
    assert len({image["sha256"] for report in reports for image in report["images"]}) == 2
    assert sum(report["cost_usd"] for report in reports) == pytest.approx(0.009)


@pytest.mark.skipif(sys.platform == "win32", reason="what is tested is the same there, and kill is not")
def test_the_links_of_a_process_that_died_are_fetched_and_not_paid_for_again(process, simulator, run):
    payer = process("a fox [[download_slow]]")
    wait_for(lambda: gets(simulator))
    payer.kill()
    payer.wait()
    (dead,) = run.vault.results()
    silence(run.vault, dead.id)
    outcome = run("a fox [[download_slow]]")
    assert (outcome.reused, outcome.result_id, len(outcome.pictures)) == (True, dead.id, 2)
    assert simulator.posts() == 1


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_while_one_pays_does_not_make_another_pay(run, simulator, monkeypatch, hours):
    """As after a laptop's sleep, or between machines whose clocks differ."""
    outcomes = []
    first, second = (
        threading.Thread(target=lambda: outcomes.append(run("a fox", count="1")), name=name) for name in "ab"
    )
    real = time.time
    jumped = lambda: real() + 3600 * hours * (threading.current_thread() is second)  # noqa: E731
    monkeypatch.setattr(time, "time", jumped)
    first.start()
    wait_for(simulator.posts)
    second.start()
    first.join()
    second.join()
    assert simulator.posts() == 1
    assert sorted(outcome.reused for outcome in outcomes) == [False, True]


def test_where_nothing_is_left_of_the_earlier_pictures_one_of_several_runs_pays_again(run):
    """All find that out at the same moment: the picture came inside the answer, and its file was deleted."""
    lost = run("a fox [[ok_data_url]]").result_id
    for file in run.vault.result(lost).files:
        file.path.unlink()
    with Simulator(speed=4) as run.simulator, ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(run, ["a fox [[ok_data_url]]"] * 3))
        assert run.simulator.posts() == 1
    assert sorted(outcome.reused for outcome in outcomes) == [False, True, True]
    assert len({outcome.result_id for outcome in outcomes} - {lost}) == 1
