"""The pool of daemon threads: order, exceptions, calls that are given up, the end of the process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from gpt4o_image.pictures.workers import DaemonPool


@pytest.fixture
def pool():
    return DaemonPool(2)


def test_results_come_in_order(pool):
    assert pool.map(lambda item: item * item, range(50)) == [item * item for item in range(50)]


def test_exceptions_are_raised_again(pool):
    def fail(item):
        raise KeyError(item)

    with pytest.raises(KeyError, match="'a'"):
        pool.run(lambda: fail("a"), 9)
    with pytest.raises(KeyError, match="'b'"):
        pool.map(fail, ["b"])
    with pytest.raises(TimeoutError, match="its own"):
        pool.run(raise_timeout, 9)
    assert pool.run(lambda: 3, 9) == 3


def raise_timeout():
    raise TimeoutError("its own")


def test_two_at_once_and_no_more(pool):
    lock, both = threading.Lock(), threading.Barrier(2, timeout=9)
    running, most = 0, 0

    def work(item):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()
        with lock:
            running -= 1
        return threading.current_thread().name if item else ""

    pool.map(work, range(8))
    assert most == 2


def test_a_call_that_is_given_up_leaves_its_place_to_others(pool):
    stuck, before = threading.Event(), set(threading.enumerate())
    for _ in range(5):
        with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
            pool.run(stuck.wait, 0.05)
    assert pool.map(lambda item: item, range(4)) == [0, 1, 2, 3]
    stuck.set()
    both = threading.Barrier(2, timeout=9)
    pool.map(lambda _: both.wait(), range(2))
    until = time.monotonic() + 9
    while len(set(threading.enumerate()) - before) > 2:  # those that were stuck end, now that they can
        assert time.monotonic() < until
        time.sleep(0.01)


def test_time_in_the_queue_does_not_count():
    pool, results = DaemonPool(1), []
    calls = [
        threading.Thread(target=lambda: results.append(pool.run(lambda: threading.Event().wait(0.3), 0.9)))
        for _ in range(6)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert results == [False] * 6


def test_a_stuck_call_does_not_hold_up_the_end_of_the_process():
    script = (
        "import threading; from gpt4o_image.pictures.workers import DaemonPool; pool = DaemonPool(1)\n"
        "try: pool.run(threading.Event().wait, 0.1)\n"
        "except TimeoutError: print('given up')"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")
