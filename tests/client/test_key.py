"""`gpt4o-image key`: where it stores, what it asks, and that an isolated Python without our packages can run it."""

import json
import os
import subprocess
import sys

import pytest

from gpt4o_image.gateway.config import load_config

POSIX = pytest.mark.skipif(os.name != "posix", reason="terminals and modes are POSIX")


@pytest.fixture
def environ(tmp_path):
    """Without a key, a home folder of its own, and nothing that names the vault."""
    ours = ("AIHUBMIX_", "GPT4O_IMAGE_", "COMFYUI_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(tmp_path / "user"), "USERPROFILE": str(tmp_path / "user")}


@pytest.fixture
def comfyui_folder(tmp_path):
    folder = tmp_path / "ComfyUI"
    (folder / "custom_nodes").mkdir(parents=True)
    (folder / "main.py").write_text("")
    return folder


def key(environ, *arguments, stdin=b"", command=(sys.executable, "-m", "gpt4o_image")):
    done = subprocess.run([*command, "key", *arguments], env=environ, input=stdin, capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err
    return done.returncode, out, err


def stored(home):
    return load_config(home).profiles["aihubmix"].get("api_key")


def test_a_line_of_stdin_is_the_key(environ, tmp_path):
    home = tmp_path / "home"
    named = environ | {"GPT4O_IMAGE_HOME": str(home)}
    status, out, err = key(named, "set", stdin=b'  "Bearer sk-typed"\r\nmore\n')
    assert (status, out, stored(home)) == (0, "", "sk-typed")
    assert str(home / "config.toml") in err
    assert "sk-typed" not in err
    status, _, err = key(named, "forget")
    assert (status, stored(home)) == (0, None)
    assert str(home / "config.toml") in err


@pytest.mark.parametrize("stdin", [b"", b"\n", b"''\n", b"sk-a b\n", "sk-\u00e9\n".encode(), b"\xff\xfes\0k\0"])
def test_what_is_no_key_changes_nothing(environ, tmp_path, stdin):
    status, _, err = key(environ | {"GPT4O_IMAGE_HOME": str(tmp_path / "home")}, "set", stdin=stdin)
    assert status == 1
    assert "nothing was changed" in err
    assert not (tmp_path / "home").exists()


def test_an_unknown_gateway_is_told_before_anything_is_asked(environ, tmp_path):
    status, _, err = key(environ | {"GPT4O_IMAGE_HOME": str(tmp_path)}, "set", "--gateway", "elsewhere")
    assert status == 1
    assert err.count("\n") == 1
    assert 'no gateway "elsewhere"' in err


@POSIX
@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_closed_streams_end_it_plainly(environ, tmp_path, closed):
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "gpt4o_image"]
    assert key(environ | {"GPT4O_IMAGE_HOME": str(tmp_path)}, "set", command=command)[0] == 1


@POSIX
def test_a_terminal_shows_nothing_of_the_key(environ, tmp_path):
    pty = pytest.importorskip("pty")
    environ |= {"GPT4O_IMAGE_HOME": str(tmp_path)}
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-m", "gpt4o_image", "key", "set"], environ)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"sk-typed\n")
    try:
        while more := os.read(terminal, 1000):
            shown += more
    except OSError:  # Linux ends a terminal so
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert b"sk-typed" not in shown
    assert stored(tmp_path) == "sk-typed"


@pytest.mark.parametrize("named", [".", "..", "base"])
def test_a_comfyui_is_found_by_its_folder(environ, comfyui_folder, named):
    """Its own folder, the portable build's around it, or a base directory without ComfyUI's code."""
    folder = {".": comfyui_folder, "..": comfyui_folder.parent, "base": comfyui_folder}[named]
    if named == "base":
        (comfyui_folder / "main.py").unlink()
    elsewhere = environ | {"GPT4O_IMAGE_HOME": str(comfyui_folder.parent / "elsewhere")}
    status, _, err = key(elsewhere, "set", "--comfyui", str(folder), stdin=b"sk-typed\n")
    home = comfyui_folder / "user" / "__gpt4o_image"
    assert (status, stored(home)) == (0, "sk-typed")
    assert str(home / "config.toml") in err
    assert "GPT4O_IMAGE_HOME looks there" in err
    assert not (comfyui_folder.parent / "elsewhere").exists()


def test_a_folder_that_is_no_comfyui_is_refused(environ, tmp_path):
    status, _, err = key(environ, "set", "--comfyui", str(tmp_path / "nowhere"), stdin=b"sk-typed\n")
    assert status == 1
    assert f"{tmp_path / 'nowhere'} is not a ComfyUI folder" in err


def test_a_variable_that_wins_over_the_file_is_named(environ, tmp_path):
    environ |= {"GPT4O_IMAGE_HOME": str(tmp_path), "AIHUBMIX_API_KEY": "sk-other"}
    err = key(environ, "set", stdin=b"sk-typed\n")[2]
    assert "AIHUBMIX_API_KEY is set here" in err
    assert "sk-other" not in err


@POSIX
@pytest.mark.parametrize("options", [["-s"], ["-I"], ["-I", "-S"]])
def test_an_isolated_python_stores_it_for_the_comfyui_around(environ, comfyui_folder, pack_root, options):
    """Windows portable's Python finds no package by itself: the pack's folder is run. -S has no package at all."""
    pack = comfyui_folder / "custom_nodes" / "gpt4o image"  # with a blank, as hand-made installs may have
    pack.symlink_to(pack_root, target_is_directory=True)
    command = (sys.executable, *options, str(pack))
    status, _, err = key(environ, "set", stdin=b"sk-typed\n", command=command)
    assert status == 0, err
    assert stored(comfyui_folder / "user" / "__gpt4o_image") == "sk-typed"
    assert f"for the ComfyUI in {comfyui_folder}" in err
    done = subprocess.run([*command, "--version"], env=environ, capture_output=True, check=True)
    assert done.stdout.startswith(b"gpt4o-image ")


@POSIX
def test_the_other_commands_look_where_it_was_stored(environ, comfyui_folder, pack_root):
    pack = comfyui_folder / "custom_nodes" / "comfyui-gpt4o-image"
    pack.symlink_to(pack_root, target_is_directory=True)
    command = (sys.executable, "-s", str(pack))
    key(environ, "set", stdin=b"sk-typed\n", command=command)
    url = {"GPT4O_IMAGE_BASE_URL": "http://127.0.0.1:9/v1"}
    done = subprocess.run([*command, "check", "--json"], env=environ | url, capture_output=True, check=False)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert findings["key"]["ok"]
    assert str(comfyui_folder / "user" / "__gpt4o_image" / "config.toml") in findings["key"]["text"]


def test_without_a_home_folder_the_variable_is_named(environ, tmp_path):
    """A container's user without one: `~` stays as it is."""
    status, _, err = key(environ | {"GPT4O_IMAGE_HOME": "~nobody-of-that-name/x"}, "set", stdin=b"sk-typed\n")
    assert status == 1
    assert "GPT4O_IMAGE_HOME" in err
    assert not (tmp_path / "~nobody-of-that-name").exists()
