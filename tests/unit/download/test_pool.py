"""The pictures of one answer, side by side: how many at once, what counts once, what is left as it is."""

import hashlib
import threading
import time

import pytest
from fake_gateway import png

from gpt4o_image.download import pool as pool_module
from gpt4o_image.download.fetch import DownloadError
from gpt4o_image.download.pool import MAX_PICTURES, Pool
from gpt4o_image.urls import Link, Picture

SHOWN = [Picture(n, f"https://host.test/cdn/{n}.png", "") for n in range(100)]


@pytest.fixture
def fetched(monkeypatch):
    """In place of the network: bytes by address; what is missing is not there. Gives the addresses asked for."""
    asked, there = [], {}

    def fetch(addresses, accept, **_):
        for address in addresses():
            asked.append(address)
            if callable(data := there.get(address)):
                data = data()
            if data:
                return accept(data, address)
        raise DownloadError([f"{address}: HTTP 404" for address in addresses()])

    monkeypatch.setattr(pool_module, "fetch", fetch)
    return type("Fetched", (), {"asked": asked, "there": there})


def run(pictures, links=(), keep=lambda *_: None, arrived=lambda *_: None):
    with Pool(pictures, links, (), time.monotonic() + 20, keep=keep, arrived=arrived) as pool:
        pool.all_known()
        for picture in pictures:
            pool.start(picture)
        pool.wait(20)
        assert not pool.running
        return pool.settle()


def test_each_picture_is_kept_before_it_is_decoded_and_has_its_place(fetched):
    fetched.there |= {each.address: png((each.index, 0, 0)) for each in SHOWN[:3]}
    kept = {}
    settled = run(SHOWN[:3], keep=lambda index, data, url: kept.update({index: (data, url)}))
    assert sorted(settled.pictures) == [0, 1, 2]
    for index, picture in settled.pictures.items():
        assert kept[index] == (picture.data, SHOWN[index].address)
        assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()


def test_a_mirror_that_holds_another_picture_of_the_answer_counts_once(fetched):
    """The first picture is gone, and its mirror turns out to be the second one's."""
    fetched.there |= {SHOWN[1].address: png("blue"), "https://mirror.test/x": png("blue")}
    settled = run(SHOWN[:2], [Link("https://mirror.test/x", "download", 1)])
    assert list(settled.pictures) == [1]
    assert settled.reasons == [f"{SHOWN[0].address}: its mirror holds another picture of this answer"]


def test_two_mirrors_that_hold_the_same_picture_count_once(fetched):
    fetched.there |= {"https://mirror.test/x": png("blue"), "https://mirror.test/y": png("blue")}
    links = [Link("https://mirror.test/x", "download", 1), Link("https://mirror.test/y", "download", 2)]
    assert list(run(SHOWN[:2], links).pictures) == [0]


def test_two_pictures_that_are_equal_are_two(fetched):
    fetched.there |= {each.address: png("blue") for each in SHOWN[:2]}
    assert list(run(SHOWN[:2]).pictures) == [0, 1]


def test_of_many_pictures_32_are_fetched_by_8_threads(fetched):
    lock, now, most = threading.Lock(), [0], [0]

    def slow():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return png("blue")

    fetched.there |= {each.address: slow for each in SHOWN}
    before = threading.active_count()
    threads = []
    settled = run(SHOWN, arrived=lambda *_: threads.append(threading.active_count() - before))
    assert len(settled.pictures) == len(fetched.asked) == MAX_PICTURES
    assert most[0] <= 8
    deadline = time.monotonic() + 5
    while threading.active_count() > before + 2:  # decoding keeps its own
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_cannot_be_decoded_is_kept_and_named(fetched):
    fetched.there[SHOWN[0].address] = b"\0\0\0\x18ftypheic" + bytes(100)
    settled = run(SHOWN[:1], keep=lambda *_: "the/file")
    (undecodable,) = settled.undecodable
    assert (undecodable.index, undecodable.address, undecodable.path) == (0, SHOWN[0].address, "the/file")
    assert "HEIC" in undecodable.why
    assert settled.reasons == []
    assert "results export ID" in undecodable.sentence("ID")


def test_a_fault_of_ours_is_a_reason_and_not_a_wait(fetched):
    fetched.there[SHOWN[0].address] = lambda: 1 / 0
    assert "ZeroDivisionError" in run(SHOWN[:1]).reasons[0]


def test_where_no_thread_can_be_had_the_reason_is_told(fetched, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("no thread")))
    assert run(SHOWN[:1]).reasons == ["no thread"]
