"""The cache bounded by bytes."""

from __future__ import annotations

import pytest

from gpt4o_image.pictures.lru import LruBytes


@pytest.fixture
def cache():
    return LruBytes(10, len)


def test_the_least_recently_used_goes_first(cache):
    for key in "abc":
        cache.put(key, b"123")
    assert cache.get("a") == b"123"
    cache.put("d", b"123")
    assert [cache.get(key) for key in "abcd"] == [b"123", None, b"123", b"123"]


def test_bytes_are_counted_once_for_a_key_that_is_put_again(cache):
    for _ in range(5):
        cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert cache.get("a") == b"12345"
    cache.put("b", b"123456")
    assert (cache.get("a"), cache.get("b")) == (None, b"123456")


def test_what_is_too_large_is_not_kept(cache):
    cache.put("a", b"1")
    cache.put("b", b"12345678901")
    assert (cache.get("a"), cache.get("b")) == (b"1", None)
    cache.put("c", b"1234567890")
    assert cache.get("c") == b"1234567890"


def test_the_limit_itself_is_allowed(cache):
    cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert (cache.get("a"), cache.get("b")) == (b"12345", b"12345")
