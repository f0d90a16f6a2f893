"""The command with bad streams, folders and machines: never a traceback, nothing paid in vain."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fake_gateway import reply, sse

PYTHON = [sys.executable, "-m", "gpt4o_image"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
ESCAPES = "\x1b]52;c;cm0gLXJmIH4K\x07\x1b]0;owned\x1b\\\x1b[2J\x9b31m\x85\u202e"
PAID = ["generate", "a fox", "--count", "1"]


@pytest.fixture
def environ(command_environment):
    """Of a process whose gateway is the simulator."""
    return {name: value for name, value in command_environment.items() if not name.startswith("COMFYUI_")}


def run(environ, *arguments, cwd=None, **options):
    done = subprocess.run([*PYTHON, *arguments], env=environ, cwd=cwd, capture_output=True, check=False, **options)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def by_shell(environ, cwd, redirections, *arguments):
    """The command with `redirections` of a POSIX shell."""
    command = ["sh", "-c", f'"$@" {redirections}', "sh", *PYTHON, *arguments]
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_paid_run_needs_none_of_its_streams(environ, tmp_path, closed, simulator):
    assert by_shell(environ, tmp_path, closed, *PAID)[0] == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["gpt4o-image-0001.png"]
    assert simulator.posts() == 1


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_report_that_cannot_be_printed_says_where_the_pictures_are(environ, tmp_path, as_json):
    status, _, err = by_shell(environ, tmp_path, "> /dev/full", *PAID, *as_json)
    assert status == 1
    assert str(tmp_path / "gpt4o-image-0001.png") in err
    assert "stdout cannot be written: No space left on device" in err


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("arguments", [["results", "list"], ["check", "--json"], ["--help"]])
@pytest.mark.parametrize("end", ["> /dev/full", "| true", ">&-"])
def test_any_command_ends_plainly_without_stdout(environ, tmp_path, arguments, end):
    by_shell(environ, tmp_path, end, *arguments)


def bad_folders(tmp_path):
    """Where no file can be written, also by root."""
    (tmp_path / "file").write_bytes(b"")
    yield str(tmp_path / "file")
    yield str(tmp_path / "file" / "below")
    yield str(tmp_path / ("x" * 300))
    if sys.platform == "linux":
        yield "/proc/pictures"


def test_a_folder_that_cannot_be_written_is_known_before_the_post(shell, tmp_path, simulator):
    for folder in bad_folders(tmp_path):
        for arguments in (["generate", "a fox", "--json"], ["demo"]):
            status, out, err = shell(*arguments, "--out", folder)
            assert status == 1
            if out:
                error = json.loads(out)["error"]
                assert (error["kind"], error["billed"]) == ("config", "no")
            assert folder in (out or err)
    assert simulator.posts() == 0


def test_export_to_such_a_folder_is_a_plain_error_too(shell, tmp_path):
    shell("generate", "a fox")
    for folder in bad_folders(tmp_path):
        status, out, err = shell("results", "export", "latest", folder)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert folder in err


@pytest.mark.parametrize("as_json", [True, False])
def test_a_folder_lost_after_the_post_leads_to_the_vault(shell, fake_gateway, monkeypatch, tmp_path, as_json):
    """The picture is paid for: the error says that it is kept, and its advice works."""
    folder = tmp_path / "out"

    def lose_folder(exchange):
        shutil.rmtree(folder)
        folder.write_bytes(b"now a file")
        exchange.answer(sse("![a](ROOT/a.png)"))

    fake_gateway.post(lose_folder)
    monkeypatch.setenv("GPT4O_IMAGE_BASE_URL", fake_gateway.base_url)
    status, out, err = shell("generate", "a fox", "--out", str(folder), *["--json"] * as_json)
    assert status == 1
    (result,) = json.loads(shell("results", "list", "--json")[1])
    advice = f"`gpt4o-image results export {result['id']} DIR`"
    if as_json:
        report = json.loads(out)
        assert (report["status"], report["error"]["kind"], report["error"]["billed"]) == ("error", "config", "yes")
        assert (report["result_id"], report["images"][0]["path"]) == (result["id"], None)
        assert advice in report["error"]["message"]
    else:
        assert out == ""
        assert advice in err
    status, out, _ = shell("results", "export", result["id"], str(tmp_path / "elsewhere"))
    assert status == 0
    assert Path(out.strip()).read_bytes() == Path(result["images"][0]["path"]).read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        reply({"error": {"message": f"Sorry {ESCAPES}friend"}}, 500),
        reply({"error": {"message": f"Sorry {ESCAPES}friend"}}, 400),
        sse(f"Sorry {ESCAPES}friend"),
        sse(f"> Generation failed {ESCAPES}\n> Sorry {ESCAPES}friend"),
        reply(f"Sorry {ESCAPES}friend", 502, "text/plain; charset=utf-8"),
    ],
)
def test_the_gateways_words_reach_the_terminal_without_its_commands(shell, fake_gateway, monkeypatch, answer):
    fake_gateway.post(answer)
    monkeypatch.setenv("GPT4O_IMAGE_BASE_URL", fake_gateway.base_url)
    for arguments in (["generate", f"x {ESCAPES}"], ["results", "show", "latest"], ["results", "list"]):
        _, out, err = shell(*arguments)
        assert all(line.isprintable() for line in (out + err).split("\n")), (arguments, out, err)
        if arguments[-1] != "list":
            assert "Sorry" in out + err
            assert "friend" in out + err


def test_a_byte_that_is_no_utf_8_is_read_as_u_fffd(environ, tmp_path, simulator):
    if os.name != "posix":
        pytest.skip("Windows' arguments are UTF-16")
    status, out, _ = run(environ, "generate", b"caf\xe9 au lait", "--json", cwd=tmp_path)
    assert (status, json.loads(out)["status"]) == (0, "ok")
    assert simulator.posts() == 1
    assert json.loads(run(environ, "results", "show", "latest", "--json")[1])["prompt"] == "caf\ufffd au lait"


@pytest.mark.parametrize("seed", [2**50, -1, -(2**63), 2**64 - 1])
def test_a_seed_of_another_node_buys_a_picture(shell, seed, simulator):
    assert shell("generate", "a fox", "--count", "1", f"--seed={seed}")[0] == 0
    assert shell("generate", "a fox", "--count", "1", "--seed", str(seed))[0] == 0
    assert simulator.posts() == 1


def test_a_port_that_is_taken_is_named(shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = shell("simulate", "--port", str(port))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert str(port) in err


@pytest.mark.parametrize(("variable", "value"), [("COMFYUI_PATH", "nowhere"), ("COMFYUI_PYTHON", "nowhere")])
def test_a_comfyui_that_is_not_there_is_one_line(shell, monkeypatch, tmp_path, variable, value):
    (tmp_path / "main.py").write_text("")
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    monkeypatch.setenv(variable, value)
    status, out, err = shell("demo")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert variable in err


@pytest.mark.parametrize("broken", ["timeout_s = \n", "profiles = 5\n", "\ud800", None])
@pytest.mark.parametrize("arguments", [PAID, ["check"], ["results"], ["key", "forget"]])
def test_a_broken_config_is_one_line(shell, tmp_path, arguments, broken, simulator):
    config = tmp_path / "home" / "config.toml"
    config.parent.mkdir()
    if broken is None:
        config.mkdir()
    else:
        config.write_bytes(broken.encode("utf-8", "surrogatepass"))
        config.chmod(0o600)
    status, out, err = shell(*arguments)
    assert str(config) in out + err
    assert not status or err.count("\n") <= 1
    assert simulator.posts() == 0


def test_what_nobody_foresaw_is_one_line_with_its_place(shell, monkeypatch):
    def fail(*_):
        raise ValueError("a mistake\x1b[2J")

    monkeypatch.setattr("gpt4o_image.command.check.load_config", fail)
    status, out, err = shell("check")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "ValueError: a mistake (check.py, line " in err
    monkeypatch.setitem(sys.modules, "gpt4o_image.gateway.check", None)
    status, out, err = shell("check", "--json")
    assert (status, err) == (1, "")
    assert "pip install" in json.loads(out)["error"]["message"]
