"""Ctrl+C, counted."""

import os
import signal
import threading

import pytest

from gpt4o_image.command.interrupt import stop_on_ctrl_c

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")


def press(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def test_the_first_is_a_request_and_the_next_an_exception():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_ctrl_c() as stop:
        assert not stop.is_set()
        press()
        assert stop.wait(1)
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) is before


def test_several_may_mean_something_each():
    with stop_on_ctrl_c(2) as stop:
        press()
        press()
        assert stop.presses == 2
        with pytest.raises(KeyboardInterrupt):
            press()


def test_a_closed_terminal_counts_unless_it_was_to_be_ignored():
    with stop_on_ctrl_c() as stop:
        press(signal.SIGHUP)
        assert stop.is_set()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_ctrl_c() as stop:
            press(signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_count_none():
    presses = []

    def run():
        with stop_on_ctrl_c() as stop:
            presses.append(stop.presses)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert presses == [0]
