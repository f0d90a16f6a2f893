"""What went wrong -> its kind, whether it was billed, and the id that the gateway's support asks for."""

import json

import pytest

from gpt4o_image.answer.failures import from_body, from_object, from_status, from_transcript, is_error, request_id
from gpt4o_image.answer.parser import StreamParser

TID = "2025042414262412345678901234567"


def envelope(message, **rest):
    return json.dumps({"error": {"message": f"{message} (tid: {TID})", "type": "Aihubmix_api_error", **rest}})


REFUSED = "Your request was rejected as a result of our safety system."


@pytest.mark.parametrize(
    ("status", "message", "rest", "kind", "billed"),
    [
        (400, "The requested operation is unsupported.", {}, "bad_request", "no"),
        (400, "x", {"code": "prompt_too_long"}, "bad_request", "no"),
        (400, REFUSED, {"code": "moderation_blocked"}, "moderation_input", "unknown"),
        (400, "x", {"code": "content_policy_violation"}, "moderation_input", "unknown"),
        (401, "no key provided", {}, "auth", "no"),
        (401, "Your safety system token expired", {}, "auth", "no"),
        (401, "This token's quota has been exhausted", {}, "quota", "no"),
        (402, "Payment required", {}, "quota", "unknown"),
        (403, "Your account balance is insufficient. Please recharge", {}, "quota", "no"),
        (403, "x", {"code": "insufficient_user_quota"}, "quota", "no"),
        (403, "key is disabled", {}, "auth", "no"),
        (404, "Invalid URL", {}, "bad_request", "no"),
        (404, "x", {"code": "model_not_found"}, "bad_model", "no"),
        (408, "Request timed out", {}, "timeout", "unknown"),
        (409, "still running", {}, "upstream", "unknown"),
        (413, "too large", {}, "reference", "no"),
        (422, "x", {}, "bad_request", "unknown"),
        (429, "The x model Too many requests; please try again later.", {}, "rate_limited", "no"),
        (429, "x", {"code": "insufficient_quota"}, "quota", "no"),
        (429, "\u5f53\u524d\u5206\u7ec4\u4e0a\u6e38\u8d1f\u8f7d\u5df2\u9971\u548c", {}, "rate_limited", "no"),
        (500, "Internal server error", {}, "upstream", "unknown"),
        (503, "Incorrect model ID. Please check", {}, "bad_model", "unknown"),
        (503, "Rate limited by provider. Please try again later.", {}, "rate_limited", "unknown"),
        (503, "No available channel for this model", {}, "upstream", "unknown"),
        (307, "", {}, "upstream", "unknown"),
    ],
)
def test_status(status, message, rest, kind, billed):
    error = from_status(status, envelope(message, **rest))
    assert (error.kind, error.billed, error.request_id) == (kind, billed, TID)
    assert error.gateway_text.startswith(message)


def test_bodies_of_other_shapes():
    page = "<html><head><title>502 Bad Gateway</title><script>x()</script></head><body>nginx</body></html>"
    error = from_status(502, page, "header")
    assert (error.kind, error.gateway_text, error.request_id) == ("upstream", "502 Bad Gateway nginx", "header")
    assert from_status(307, "").gateway_text == "HTTP 307"
    assert from_status(401, '{"type": "error", "error": {"message": "x", "code": null}}').gateway_text == "x"
    assert from_status(500, '{"error": "plain"}').gateway_text == "plain"
    assert from_status(500, '[{"error": {"message": "x", "request_id": "r"}}]').request_id == "r"
    assert from_status(500, '{"detail": "x", "request_id": "r"}', "header").request_id == "r"
    assert from_status(500, '{"unknown": 1}').gateway_text == '{"unknown": 1}'
    assert from_status(500, "[" * 100_000).kind == "upstream"


@pytest.mark.parametrize(
    "text",
    ["x (tid: 12-a)", "x (request id: 12-a)", "(Request ID:12-a)", "(request_id: 12-a )", "\uff08tid\uff1a12-a\uff09"],
)
def test_request_id(text):
    assert request_id(text) == "12-a"


def test_objects():
    assert from_object({"error": {"message": "m", "code": "input_moderation"}}).kind == "moderation_input"
    assert from_object({"code": -1, "msg": "insufficient credits"}).kind == "quota"
    assert from_object({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).kind == "rate_limited"
    assert from_object({"error": {}, "x": 1}).billed == "yes"
    assert from_body("<p>hi</p>").gateway_text == "hi"


@pytest.mark.parametrize(
    "value", [{"error": "x"}, {"code": -1}, {"code": "failed"}, {"type": "error"}, {"choices": [], "error": {"a": 1}}]
)
def test_is_error(value):
    assert is_error(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"error": None},
        {"code": 0},
        {"code": 200},
        {"code": "Success"},
        {"choices": [{}], "code": -1},
        {"data": [1]},
    ],
)
def test_is_no_error(value):
    assert not is_error(value)


# Streams without a picture


def of(text, *, complete=True):
    parser = StreamParser()
    parser.feed(text)
    parser.finish()
    return from_transcript(parser.transcript, complete=complete)


FAILED = "> \u751f\u6210\u5931\u8d25 \u274c\n> \u5931\u8d25\u539f\u56e0\uff1a"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (FAILED + "input_moderation", "moderation_input"),
        (FAILED + "output_moderation", "moderation_output"),
        (FAILED + "error", "upstream"),
        (FAILED + "\u8fdd\u53cd\u5185\u5bb9\u653f\u7b56", "refused"),
        (FAILED + 'x\n\n```json\n{"type": "terminal", "is_output_rejection": true}\n```', "moderation_output"),
        ("> Generation failed \u274c\n> Reason: output_moderation", "moderation_output"),
        ("Generation failed\nReason: input_moderation", "moderation_input"),
        ("> \u274c\n\nIt may violate our content policies.", "refused"),
        ('{"error": {"message": "insufficient credits"}}', "quota"),
        ("We\u2019re so sorry, but the prompt may violate our content policies.", "refused"),
        ("I can't draw that.", "refused"),
        ("\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5", "refused"),
        ("Sorry, something went wrong. Try again.", "upstream"),
        ("Sorry, you've hit the Plus plan limit for image generation requests.", "rate_limited"),
        ("Processing image\n\nWe'll notify you when your image is ready.", "pending"),
        ("Which fox would you like?", "no_image"),
        ("", "no_image"),
    ],
)
def test_transcripts(text, kind):
    error = of(text)
    assert (error.kind, error.billed) == (kind, "yes")
    assert error.gateway_text is None or error.gateway_text.strip()


def test_the_gateways_words_are_kept():
    assert of(FAILED + "error").gateway_text.endswith("\uff1aerror")
    assert of("I can't.\nReally [not](https://x.test/why).").gateway_text == "I can't.\nReally not."
    assert of('{"type": "terminal", "code": "other"}').gateway_text == '{"type": "terminal", "code": "other"}'


def test_cut_streams():
    assert of("> Progress 14%", complete=False).kind == "truncated"
    assert of("I can't", complete=False).kind == "truncated"
    assert of(FAILED + "input_moderation", complete=False).kind == "moderation_input"
    assert of("> ID: `task_01jsabcdefghjkmnpqrstvwxyz`", complete=False).request_id == "task_01jsabcdefghjkmnpqrstvwxyz"
