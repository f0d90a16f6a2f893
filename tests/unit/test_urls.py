"""Which addresses are one picture, and which are fetched at all."""

import pytest

from gpt4o_image import urls as addresses
from gpt4o_image.urls import Link, Picture, fetchable, identity, looks_like_picture, mirrors

CDN = "https://filesystem.site/cdn/20250424/fox.png"
SIGNED = "https://videos.openai.com/vg-assets/assets%2Ftask_1%2Fsrc_1.png?st=1&sig=a%2Fb%3D"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CDN, "https://filesystem.site/cdn/download/20250424/fox.png"),
        (CDN, "http://FILESYSTEM.site/cdn/20250424/fox.png?sig=x#y"),
        (SIGNED, "https://videos.openai.com/vg-assets/assets/task_1/src_1.png?st=2"),
        ("https://x.test/get?id=1", "https://x.test/get?id=1#a"),
        ("https://user@x.test/a.png", "https://x.test/a.png"),
        ("https://x.test:8080/a.png", "https://X.test:8080/a.png"),
    ],
)
def test_one_picture(one, other):
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CDN, "https://filesystem.site/cdn/20250424/owl.png"),
        (CDN, "https://filesystem.site:8443/cdn/20250424/fox.png"),
        ("https://x.test/get?id=1", "https://x.test/get?id=2"),
        ("data:image/png;base64,AA", "data:image/png;base64,AB"),
        ("https://x.test/a.png", "https://x.test/A.png"),
    ],
)
def test_two_pictures(one, other):
    assert identity(one) != identity(other)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "/cdn/a.png",
        "//x.test/a.png",
        "ftp://x.test/a.png",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///a.png",
        "https://:80/a.png",
        "https://[::1",
        "https://x.test:99999/a.png",
        "https://x.test:port/a.png",
        "https://asyncdata.net/a.png",
        "https://pro.ASYNCDATA.net./web/1",
        "https://me@pro.asyncdata.net/a.png",
        "https://pro.asyncdata.net:443/a.png",
        "data:text/html;base64,AA",
        "data:image",
    ],
)
def test_never_fetched(address):
    assert not fetchable(address)
    assert not fetchable(address, image=True)


def test_pages_are_only_pages_where_they_are_plain_links():
    for address in ("https://x.test/web/1.png", "https://x.test/source/1"):
        assert not fetchable(address)
        assert fetchable(address, image=True)


@pytest.mark.parametrize(
    "address", [CDN, SIGNED, "HTTPS://X.test", "http://127.0.0.1:8000/cdn/a.png", "DATA:image/png,A"]
)
def test_fetched(address):
    assert fetchable(address)


def test_looks_like_picture():
    assert all(looks_like_picture(one) for one in (CDN, SIGNED, "https://x.test/cdn/1", "https://x.test/a.JPEG?x"))
    assert looks_like_picture("data:image/png;base64,AA")
    assert not any(looks_like_picture(one) for one in ("https://x.test/policy", "https://x.test/?a=b.png", "x.png"))


# Mirrors


def pictures(*addresses):
    return [Picture(index, address, "") for index, address in enumerate(addresses)]


A, B = "https://x.test/cdn/a.png", "https://x.test/cdn/b.png"


def test_a_link_to_the_same_file():
    links = [Link("https://x.test/cdn/download/b.png", "", 2), Link("https://x.test/cdn/download/a.png", "", 2)]
    assert mirrors(pictures(A, B), links) == [[A, links[1].address], [B, links[0].address]]


def test_a_numbered_source_names_its_picture_and_comes_last():
    signed = Link(SIGNED, "100", 0)
    download = Link("https://x.test/cdn/download/b.png", "", 2)
    assert mirrors(pictures(A, B), [signed, download]) == [[A], [B, download.address, SIGNED]]
    assert mirrors(pictures(A), [signed]) == [[A, SIGNED]]
    assert mirrors(pictures(A, B), [Link(SIGNED.replace("src_1", "src_7"), "100", 0)]) == [[A], [B]]


def test_links_by_place():
    one, two = "https://y.test/1", "https://y.test/2"
    between = [Link(one, "", 1), Link(two, "", 2)]
    before = [Link(one, "", 0), Link(two, "", 0)]
    after = [Link(one, "", 2), Link(two, "", 2)]
    for links in (between, before, after):
        assert mirrors(pictures(A, B), links) == [[A, one], [B, two]]
    assert mirrors(pictures(A, B), [Link(one, "", 0)]) == [[A], [B]]
    assert mirrors(pictures(A), before) == [[A, one, two]]


def test_links_of_pictures_not_noted_yet():
    assert mirrors(pictures(A), [Link("https://y.test/1", "", 3)]) == [[A, "https://y.test/1"]]
    assert mirrors([], [Link("https://y.test/1", "", 1)]) == []


def test_picture_data_is_not_remembered():
    before = addresses._remembered.cache_info().currsize
    for number in range(3):
        data = f"data:image/png;base64,{number:04000}"
        assert fetchable(data)
        assert looks_like_picture(data)
        assert identity(data) == data
    assert addresses._remembered.cache_info().currsize == before
