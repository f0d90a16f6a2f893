"""The sidebar's line on the paid calls that wait in ComfyUI's queue, and the setting that sends them ahead."""

import json

import pytest
from playwright.sync_api import expect

from web.seeds import emptied
from web.sidebar import Sidebar, run

HELD = "[[stall]] held"
SETTING = "GPT4oImage.RunAhead"


@pytest.fixture
def queue(screen, gateway_home):
    """The sidebar, and two runs that wait behind one which ends when it is interrupted."""
    emptied(gateway_home)
    bar = Sidebar.open(screen)
    run(screen, HELD)
    expect(bar.card(HELD)).to_be_visible()
    for words in ("first in line", "second in line"):
        screen.page.evaluate("app.graph.clear()")
        run(screen, words)
    yield bar
    screen.server.request("/gpt4o_image/queue/run_ahead", {"calls": 0})


def line(bar, text):
    return bar.panel.get_by_role("region", name="Queue").get_by_text(text, exact=True)


def test_waiting_calls_are_counted_priced_and_sent(screen, queue, screenshots):
    expect(line(queue, "2 paid calls wait in the queue, at most $0.018")).to_be_visible()
    screen.page.screenshot(path=screenshots / "waiting.png")
    queue.panel.get_by_role("button", name="Send them now").click()
    expect(line(queue, "2 calls were sent ahead of their turn")).to_be_visible()
    expect(queue.spoken).to_have_text("2 calls are being sent")
    expect(queue.card("first in line").locator(".g4i-state")).to_have_text("Saved")
    screen.page.screenshot(path=screenshots / "sent.png")
    screen.server.interrupt()
    expect(line(queue, "2 calls were sent ahead of their turn")).to_be_hidden()
    expect(queue.panel.get_by_role("region", name="Queue")).to_have_count(0)
    expect(queue.cards).to_have_count(3)


def test_what_was_sent_and_then_removed_is_told_until_it_is_closed(screen, queue):
    queue.panel.get_by_role("button", name="Send them now").click()
    expect(queue.card("second in line").locator(".g4i-state")).to_have_text("Saved")
    screen.server.request("/queue", {"clear": True})
    expect(queue.panel.get_by_text("2 calls were sent, but their runs were removed from the queue.")).to_be_visible()
    queue.panel.get_by_role("region", name="Queue").get_by_role("button", name="Close").click()
    expect(queue.panel.get_by_role("region", name="Queue")).to_have_count(0)


def test_the_setting_sends_ahead_and_is_told_again_by_each_page(screen, queue):
    def limit():
        return json.loads(screen.server.request("/gpt4o_image/queue"))["run_ahead"]

    assert limit() == 0
    screen.page.evaluate("([id, value]) => app.extensionManager.setting.set(id, value)", [SETTING, 1])
    expect(line(queue, "1 call was sent ahead of its turn")).to_be_visible()
    expect(line(queue, "1 paid call waits in the queue, at most $0.009")).to_be_visible()
    screen.server.request("/gpt4o_image/queue/run_ahead", {"calls": 0})  # as a new server begins
    screen.open_again()
    expect(Sidebar.open(screen).panel).to_be_visible()
    assert limit() == 1
