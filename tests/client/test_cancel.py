"""Cancel and deadline: the connection closes at once, and what was paid for is kept."""

import threading
import time

import pytest

from gpt4o_image.answer.events import Queued
from gpt4o_image.run_events import Departing, Sending
from gpt4o_image.simulator import Simulator
from gpt4o_image.vault.recorder import Recorder


def run_and_cancel(run, prompt, when):
    """Cancels as soon as `when()` holds; gives the outcome and how long the cancel took."""
    state = {}

    def cancelled():
        if "at" not in state and when():
            state["at"] = time.monotonic()
        return "at" in state

    outcome = run(prompt, cancelled=cancelled)
    return outcome, time.monotonic() - state["at"]


def closed_by_client(simulator):
    end = time.monotonic() + 2
    while time.monotonic() < end:
        record = next(record for record in simulator.requests() if record["method"] == "POST")
        if record["finished"] or record["closed_by_client"]:
            return record["closed_by_client"]
        time.sleep(0.01)
    raise AssertionError("the connection is still open")


def bodies(simulator):
    """How many requests came whole. Nothing is made, or billed, of a request without its body."""
    return sum(record["body"] is not None for record in simulator.requests())


@pytest.mark.parametrize("before", [Sending, Departing])
def test_before_the_body(run, simulator, before):
    outcome, _ = run_and_cancel(run, "a fox", lambda: any(isinstance(event, before) for event in run.notices))
    assert (outcome.error.kind, outcome.error.billed, outcome.cost_usd) == ("cancelled", "no", 0)
    assert bodies(simulator) == 0


def test_before_the_headers(run, simulator):
    outcome, took = run_and_cancel(run, "a fox [[hang_before_headers]]", lambda: bodies(simulator) == 1)
    assert (outcome.error.kind, outcome.error.billed) == ("cancelled", "unknown")
    assert took < 1
    assert closed_by_client(simulator)


def test_mid_stream(run):
    with Simulator(speed=1) as simulator:
        run.simulator = simulator
        outcome, took = run_and_cancel(run, "a fox", lambda: Queued() in run.notices)
        assert (outcome.error.kind, outcome.error.billed) == ("cancelled", "yes")
        assert took < 1
        assert closed_by_client(simulator)
    kept = run.vault.result(outcome.result_id)
    assert (kept.status, kept.error["kind"], kept.billed, kept.cost_usd) == ("error", "cancelled", "yes", 0.009)


def test_links_that_came_are_kept_and_fetched(run, simulator):
    known = lambda: any(result.pictures for result in run.vault.results())  # noqa: E731
    outcome, took = run_and_cancel(run, "a fox [[download_slow]]", known)
    assert outcome.error.kind == "cancelled"
    assert took < 1
    end = time.monotonic() + 10
    while len(run.vault.result(outcome.result_id).files) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(run.vault.result(outcome.result_id).files) == 2
    again = run("a fox [[download_slow]]")
    assert again.reused
    assert len(again.pictures) == 2
    assert simulator.posts() == 1


def test_cancel_while_a_link_is_written_down_loses_nothing(run, simulator, monkeypatch):
    writing = threading.Event()
    write = Recorder.links

    def slowly(record, found):
        writing.set()
        time.sleep(0.5)
        write(record, found)

    monkeypatch.setattr(Recorder, "links", slowly)
    outcome, took = run_and_cancel(run, "a fox [[ok_n1]] [[one_chunk]]", writing.is_set)
    assert outcome.error.kind == "cancelled"
    assert took < 1
    end = time.monotonic() + 10
    while not run.vault.result(outcome.result_id).files and time.monotonic() < end:
        time.sleep(0.05)
    result = run.vault.result(outcome.result_id)
    assert (len(result.pictures), len(result.files)) == (1, 1)


def test_before_anything_is_sent(run, simulator):
    outcome = run("a fox", cancelled=lambda: True)
    assert (outcome.error.kind, outcome.error.billed) == ("cancelled", "no")
    assert simulator.posts() == 0
    assert run.vault.results() == []


@pytest.mark.parametrize(("name", "billed"), [("hang_before_headers", "unknown"), ("stall", "yes")])
def test_the_deadline_ends_a_silent_answer(name, billed, run, simulator):
    started = time.monotonic()
    error = run(f"a fox [[{name}]]", timeout_s=1.0).error
    assert (error.kind, error.billed) == ("timeout", billed)
    assert time.monotonic() - started < 3
    assert closed_by_client(simulator)


def test_keep_alives_do_not_move_the_deadline(run):
    with Simulator(speed=1) as simulator:
        run.simulator = simulator
        error = run("a fox [[long_queue]]", timeout_s=1.5).error
    assert (error.kind, error.billed) == ("timeout", "yes")


def test_nothing_keeps_running(run, simulator):
    before = threading.active_count()
    for _ in range(3):
        run_and_cancel(run, "a fox [[slow]]", lambda: simulator.posts() >= 1)
    end = time.monotonic() + 5
    while threading.active_count() > before + 1 and time.monotonic() < end:
        time.sleep(0.05)
    assert threading.active_count() <= before + 1
