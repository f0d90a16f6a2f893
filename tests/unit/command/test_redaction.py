"""Kept answers for bug reports: the shape stays, what is private does not."""

import json

import pytest

from gpt4o_image.command.redaction import redacted

PROMPT = "A red fox in the fog, reading.\n\nAspect ratio: 3:2"


def event(content):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": content}}]}) + "\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "https://cdn.test/a.png?sig=SECRET&se=1",
        "https://user:SECRET@cdn.test/a.png",
        "Authorization: Bearer SECRETSECRET",
        "your key sk-SECRETSECRET is wrong",
        '{"error": {"message": "no", "api_key": "SECRET"}}',
        '{"token": "SECRET"}',
    ],
)
def test_keys_logins_and_signatures_are_crossed_out(text):
    assert "SECRET" not in redacted(text)
    assert "SECRET" not in redacted(event(text))


def test_what_is_no_secret_stays():
    text = event("> Generating 12....\n![gen_01](https://cdn.test/cdn/a.png?sig=x)\n") + "data: [DONE]\n"
    crossed = redacted(text)
    assert "https://cdn.test/cdn/a.png?*" in crossed
    assert "> Generating 12....\\n![gen_01](" in crossed
    assert crossed.endswith("data: [DONE]\n")
    assert json.loads(crossed.split("\n")[0].removeprefix("data: "))["choices"][0]["index"] == 0


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_the_prompt_is_crossed_out_however_the_text_is_cut(size):
    preamble = '{"prompt": "A RED fox, in the Fog", "gen_prompt": "a vixen \\"at\\" dusk", "n": 1}'
    said = f"```json\n{preamble}\n```\nA red fox in the fog"
    text = "".join(event(said[start : start + size]) for start in range(0, len(said), size))
    shown = "".join(
        json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["content"]
        for line in redacted(text, [PROMPT]).split("\n")
        if line
    )
    for word in ("fox", "Fog", "vixen", "dusk"):
        assert word not in shown
    assert '"n": 1' in shown


def test_the_prompt_stays_where_it_may():
    assert "A red fox" in redacted(event("A red fox"))


def test_a_prompt_in_a_field_of_its_own_is_crossed_out():
    body = json.dumps({"created": 1, "data": [{"revised_prompt": "a vixen", "url": "https://h/a.png"}]}, indent=1)
    assert "vixen" not in redacted(body, [PROMPT])
    assert "https://h/a.png" in redacted(body, [PROMPT])
    assert "vixen" in redacted(body)


def test_pictures_are_cut_to_their_beginning():
    crossed = redacted('{"b64_json": "iVBORw0KGgoAAAAN' + "A" * 5000 + '"}')
    assert "iVBORw0KGgoAAAAN***(5000)***" in crossed
    assert len(crossed) < 100


@pytest.mark.parametrize("text", ["", "data: {", "<html>no</html>", '{"content": ["a", {"content": "b"}]}', "[" * 5000])
def test_anything_can_be_redacted(text):
    assert redacted(text, [PROMPT]).count("\n") == text.count("\n")
