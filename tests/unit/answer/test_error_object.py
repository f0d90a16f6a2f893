"""What an error object holds: whether it is one, its words, its id; and a task that waits."""

import pytest

from gpt4o_image.answer.error_object import (
    error_codes,
    error_request_id,
    error_text,
    is_error,
    request_id,
    waiting_task,
)


@pytest.mark.parametrize(
    "value",
    [
        {"error": "x"},
        {"error": {"message": "m"}, "data": [{"url": "u"}]},
        {"error": [{"message": "m"}]},
        {"code": -1},
        {"code": "failed"},
        {"type": "error"},
        {"type": "terminal"},
        {"status": "failed"},
        {"success": False},
        {"choices": [], "error": {"a": 1}},
    ],
)
def test_errors(value):
    assert is_error(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"error": None},
        {"error": {}},
        {"error": ""},
        {"error": {"code": 0, "message": "success"}},
        {"error": {"message": "", "code": None}},
        {"code": 0},
        {"code": 200},
        {"code": "Success"},
        {"status": "queued"},
        {"choices": [{}], "code": -1},
        {"data": [1]},
    ],
)
def test_no_errors(value):
    assert not is_error(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"error": {"message": "m", "type": "t"}}, "m"),
        ({"error": "m"}, "m"),
        ({"error": [{"message": "m"}]}, "m"),
        ({"type": "error", "error": {"message": "m"}}, "m"),
        ({"code": -1, "msg": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ({"error": {"code": "c"}, "message": "m"}, "m"),
        ({"status": "failed", "fail_reason": "m"}, "m"),
        ({"error": {"message": "a\ud83d"}}, "a\ufffd"),
        ({"error": {"code": 1}}, None),
        ({}, None),
    ],
)
def test_its_words(value, text):
    assert error_text(value) == text


def test_codes():
    assert error_codes({"error": {"code": "c", "type": "t", "param": "p"}}) == ["c", "t"]
    assert error_codes({"code": 429}) == ["429"]
    assert error_codes(None) == []


@pytest.mark.parametrize(
    "text",
    ["x (tid: 12-a)", "x (request id: 12-a)", "(Request ID:12-a)", "(request_id: 12-a )", "\uff08tid\uff1a12-a\uff09"],
)
def test_request_id(text):
    assert request_id(text) == "12-a"
    assert error_request_id({"error": {"message": text, "request_id": "field"}}) == "12-a"


def test_request_id_in_a_field():
    assert error_request_id({"error": {"message": "m", "request_id": "r"}}) == "r"
    assert error_request_id({"trace_id": "r"}) == "r"
    assert error_request_id({"error": "m"}) is None
    assert error_request_id(None) is None


@pytest.mark.parametrize(
    ("value", "task"),
    [
        ({"id": "task_1", "object": "generation.task", "status": "queued"}, "task_1"),
        ({"task_id": "t", "status": "SUBMITTED"}, "t"),
        ({"data": {"task_id": "t"}}, "t"),
        ({"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"}, "t"),
        ({"id": "t", "status": "in progress"}, "t"),
        ({"code": 0, "data": [{"task_id": "t", "status": "submitted"}]}, "t"),
        ({"id": 7, "status": "queued"}, "7"),
        ({"id": "chatcmpl-1", "choices": []}, None),
        ({"id": "t", "status": "completed"}, None),
        ({"status": "queued"}, None),
        ({}, None),
    ],
)
def test_tasks_that_wait(value, task):
    assert waiting_task(value) == task
