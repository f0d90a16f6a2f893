"""Nobody pays twice: what is reused, what is not, what a budget stops, and who waits for whom."""

import threading
import time

import pytest

from gpt4o_image.gateway.config import Config
from gpt4o_image.reload import reload
from gpt4o_image.run_events import Downloading, Waiting
from gpt4o_image.simulator import Simulator
from gpt4o_image.urls import origin
from gpt4o_image.vault.answers import AnswerHead
from gpt4o_image.vault.vault import NewResult


def test_the_same_request_is_paid_for_once(run, simulator):
    first = run("a red fox")
    second = run("a red fox")
    assert simulator.posts() == 1
    assert (first.reused, second.reused) == (False, True)
    assert (first.cost_usd, second.cost_usd) == (0.009, 0.0)
    assert second.result_id == first.result_id
    assert [picture.sha256 for picture in second.pictures] == [picture.sha256 for picture in first.pictures]
    assert second.spent_today_usd == 0.009
    assert second.revised_prompt == first.revised_prompt


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"model": "gpt-4o-image"},
        {"aspect_ratio": "1:1"},
        {"background": "transparent"},
        {"count": "1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_request_is_paid_for(change, run, simulator):
    run("a red fox")
    assert not run("a red fox", **change).reused
    assert simulator.posts() == 2


def test_what_is_not_sent_does_not_buy_again(run, simulator):
    run("a red fox", artist_names="stop")
    assert run("a red fox", artist_names="allow").reused
    assert simulator.posts() == 1


def test_no_reuse_pays_again(run, simulator):
    run("a red fox")
    assert not run("a red fox", reuse=False).reused
    assert simulator.posts() == 2


def test_a_failed_call_is_not_an_answer(run, simulator):
    run("a red fox [[fail_en]]")
    assert run("a red fox [[fail_en]]").error.kind == "moderation_input"
    assert simulator.posts() == 2


def test_reuse_survives_a_restart_of_the_gateway(run, simulator):
    run("a red fox")
    with Simulator(speed=0) as other:
        run.simulator = other
        assert run("a red fox").reused
        assert other.posts() == 0


def test_a_lost_file_is_fetched_again_for_free(run, simulator):
    first = run("a red fox")
    run.vault.result(first.result_id).files[1].path.unlink()
    again = run("a red fox")
    assert again.reused
    assert [picture.sha256 for picture in again.pictures] == [picture.sha256 for picture in first.pictures]
    assert Downloading(2, 2) in run.notices
    assert simulator.posts() == 1


def test_a_damaged_file_is_fetched_again(run, simulator):
    first = run("a red fox")
    path = run.vault.result(first.result_id).files[0].path
    path.write_bytes(path.read_bytes()[:2000])
    again = run("a red fox")
    assert [picture.sha256 for picture in again.pictures] == [picture.sha256 for picture in first.pictures]
    assert path.read_bytes() == first.pictures[0].data
    assert simulator.posts() == 1


def test_what_is_gone_for_good_is_bought_again(run, simulator):
    first = run("a red fox [[ok_data_url]]")
    run.vault.result(first.result_id).files[0].path.unlink()
    second = run("a red fox [[ok_data_url]]")
    assert not second.reused
    assert second.pictures
    assert simulator.posts() == 2


def test_a_link_that_a_dead_process_left_is_fetched_before_anything_is_paid(run, simulator):
    """kill -9 between the link behind 100 % and the pictures."""
    made = run("a red fox")
    link = run.vault.result(made.result_id).links[0]
    assert link.label == "100"
    other = run.vault.claim(
        NewResult("x", "aihubmix", "m", "another fox", 0.009), reuse=False, daily_budget_usd=None
    ).result
    run.vault.add_links(other.id, [link])
    result = run.vault.result(other.id)
    own = (origin(simulator.base_url),)
    run.vault.finish(other.id, billed="yes", cost_usd=0.009, error=None, details={})
    result = run.vault.result(other.id)
    found = reload(run.vault, result, own, notify=lambda _: None, cancelled=lambda: False)
    assert [picture.sha256 for picture in found.pictures] == [made.pictures[1].sha256]
    assert len(run.vault.result(other.id).files) == 1


def test_an_answer_of_which_nothing_came_is_nothing_to_wait_for(run, simulator):
    """kill -9 between the head of the answer and its first byte."""
    died = run.vault.claim(NewResult("x", "aihubmix", "m", "a fox", 0.009), reuse=False, daily_budget_usd=None).result
    run.vault.begin_answer(died.id, AnswerHead(200, "text/event-stream", None, simulator.base_url))
    run.vault.finish(died.id, billed="yes", cost_usd=0.009, error=None, details={})
    result = run.vault.result(died.id)
    assert result.state == "unread"
    assert reload(run.vault, result, (), notify=lambda _: None, cancelled=lambda: False).error
    assert run.vault.result(died.id).state == "failed"


def test_two_runs_at_once_pay_once(tmp_path, run):
    with Simulator(speed=20) as simulator:
        run.simulator = simulator
        outcomes = []
        threads = [threading.Thread(target=lambda: outcomes.append(run("a red fox"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert simulator.posts() == 1
        assert sorted(outcome.reused for outcome in outcomes) == [False, True]
        assert all(outcome.pictures for outcome in outcomes)


def test_waiting_for_another_run_can_be_cancelled(run):
    with Simulator(speed=1) as simulator:
        run.simulator = simulator
        stop = threading.Event()
        first = threading.Thread(target=lambda: run("a red fox", cancelled=stop.is_set))
        first.start()
        while not simulator.posts():
            time.sleep(0.01)
        waiting_until = time.monotonic() + 0.5
        outcome = run("a red fox", cancelled=lambda: time.monotonic() > waiting_until)
        assert (outcome.error.kind, outcome.error.billed) == ("cancelled", "no")
        assert run.notices == [Waiting()]
        stop.set()
        first.join()
        assert simulator.posts() == 1


def test_the_budget_stops_before_anything_is_sent(run, simulator, tmp_path):
    config = Config(run.home / "config.toml", daily_budget_usd=0.02)
    assert run("one", config=config).error is None
    assert run("two", config=config).error is None
    third = run("three", config=config)
    assert (third.error.kind, third.error.billed) == ("budget", "no")
    assert "0.018 are spent" in third.error.message
    assert run("one", config=config).reused
    assert simulator.posts() == 2


def test_a_call_without_a_bill_leaves_the_budget_alone(run):
    run("a red fox [[http_429]]")
    assert run.vault.spent() == (0.0, 0.0)
    run("a red fox [[fail_en]]")
    assert run.vault.spent() == (0.009, 0.009)
    run("a red fox [[http_500]]")
    assert run.vault.spent() == pytest.approx((0.018, 0.018))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"prompt": "  "}, "bad_request"),
        ({"prompt": "x", "model": "dall-e-3"}, "bad_model"),
        ({"prompt": "x", "aspect_ratio": "16:9"}, "bad_request"),
        ({"prompt": "x", "count": "3"}, "bad_request"),
        ({"prompt": "x", "background": "green"}, "bad_request"),
        ({"prompt": "x", "seed": -(2**63) - 1}, "bad_request"),
        ({"prompt": "in the style of Hayao Miyazaki"}, "prompt_stopped"),
    ],
)
def test_bad_input_costs_nothing(options, kind, run, simulator):
    error = run(options.pop("prompt"), **options).error
    assert (error.kind, error.billed) == (kind, "no")
    assert simulator.posts() == 0
    assert run.vault.results() == []


def test_artists_can_be_sent_with_a_warning(run, simulator):
    outcome = run("in the style of Hayao Miyazaki", artist_names="warn")
    assert "Studio Ghibli" in outcome.warnings[0]
    assert run("in the style of Hayao Miyazaki", artist_names="allow", seed=1).warnings == ()
    assert simulator.posts() == 2


def test_a_vault_in_the_place_of_a_file_stops_the_call(run, simulator):
    run.home.write_text("not a folder")
    error = run("a red fox").error
    assert (error.kind, error.billed) == ("config", "no")
    assert "cannot be written" in error.message
    assert simulator.posts() == 0


def test_an_unreachable_gateway_says_so_at_once(run, simulator):
    simulator.stop()
    started = time.monotonic()
    error = run("a red fox").error
    assert (error.kind, error.billed) == ("upstream", "no")
    assert "cannot be reached" in error.message
    assert time.monotonic() - started < 10


def test_the_vault_breaking_later_costs_no_picture(run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gpt4o_image.vault.vault.replace_durably", full)
    outcome = run("a red fox")
    assert len(outcome.pictures) == 2
    assert "No space left" in outcome.warnings[-1]
