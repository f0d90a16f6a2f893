"""The pictures behind the links: painted once, found by the exact target, answered as the scenario says."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from gpt4o_image.simulator.links import Links, make_links
from gpt4o_image.simulator.pictures import MAX_ADDRESSES, Gallery, Picture


def hung(behaviour: str = "", naming: str = "") -> tuple[Gallery, list[Links]]:
    gallery = Gallery()
    links = [make_links("http://gw", "seed", index, task="task_1", day="20250421", naming=naming) for index in range(2)]
    gallery.hang([Picture(lambda: b"first"), Picture(lambda: b"second")], links, behaviour)
    return gallery, links


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def reactions(gallery: Gallery, url: str, times: int = 1) -> list[str]:
    found = [gallery.fetch(target(url)) for _ in range(times)]
    return [address.reaction() if address else "unknown" for address in found]


def test_a_picture_is_painted_once():
    calls: list[int] = []

    def paint() -> bytes:
        calls.append(1)
        return b"png"

    picture = Picture(paint)
    assert picture.painted() == picture.painted() == b"png"
    assert len(calls) == 1


def test_only_the_exact_target_leads_to_it():
    gallery, links = hung(naming="escaped")
    address = gallery.fetch(target(links[1].cdn))
    assert address
    assert address.picture.painted() == b"second"
    for wrong in (target(links[1].cdn)[:-1], target(links[1].cdn).replace("%2F", "/"), urlsplit(links[1].cdn).path):
        assert gallery.fetch(wrong) is None


def test_a_relative_link_leads_to_it():
    gallery, links = hung(naming="relative")
    assert links[0].cdn.startswith("/cdn/")
    assert reactions(gallery, links[0].cdn) == ["picture"]


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [
        ("", ["picture"] * 4),
        ("flaky", ["link_503", "link_503", "picture", "picture"]),
        ("403_then_200", ["link_403", "picture", "picture", "picture"]),
        ("202", ["link_202", "link_202", "picture", "picture"]),
        ("drop", ["drop"] * 4),
        ("all_fail", ["link_403"] * 4),
        ("html", ["link_html"] * 4),
    ],
)
def test_behaviours(behaviour: str, seen: list[str]):
    gallery, links = hung(behaviour)
    assert reactions(gallery, links[0].cdn, 4) == seen
    assert reactions(gallery, links[1].cdn) == seen[:1], "each address counts for itself"


def test_the_first_picture_fails_alone():
    gallery, links = hung("one_fails")
    assert reactions(gallery, links[0].download) == ["link_403"]
    assert reactions(gallery, links[1].download) == ["picture"]


def test_a_thumbnail_has_an_address_of_its_own():
    gallery, links = hung()
    assert reactions(gallery, links[0].thumb) == ["thumbnail"]


def test_the_oldest_are_forgotten():
    gallery, first = hung()
    for number in range(MAX_ADDRESSES // 4):
        links = [make_links("http://gw", f"seed {number}", 0, task="t", day="20250421")]
        gallery.hang([Picture(lambda: b"")], links, "")
    assert reactions(gallery, first[0].cdn) == ["unknown"]
    assert reactions(gallery, links[0].cdn) == ["picture"]
