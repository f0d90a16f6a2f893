"""Any bytes as an answer: the run ends, with a value of ours, after one POST."""

import json

import pytest
from fake_gateway import FakeGateway, in_pieces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpt4o_image.errors import KINDS, GPT4oImageError
from gpt4o_image.gateway.config import Config
from gpt4o_image.generation import generate
from gpt4o_image.request import Request

PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6Q"
    "AAAABJRU5ErkJggg=="
)
TEXTS = [
    '```json\n{"prompt": "x", "n": 2}\n```\n',
    '{"prompt": "x\n> 50%"}',
    ">\u26a1 Generating....",
    "\n> Queuing.",
    "11....19..",
    "[100](http://10.0.0.1/src_1.png?sig=%3D)",
    f"![a]({PNG})",
    "![b](http://192.168.0.1/b.png)",
    "![c](https://",
    ")",
    "\n",
    "> Generation failed \u274c\n",
    "> Failure reason: input_moderation\n",
    "```\n",
    "\U0001f550",
    "[get](file:///etc/passwd)",
    "I can't draw that.",
    "%",
    "]",
    "![](",
    "\x00",
    "> 50%",
]


def event(text, **more):
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}], **more}).encode() + b"\n\n"


EVENTS = st.one_of(
    st.sampled_from(TEXTS).map(event),
    st.text(max_size=20).map(event),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"data: [DONE]\n\n",
            b": keep-alive\n\n",
            b'data: {"choices": []}\n\n',
            b'data: {"choices": [{"delta": null, "finish_reason": "stop"}]}\n\n',
            b'data: {"choices": [{"delta": {"content": [1, null, {"text": 3}]}}]}\n\n',
            b'data: {"choices": [7], "error": null}\n\n',
            b'data: {"error": {"message": "quota exhausted", "code": 5}}\n\n',
            b"event: error\ndata: {}\n\n",
            b'data: {"code": -1}\n\n',
            b"data: {\xff}\n\n",
            b"data: 3\n\n",
            b"data: \n\r\n\r",
        ]
    ),
)


@pytest.fixture(scope="module")
def gateway():
    with FakeGateway() as running:
        yield running


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from(
        [HEAD, HEAD.replace(b"text/event-stream", b"application/json"), HEAD[:40], b"", b"garbage\r\n"]
    ),
    events=st.lists(EVENTS, max_size=12),
    cut=st.integers(1, 60),
)
def test_any_answer_ends_in_a_value(head, events, cut, gateway, tmp_path):
    body = b"".join(events)
    gateway.post([head, *in_pieces(body, cut)])
    posts = gateway.posts()
    outcome = generate(
        Request("x"),
        "aihubmix",
        Config(tmp_path / "config.toml", timeout_s=5),
        {"AIHUBMIX_API_KEY": "sk-x", "GPT4O_IMAGE_BASE_URL": gateway.base_url},
        notify=lambda _: None,
        cancelled=lambda: False,
        reuse=False,
    )
    assert gateway.posts() == posts + 1
    assert bool(outcome.pictures) != bool(outcome.error)
    if outcome.error:
        assert isinstance(outcome.error, GPT4oImageError)
        assert outcome.error.kind in KINDS
    assert list(outcome.progress) == sorted(set(outcome.progress))
    json.dumps(outcome.report()).encode()
