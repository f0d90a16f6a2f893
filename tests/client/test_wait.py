"""`wait_when_limited`: after a plain 429, and nothing else, the same request is sent again, by the user's word."""

import pytest
from fake_gateway import reply, sse

from gpt4o_image.gateway.config import Config
from gpt4o_image.run_events import Limited

LIMITED = reply({"error": {"message": "Too many requests"}}, 429, retry_after="0.05")
PICTURE = sse("![a](ROOT/cdn/a.png)")


@pytest.fixture
def waiting(ask):
    """A run that may wait."""

    def run(prompt="a fox", timeout_s=20.0, **options):
        config = Config(ask.home / "config.toml", timeout_s=timeout_s, wait_when_limited=True)
        return ask(prompt, config=config, **options)

    return run


def waits(ask):
    return [event.seconds for event in ask.notices if isinstance(event, Limited)]


def test_off_unless_it_is_set(ask, fake_gateway):
    fake_gateway.post(LIMITED, PICTURE)
    outcome = ask("a fox")
    assert (outcome.error.kind, outcome.error.billed, fake_gateway.posts()) == ("rate_limited", "no", 1)


def test_it_waits_as_long_as_it_is_told(ask, waiting, fake_gateway):
    fake_gateway.post(LIMITED, LIMITED, PICTURE)
    outcome = waiting()
    assert len(outcome.pictures) == 1
    assert (waits(ask), fake_gateway.posts()) == ([0.05, 0.05], 3)
    (result,) = ask.vault.results()
    assert (result.billed, result.cost_usd) == ("yes", 0.009)


def test_five_times_at_most(ask, waiting, fake_gateway):
    fake_gateway.post(LIMITED)
    outcome = waiting()
    assert (outcome.error.kind, outcome.error.billed) == ("rate_limited", "no")
    assert "sent 6 times" in outcome.error.message
    assert (len(waits(ask)), fake_gateway.posts()) == (5, 6)


def test_not_beyond_the_deadline(ask, waiting, fake_gateway):
    fake_gateway.post(reply({"error": {"message": "Please try again in 90s"}}, 429))
    outcome = waiting()
    assert (outcome.error.kind, waits(ask), fake_gateway.posts()) == ("rate_limited", [], 1)


@pytest.mark.parametrize(
    "answer",
    [
        reply({"error": {"message": "insufficient quota", "code": "insufficient_quota"}}, 429),
        reply({"error": {"message": "Too many requests"}}, 503, retry_after="0"),
        reply({"error": {"message": "Rate limit"}}, 500, retry_after="0"),
        sse("You've hit the plan limit. Try again in 1s."),
        reply({"error": {"message": "Too many requests", "code": 429}}, 200),
    ],
)
def test_nothing_else_is_asked_again(ask, waiting, fake_gateway, answer):
    fake_gateway.post(answer)
    assert waiting().error
    assert (waits(ask), fake_gateway.posts()) == ([], 1)


def test_cancel_ends_the_wait(ask, waiting, fake_gateway):
    fake_gateway.post(reply({}, 429, retry_after="15"))
    outcome = waiting(cancelled=lambda: bool(waits(ask)))
    assert (outcome.error.kind, outcome.error.billed, fake_gateway.posts()) == ("cancelled", "no", 1)
