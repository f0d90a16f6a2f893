"""What is kept of requests: small, in order, and never the key."""

from __future__ import annotations

import json

from gpt4o_image.simulator.records import MAX_RECORDS, Log, without_base64

KEY = "sk-secret"


def test_a_record_has_no_key_wherever_it_was():
    log = Log()
    headers = {
        "Authorization": f"Bearer {KEY}",
        "X-Copy": f"it is {KEY}",
        "Api-Key": "x",
        "Cookie": "y",
        "Accept": "*/*",
    }
    record = log.open("POST", f"/v1/x?a={1}", headers)
    assert (record.number, record.path, record.query) == (1, "/v1/x", "a=1")
    assert record.headers == {"Accept": "*/*"}
    assert KEY not in json.dumps(log.listed())


def test_posts_and_prompts_are_counted():
    log = Log()
    for method in ("POST", "GET", "POST"):
        log.open(method, "/", {})
    assert log.posts() == 2
    assert [log.count(prompt) for prompt in ("a", "b", "a")] == [1, 1, 2]


def test_the_newest_are_kept():
    log = Log()
    for _ in range(MAX_RECORDS + 5):
        log.open("GET", "/", {})
    listed = log.listed()
    assert (len(listed), listed[0]["number"], listed[-1]["number"]) == (MAX_RECORDS, 6, MAX_RECORDS + 5)


def test_a_client_that_leaves_after_the_end_closed_nothing():
    log = Log()
    whole, broken = log.open("POST", "/", {}), log.open("POST", "/", {})
    whole.finished = True
    whole.close()
    broken.close()
    assert (whole.closed_by_client, broken.closed_by_client) == (False, True)
    assert broken.closed_after_s is not None


def test_base64_is_cut_to_its_length():
    value = {"a": ["data:image/png;base64,AAAA", "data:text/plain,x", "plain"], "b": 3}
    assert without_base64(value) == {
        "a": ["data:image/png;base64,<4 characters>", "data:text/plain,x", "plain"],
        "b": 3,
    }
