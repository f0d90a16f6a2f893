"""The spending limit of a batch, to the cent, whatever runs beside it."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpt4o_image.command.spending_limit import SpendingLimit
from gpt4o_image.errors import GPT4oImageError


def never():
    return False


def refusal(limit, call, price=0.009, cancelled=never):
    with pytest.raises(GPT4oImageError) as caught:
        limit.reserve(call, price, cancelled)
    assert caught.value.billed == "no"
    return caught.value.kind


def test_without_a_limit_everything_passes():
    limit = SpendingLimit(None)
    limit.reserve(1, None, never)
    limit.settle(1, None)
    limit.settle(2, 0.5)
    assert limit.spent == 0.5


@pytest.mark.parametrize(("max_usd", "calls"), [(0.0, 0), (0.0089, 0), (0.009, 1), (0.09, 10), (0.8999, 99)])
def test_the_call_that_would_pass_it_is_refused(max_usd, calls):
    limit = SpendingLimit(max_usd)
    for call in range(calls):
        limit.reserve(call, 0.009, never)
        limit.settle(call, 0.009)
    assert refusal(limit, calls) == "budget"


def test_what_was_spent_before_counts():
    assert refusal(SpendingLimit(0.018, 0.0181), 1) == "budget"


def test_nothing_follows_the_first_refusal():
    """Not even a cheaper call: the rows after it would come out of order."""
    limit = SpendingLimit(0.012)
    limit.reserve(1, 0.005, never)
    limit.settle(1, 0.005)
    assert refusal(limit, 2) == "budget"
    assert refusal(limit, 3, 0.001) == "budget"


def test_a_model_without_a_price_cannot_keep_a_limit():
    assert refusal(SpendingLimit(1.0), 1, None) == "config"


def test_a_call_that_asks_again_is_not_counted_twice():
    limit = SpendingLimit(0.009)
    for _ in range(3):
        limit.reserve(1, 0.009, never)


def test_it_waits_for_calls_that_may_turn_out_free():
    limit = SpendingLimit(0.009)
    limit.reserve(1, 0.009, never)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(limit.reserve, 2, 0.009, never)
        assert not second.done()
        limit.settle(1, 0.0)
        second.result(5)
    limit.settle(2, 0.009)
    assert limit.spent == 0.009


def test_it_waits_no_longer_than_its_run():
    limit = SpendingLimit(0.009)
    limit.reserve(1, 0.009, never)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(refusal, limit, 2, 0.009, stop.is_set)
        stop.set()
        assert second.result(5) == "cancelled"


def test_many_at_once_come_exactly_to_the_limit():
    """Half of the calls turn out free; the others fill the limit and never pass it."""
    limit = SpendingLimit(0.9)
    free = random.Random(1)

    def call(number):
        try:
            limit.reserve(number, 0.009, never)
        except GPT4oImageError:
            return
        assert limit.spent <= 0.9 + 1e-9
        limit.settle(number, free.choice([0.0, 0.009]))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(400)))
    assert limit.spent == pytest.approx(0.9)
