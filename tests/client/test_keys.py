"""The key is in no output of a good or a failing run, and reaches no other origin."""

import json
import logging
import subprocess
import sys

import pytest
from fake_gateway import reply, sse

from gpt4o_image.command.main import main
from gpt4o_image.gateway.config import Config
from gpt4o_image.gateway.profiles import choose_gateway

KEY = "sk-test-0123456789abcdef"
RUNS = ["ok_b_en_two", "http_401", "http_500", "fail_en", "download_all_fail", "sse_error_object_after", "stall"]


@pytest.mark.parametrize("name", RUNS)
def test_no_output_of_a_run_has_the_key(name, run, simulator, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    outcome = run(f"a fox [[{name}]]", timeout_s=1.5)
    told = [json.dumps(outcome.report()), repr(outcome), str(outcome.error), *capsys.readouterr(), caplog.text]
    assert all(KEY not in text for text in told)
    assert KEY not in json.dumps(simulator.requests())
    files = [path for path in run.home.rglob("*") if path.is_file()]
    assert files
    assert all(KEY.encode() not in path.read_bytes() for path in files)


@pytest.mark.parametrize("name", ["ok_b_en_two", "http_401"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_stream_of_the_command_has_the_key(name, form, command_environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "generate", f"a fox [[{name}]]", *form],
        env=command_environment | {"OPENAI_LOG": "debug"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert KEY.encode() not in done.stdout + done.stderr
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_another_origin_sees_neither_key_nor_request(run, fake_gateway, simulator):
    """A picture's address on another port of this machine is another origin, and a private one."""
    outcome = run(f"a fox [[ok_prompt_echo]] ![x]({fake_gateway.origin}/a.png)")
    assert len(outcome.pictures) == 2
    assert fake_gateway.connections == 0


def test_a_profiles_key_is_not_aihubmixs(tmp_path):
    config = Config(tmp_path / "config.toml", profiles={"mine": {"base_url": "https://example.test/v1"}})
    with pytest.raises(Exception, match="no key for the gateway mine"):
        choose_gateway("mine", config, {"AIHUBMIX_API_KEY": KEY, "OPENAI_API_KEY": KEY})


def test_variables_of_the_sdk_change_nothing(run, simulator, monkeypatch):
    for name, value in {
        "OPENAI_API_KEY": "sk-other",
        "OPENAI_ORG_ID": "org-x",
        "OPENAI_PROJECT_ID": "proj-x",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_CUSTOM_HEADERS": "X-Leak: 1\nAuthorization: Bearer sk-other",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    assert run("a fox").error is None
    (post,) = [record for record in simulator.requests() if record["method"] == "POST"]
    sent = {name.lower() for name in post["headers"]}
    assert not sent & {"openai-organization", "openai-project", "x-leak"}
    assert post["body"].keys() == {"model", "messages", "stream"}


def test_the_key_that_is_sent_is_ours(ask, fake_gateway, monkeypatch):
    """The simulator does not keep keys, so this looks at the request itself."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-other")
    fake_gateway.post(reply(status=401))
    assert ask("a fox").error.kind == "auth"
    assert [request.headers["authorization"] for request in fake_gateway.requests] == [f"Bearer {KEY}"]


IN_PIECES = {
    "two events": (f"The key {KEY[:9]}", f"{KEY[9:]} is at its limit."),
    "characters": tuple(f"The key {KEY} is at its limit."),
    "a link": (f"![a](ROOT/cdn/a.png?key={KEY[:9]}", f"{KEY[9:]})\n"),
}


@pytest.mark.parametrize("pieces", IN_PIECES.values(), ids=IN_PIECES)
def test_a_key_that_only_its_reader_puts_together_is_masked(pieces, ask, fake_gateway, monkeypatch, capsys):
    fake_gateway.post(sse(*pieces))
    outcome = ask("a fox")
    for name, value in {**ask.environ, "GPT4O_IMAGE_HOME": str(ask.home)}.items():
        monkeypatch.setenv(name, value)
    main(["results", "read", outcome.result_id, "--json"])
    main(["results", "answer", outcome.result_id, "--redacted"])
    main(["results", "show", outcome.result_id, "--json"])
    told = [json.dumps(outcome.report()), repr(outcome), str(outcome.error), *capsys.readouterr()]
    assert [text for text in told if KEY in text] == []
    assert "***" in told[0]
    files = [path for path in ask.home.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_a_key_behind_an_escape_is_masked(ask, fake_gateway):
    escaped = json.dumps({"error": {"message": f"The key {KEY} is at its limit."}}).replace("sk-test", "sk\\u002dtest")
    fake_gateway.post(reply(escaped, content_type="application/json"))
    error = ask("a fox").error
    assert KEY not in json.dumps(error.as_json())
    assert "The key *** is at its limit." in error.gateway_text
