"""Ids and addresses: the gateway's forms, the same for the same seed, never the same twice."""

from __future__ import annotations

import re

import pytest

from gpt4o_image.simulator.links import base32_id, make_links, spell, tid, uuid_of


def links_of(naming: str = "", index: int = 0, seed: str = "seed"):
    return make_links("http://gw", seed, index, task="task_1", day="20250421", naming=naming)


def test_the_documented_forms():
    links = links_of()
    assert re.fullmatch(r"gen_01[0-9a-z]{24}", links.gen)
    assert re.fullmatch(r"http://gw/cdn/20250421/\w{30}\.png", links.cdn)
    assert links.download == links.cdn.replace("/cdn/", "/cdn/download/")
    assert links.signed.startswith("http://gw/vg-assets/assets%2Ftask_1%2Fsrc_0.png?st=2025-04-21T")
    assert re.fullmatch(r"20\d{29}", tid("seed"))
    assert re.fullmatch(r"task_01[0-9a-z]{24}", base32_id("task", "seed"))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid_of("seed"))


@pytest.mark.parametrize(
    ("naming", "form"),
    [
        ("hex", r"http://gw/cdn/20250421/[0-9a-f]{32}\.png"),
        ("parens", r"http://gw/cdn/20250421/\w{14}\(1\)_\(1\(a\)\)\w{16}\.png"),
        ("escaped", r"http://gw/cdn/20250421/\w{10}%2F\w{20}\.png\?sig=[^&]+%3D&az=oaivgprodscus"),
        ("no_ending", r"http://gw/cdn/20250421/\w{30}"),
        ("relative", r"/cdn/20250421/\w{30}\.png"),
    ],
)
def test_odd_forms(naming: str, form: str):
    assert re.fullmatch(form, links_of(naming).cdn)


def test_the_same_seed_gives_the_same_names_and_another_others():
    assert links_of() == links_of()
    every = [links_of(), links_of(index=1), links_of(seed="other")]
    assert len({address for links in every for address in (links.cdn, links.download, links.signed, links.gen)}) == 12
    assert spell("01", 300, "x") == spell("01", 300, "x")
