"""What went wrong -> its kind, whether it was billed, and the id that the gateway's support asks for."""

import json
from pathlib import Path

import pytest

from gpt4o_image.answer.failures import (
    declines,
    from_body,
    from_object,
    from_page,
    from_status,
    from_transcript,
    is_page,
)
from gpt4o_image.answer.parser import StreamParser
from gpt4o_image.answer.transcript import Transcript

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
        (400, "x", {"code": "sensitive_words_detected"}, "moderation_input", "unknown"),
        (
            403,
            "\u9884\u6263\u8d39\u989d\u5ea6\u5931\u8d25, \u7528\u6237\u5269\u4f59\u989d\u5ea6: $0.001",
            {},
            "quota",
            "no",
        ),
        (403, "x", {"code": "pre_consume_token_quota_failed"}, "quota", "no"),
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
        (307, "", {}, "upstream", "no"),
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
    assert from_status(500, '{"detail": "x", "request_id": 7}').request_id == "7"
    assert from_status(500, '{"unknown": 1}').gateway_text == '{"unknown": 1}'
    assert from_status(500, "[" * 100_000).kind == "upstream"


def test_an_error_sent_as_an_event():
    """Some gateways write their errors so wherever a stream was asked for, whatever the status."""
    error = from_status(403, 'event: error\r\ndata: {"error": {"message": "\u4f59\u989d\u4e0d\u8db3"}}\r\n\r\n')
    assert (error.kind, error.gateway_text) == ("quota", "\u4f59\u989d\u4e0d\u8db3")


def test_a_key_behind_the_escapes_of_json():
    key = "sk-0123456789"
    body = json.dumps({"error": {"message": "?"}}).replace("?", "".join(f"\\u{ord(char):04x}" for char in key))
    assert from_status(401, body, key=key).gateway_text == "***"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, '{"error": {"message": "Invalid tok', "auth", "Invalid tok"),
        (502, "<html>Bad", "upstream", "Bad"),
        (401, "<html>Bad", "auth", "Bad"),
        (
            403,
            '{"error": {"code": "insufficient_user_quota", "mess',
            "quota",
            '{"error": {"code": "insufficient_user_quota"}}',
        ),
        (500, "{", "upstream", "{"),
    ],
)
def test_bodies_that_broke_off(status, body, kind, words):
    error = from_status(status, body)
    assert (error.kind, error.gateway_text) == (kind, words)


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE html><title>Just a moment...</title>",
        "\n<html><body>Attention Required!</body>",
        "\ufeff<!DOCTYPE html><html>",
        "<title>Just a moment...</title>",
        "<script>window.location = '/check'</script>",
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>",
        "error code: 1020",
        '{"cloudflare_error": true, "error_code": 1010, "title": "Error 1010: Access denied"}',
    ],
)
def test_a_bot_challenge_is_no_bad_key(body):
    error = from_status(403, body)
    assert (error.kind, error.billed) == ("upstream", "no")
    assert "key set" not in error.message
    assert from_status(403, "<p>key is disabled</p>").kind == "auth"


def test_a_web_page_names_who_answered():
    error = from_page("<!doctype html><title>Console</title>", "https://x.test")
    assert (error.kind, error.billed, error.gateway_text) == ("config", "unknown", "Console")
    assert "https://x.test" in error.message
    assert "base_url" in error.message


@pytest.mark.parametrize(
    "body", ["<!doctype html>", " \n<html lang=en>", "<!-- x --><head>", '<?xml version="1.0"?>\n<html>']
)
def test_pages(body):
    assert is_page(body)


@pytest.mark.parametrize(
    "body", ['<img src="https://x.test/a.png">', "<think>a</think>", "<https://x.test/a.png>", "", "{}"]
)
def test_no_pages(body):
    assert not is_page(body)


def test_long_words_are_cut():
    assert len(from_body("x" * 10_000).gateway_text) == 4000


def test_objects():
    assert from_object({"error": {"message": "m", "code": "input_moderation"}}).kind == "moderation_input"
    assert from_object({"code": -1, "msg": "insufficient credits"}).kind == "quota"
    assert from_object({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).kind == "rate_limited"
    assert from_object({"error": {}, "x": 1}).billed == "yes"
    assert from_body("<p>hi</p>").gateway_text == "hi"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"error": {"message": "m", "code": 401}}, "auth"),
        ({"error": {"message": "m", "code": "429"}}, "rate_limited"),
        ({"error": {"message": "m", "status_code": 401}}, "auth"),
        ({"error": {"message": "m", "code": 7}}, "upstream"),
        ({"error": {"message": "\u751f\u6210\u8d85\u65f6"}}, "timeout"),
        ({"error": {"message": "Request timed out"}}, "timeout"),
    ],
)
def test_objects_by_their_code(value, kind):
    assert from_object(value).kind == kind


# Streams without a picture


def of(text, *, complete=True):
    said = Transcript()
    parser = StreamParser(said)
    parser.feed(text)
    parser.finish(cut=not complete)
    said.close()
    return from_transcript(said, complete=complete)


# What gateways and models write in other languages: [text, kind].
PROSE = json.loads((Path(__file__).parents[2] / "fixtures/prose.json").read_text("utf-8"))
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
        *PROSE,
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


@pytest.mark.parametrize(
    "prose",
    [
        "I'm sorry, but I can't draw that.",
        "\u201cSorry\u201d",
        "We\u2019re so sorry, but the prompt may violate our content policies.",
        "This request may violate our content policies.",
        "You've hit the Plus plan limit for image generation requests.",
        "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5",
    ],
)
def test_what_declines(prose):
    assert declines(prose)


@pytest.mark.parametrize(
    "prose",
    [
        "",
        "Here is your picture.",
        "The sign says: Sorry, we are closed. It violates no policy.",
        "Here it is, sorry for the delay",
        "Sorry for the delay, here is your picture.",
        "\u62b1\u6b49\u4e45\u7b49\u4e86\uff0c\u56fe\u7247\u5982\u4e0b",
        "We'll let you know when it's ready.",
        "A poster that reads \u201cplan limit\u201d",
    ],
)
def test_what_only_quotes_such_words(prose):
    assert not declines(prose)
