"""Which host of a gateway is asked first, and for how long."""

from gpt4o_image.gateway.hosts import Hosts

URLS = ("https://a/v1", "https://b/v1", "https://c/v1")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_as_they_were_given():
    assert Hosts().in_order(URLS) == list(URLS)


def test_one_that_failed_is_asked_last_for_ten_minutes():
    clock = Clock()
    hosts = Hosts(clock)
    hosts.failed(URLS[0])
    assert hosts.in_order(URLS) == [URLS[1], URLS[2], URLS[0]]
    clock.now += 599
    assert hosts.in_order(URLS)[0] == URLS[1]
    clock.now += 2
    assert hosts.in_order(URLS) == list(URLS)


def test_one_that_answers_again_is_asked_first_again():
    hosts = Hosts(Clock())
    hosts.failed(URLS[0])
    hosts.failed(URLS[1])
    hosts.answered(URLS[0])
    assert hosts.in_order(URLS) == [URLS[0], URLS[2], URLS[1]]


def test_where_all_failed_the_order_stays():
    hosts = Hosts(Clock())
    for url in reversed(URLS):
        hosts.failed(url)
    assert hosts.in_order(URLS) == list(URLS)
