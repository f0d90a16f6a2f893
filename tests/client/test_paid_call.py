"""What a paid call writes while it lasts: a heartbeat, and each link before its picture is fetched."""

import time

from fake_gateway import picture, sse

from gpt4o_image import paid_call
from gpt4o_image.vault.recorder import Recorder
from gpt4o_image.vault.results import HEARTBEAT_S, SILENT_S

BEAT_S = 0.05


def test_a_call_beats_as_long_as_it_lasts(ask, fake_gateway, monkeypatch):
    beats = []
    monkeypatch.setattr(paid_call, "HEARTBEAT_S", BEAT_S)
    monkeypatch.setattr(Recorder, "beat", lambda *_: beats.append(1))
    answer = sse("![a](ROOT/cdn/a.png)").render(fake_gateway.origin)
    fake_gateway.post([answer[:-9], BEAT_S * 20, answer[-9:]])
    assert ask("a fox").pictures
    assert 5 <= len(beats) <= 25


def test_a_living_call_is_never_taken_for_a_silent_one():
    """Two beats may fail, by a locked database for instance."""
    assert HEARTBEAT_S * 3 <= SILENT_S


def test_a_link_is_on_disk_before_it_is_fetched(ask, fake_gateway, monkeypatch):
    known = []
    write = Recorder.links

    def slowly(self, found):
        time.sleep(0.2)
        write(self, found)

    def look(exchange):
        (result,) = ask.vault.results()
        known.append([shown.address for shown in result.pictures])
        exchange.answer(picture())

    monkeypatch.setattr(Recorder, "links", slowly)
    address = fake_gateway.get("/cdn/a.png", look)
    fake_gateway.post(sse(f"![a]({address})"))
    assert ask("a fox").pictures
    assert known == [[address]]
