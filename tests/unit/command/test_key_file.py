"""The key in config.toml: written, removed, and nothing else of the file touched."""

import os
import stat
import sys
from pathlib import Path

import pytest

from gpt4o_image.command.key_file import open_to_others, set_key
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway.config import load_config
from gpt4o_image.gateway.profiles import choose_gateway, has_key
from gpt4o_image.gateway.sdk import install_command

KEY = "sk-the-key-of-the-test"
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
FULL = f"""# mine
timeout_s = 90.5

[artist_names]
"Jane Doe" = "linocut style"

[profiles.aihubmix]
api_key = "sk-in-the-file"
app_code = "CODE1"

[profiles.other]  # the other
base_url = "https://gateway.example/v1/"
api_key = "{KEY}"
models = ["image-x", "gpt-4o-image"]
"""


def written(home, text):
    path = home / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def problem(*args):
    """The message of the config error that `set_key` raises."""
    with pytest.raises(GPT4oImageError) as caught:
        set_key(*args)
    assert (caught.value.kind, caught.value.billed) == ("config", "no")
    return caught.value.message


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_setting_a_key_makes_the_file(tmp_path):
    home = tmp_path / "new" / "home"
    path = set_key(home, "aihubmix", KEY)
    assert path == home / "config.toml"
    assert choose_gateway("default", load_config(home), {}).api_key == KEY
    assert list(home.iterdir()) == [path]
    if os.name == "posix":
        assert mode(path) == 0o600


@POSIX
def test_the_key_is_never_readable_by_others(tmp_path):
    """Neither by a wide umask nor because an interrupted run left its file behind."""
    stale = tmp_path / "config.new"
    stale.write_text("")
    stale.chmod(0o666)
    before = os.umask(0)
    try:
        assert mode(set_key(tmp_path, "aihubmix", KEY)) == 0o600
    finally:
        os.umask(before)
    assert not stale.exists()


def test_setting_and_forgetting_keeps_all_else(tmp_path):
    path = written(tmp_path, FULL)
    set_key(tmp_path, "other", "sk-new")
    assert path.read_text() == FULL.replace(KEY, "sk-new")
    set_key(tmp_path, "other", None)
    assert path.read_text() == FULL.replace(f'api_key = "{KEY}"\n', "")
    assert not has_key(load_config(tmp_path), {}, "other")
    set_key(tmp_path, "aihubmix", None)
    assert "sk-in-the-file" not in path.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "# only a comment\n",
        "timeout_s = 5 # five\n[artist_names]\na = 'b'\n",
        "profiles = { other = { base_url = 'https://gateway.example' } } # inline\n",
        "profiles.other.base_url = 'https://gateway.example' # dotted\n",
        "[profiles.aihubmix.prices] # sub\nx = 1\n",
        "[profiles.a]\nbase_url = 'https://a.example'\n# c\n[artist_names]\nx = 'y'\n[profiles.b]\nbase_url = 'https://b.example'",
    ],
)
def test_a_key_fits_into_any_file(tmp_path, text):
    written(tmp_path, text)
    before = load_config(tmp_path)
    set_key(tmp_path, "aihubmix", KEY)
    after = load_config(tmp_path)
    assert choose_gateway("aihubmix", after, {}).api_key == KEY
    assert after.gateway_names() == before.gateway_names() or set(after.profiles) - set(before.profiles) == {"aihubmix"}
    for line in text.splitlines():
        if "#" in line:
            assert line[line.index("#") :] in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize("key", ['sk-"quoted"x', "sk-back\\slash", "sk-'single'x", "sk-]=#[x"])
def test_any_key_comes_back_as_it_was_set(tmp_path, key):
    set_key(tmp_path, "aihubmix", key)
    assert choose_gateway("aihubmix", load_config(tmp_path), {}).api_key == key


def test_forgetting_what_was_never_set_writes_nothing(tmp_path):
    set_key(tmp_path / "new", "aihubmix", None)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["elsewhere", "simulator", "default"])
def test_only_a_profile_takes_a_key(tmp_path, name):
    message = problem(tmp_path, name, KEY)
    assert f'There is no gateway "{name}" that takes a key. Choose one of aihubmix.' in message
    assert KEY not in message
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_not_overwritten(tmp_path):
    path = written(tmp_path, "timeout_s = = 5")
    assert "line 1, column" in problem(tmp_path, "aihubmix", KEY)
    assert path.read_text() == "timeout_s = = 5"


def test_a_mark_in_front_of_the_file_is_no_part_of_it(tmp_path):
    written(tmp_path, "\ufeff" + FULL)
    set_key(tmp_path, "aihubmix", "sk-new")
    assert load_config(tmp_path).profiles["aihubmix"]["api_key"] == "sk-new"


@POSIX
def test_a_file_that_is_a_link_stays_one(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "config.toml").symlink_to(tmp_path / "dotfiles" / "config.toml")
    path = set_key(tmp_path, "aihubmix", KEY)
    assert path.is_symlink()
    assert KEY in (tmp_path / "dotfiles" / "config.toml").read_text()


@pytest.mark.parametrize("text", [None, "", "# only a comment\n", "timeout_s = 5", "[artist_names]\na = 'b'\n"])
def test_a_first_key_needs_no_tomlkit(tmp_path, monkeypatch, text):
    """ComfyUI does not bring it."""
    if text is not None:
        written(tmp_path, text)
        load_config(tmp_path)  # before 3.11 tomlkit reads it
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    if text and sys.version_info < (3, 11):
        pytest.skip("this Python needs tomlkit to read the file")
    path = set_key(tmp_path, "aihubmix", KEY)
    assert path.read_text().startswith(text or "[profiles.aihubmix]")
    monkeypatch.undo()
    assert choose_gateway("aihubmix", load_config(tmp_path), {}).api_key == KEY


@pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python needs tomlkit to read the file")
@pytest.mark.parametrize("before", ["", "# mine\ntimeout_s = 5\n\n"])
@pytest.mark.parametrize("after", ["", 'app_code = "X"\n\n[profiles.other]\nbase_url = "https://other.example/v1"\n'])
def test_a_key_that_was_mistyped_needs_no_tomlkit(tmp_path, monkeypatch, before, after):
    text = f'{before}[profiles.aihubmix]\n  api_key="sk-wrong" # typed\n{after}'
    path = written(tmp_path, text)
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    set_key(tmp_path, "aihubmix", KEY)
    assert path.read_text() == f'{before}[profiles.aihubmix]\napi_key = "{KEY}"\n{after}'
    set_key(tmp_path, "aihubmix", None)
    assert path.read_text() == f"{before}[profiles.aihubmix]\n{after}"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python needs tomlkit to read the file")
@pytest.mark.parametrize("text", [FULL, "profiles = {}\n", "[profiles]\n"])
def test_what_needs_tomlkit_says_so_and_changes_nothing(tmp_path, monkeypatch, text):
    path = written(tmp_path, text)
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    message = problem(tmp_path, "aihubmix", "sk-new")
    assert install_command(Path(sys.executable), "tomlkit") in message
    assert "by hand" in message
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "home").write_text("a file")
    assert str(tmp_path / "home" / "config.toml") in problem(tmp_path / "home", "aihubmix", KEY)


@POSIX
def test_a_file_system_without_modes_is_noticed(tmp_path):
    path = set_key(tmp_path, "aihubmix", KEY)
    assert not open_to_others(path)
    path.chmod(0o777)  # what WSL, exFAT and SMB show whatever was asked for
    assert open_to_others(path)
