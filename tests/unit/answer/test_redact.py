"""A key that is sent back is masked, in text and in bytes, however it is written and chunked."""

import base64
import html
import json
import re
from urllib.parse import quote, unquote

import pytest

from gpt4o_image.answer.redact import ByteMask, redact

KEY = "sk-cases-7Jq2/xv+0123&456789abcdefABCDEF"
URL_SAFE = str.maketrans("+/", "-_")
WRITTEN = {
    "plain": KEY,
    "header": f"Bearer {KEY}",
    "JSON": json.dumps({"key": KEY}),
    "JSON with slashes": json.dumps({"key": KEY}).replace("/", "\\/"),
    "HTML": html.escape(f"<td>{KEY}</td>"),
    "address": f"https://a.example/?key={quote(KEY, safe='')}&x=1",
    "twice": f"{KEY} and {KEY}{KEY}",
    **{f"Basic {n}": base64.b64encode(b"u" * n + b":" + KEY.encode() + b"!").decode() for n in range(4)},
    "address with slashes": f"https://a.example/?key={quote(KEY)}",
    "address in small letters": re.sub("%..", lambda found: found[0].lower(), quote(KEY, safe="")),
    "address with all signs": "".join(char if char.isalnum() else f"%{ord(char):02X}" for char in KEY),
    "HTML in numbers": "".join(char if char.isalnum() else f"&#{ord(char)};" for char in KEY),
    "HTML in hexadecimal": "".join(char if char.isalnum() else f"&#x{ord(char):x};" for char in KEY),
    "JSON in numbers": "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in KEY),
    "JSON without HTML": KEY.replace("&", "\\u0026"),
    "markdown": "".join(char if char.isalnum() else f"\\{char}" for char in KEY),
    "base64 for addresses": base64.urlsafe_b64encode(b"\xff\xfe" + KEY.encode()).decode(),
}


def secrets_of(text):
    """What of the key can be read in `text`: as it is, unquoted or out of base64."""
    parts = [KEY[start : start + 8] for start in range(len(KEY) - 7)]
    plain = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), html.unescape(unquote(text)))
    found = [part for part in parts if part in text or part in plain.replace("\\", "")]
    for run in re.findall(r"[\w+/-]+", text, re.ASCII):
        for start in range(min(4, len(run))):
            whole = run[start : start + (len(run) - start) // 4 * 4]
            decoded = base64.urlsafe_b64decode(whole.translate(URL_SAFE)).decode("latin-1")
            found += [part for part in parts if part in decoded]
    return found


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_text(text):
    shown = redact(text, KEY)
    assert not secrets_of(shown)
    assert "***" in shown


def test_a_key_of_another_form_is_a_key_too():
    """Self-hosted gateways give keys without sk-."""
    key = "token 7Jq2xv0123456789"
    assert redact(f"The key {key} is unknown", key) == "The key *** is unknown"
    mask = ByteMask(key)
    assert mask.feed(f"The key {key} is".encode()) + mask.finish() == b"The key *** is"


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 1000])
def test_bytes_however_they_are_chunked(text, size):
    whole = b'data: {"a": "' + text.encode() + b'"}\n\n'
    mask = ByteMask(KEY)
    pieces = [mask.feed(whole[at : at + size]) for at in range(0, len(whole), size)] + [mask.finish()]
    once = ByteMask(KEY)
    assert b"".join(pieces) == once.feed(whole) + once.finish() != whole
    assert not secrets_of(b"".join(pieces).decode())


def test_nothing_is_held_back_at_the_end_of_an_event():
    mask = ByteMask(KEY)
    assert mask.feed(b'data: {"a": "s"}\n\n') == b'data: {"a": "s"}\n\n'
    assert mask.feed(b"data: s") == b"data: "
    assert mask.feed(b"o") == b"so"
    assert mask.finish() == b""


@pytest.mark.parametrize(("end", "shown"), [(KEY[:7], KEY[:7].encode()), (KEY[:8], b"***"), (KEY[:-1], b"***")])
def test_an_answer_that_ends_inside_a_key(end, shown):
    mask = ByteMask(KEY)
    assert mask.feed(b"token: " + end.encode()) + mask.finish() == b"token: " + shown


@pytest.mark.parametrize("key", ["", "sk", "short"])
def test_a_word_too_short_for_a_key_masks_nothing(key):
    mask = ByteMask(key)
    assert mask.feed(b"a short word") + mask.finish() == b"a short word"
    assert redact("a short word", key) == "a short word"


@pytest.mark.parametrize("text", ["Incorrect API key: sk-ab****cd.", "sk-proj-abcdef0123456789"])
def test_what_looks_like_a_key_is_masked_in_text(text):
    assert "sk-***" in redact(text, "another-key")
    assert "ab" not in redact(text, "another-key").replace("API", "")


def test_pictures_go_through_untouched():
    data = bytes(range(256)) * 4096
    mask = ByteMask(KEY)
    assert mask.feed(data) + mask.finish() == data
