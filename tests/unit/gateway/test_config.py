"""The config file: what it says, what is wrong with it, and who may read it."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpt4o_image.gateway.config import Config, load_config

KEY = "sk-the-key-of-the-test"
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
FULL = f"""# mine
gateway = "other"  # not AiHubMix
timeout_s = 90.5
max_parallel = 3
max_parallel_all = 9
run_ahead = 4
daily_budget_usd = 2
wait_when_limited = true
vault = "postgresql://db.example/gpt4o"
files = "/mnt/share"

[artist_names]
"Jane Doe" = "linocut style"

[profiles.aihubmix]
api_key = "sk-in-the-file"
app_code = "CODE1"

[profiles.other]  # the other
base_url = "https://gateway.example/v1/"
api_key = "{KEY}"
models = ["image-x", "gpt-4o-image"]
prices = {{ image-x = 0.02, gpt-4o-image = 0 }}
"""


def written(home, text, mode=0o600):
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def loaded(home, text):
    written(home, text)
    return load_config(home)


def wrong(home):
    """What is wrong with the file, as the message of the error that a paid call raises."""
    error = load_config(home).problem
    assert (error.kind, error.billed) == ("config", "no")
    return error.message


# What the file says


def test_no_file_means_the_defaults(tmp_path):
    config = load_config(tmp_path / "nowhere")
    assert config == Config(tmp_path / "nowhere" / "config.toml")
    assert (config.gateway, config.timeout_s, config.max_parallel, config.daily_budget_usd) == (
        "aihubmix", 600.0, 16, None,
    )  # fmt: skip
    assert config.gateway_names() == ["default", "aihubmix", "simulator"]
    assert config.models() == ["gpt-4o-image-vip", "gpt-4o-image"]
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff", "[profiles]\n", "[profiles.aihubmix]\n"])
def test_an_empty_file_means_the_defaults(tmp_path, text):
    config = loaded(tmp_path, text)
    assert (config.gateway, config.timeout_s) == ("aihubmix", 600.0)


def test_each_setting(tmp_path):
    config = loaded(tmp_path, FULL)
    assert config.problem is None
    assert config.wait_when_limited is True
    assert config.vault_url == "postgresql://db.example/gpt4o"
    assert config.files == Path("/mnt/share")
    assert config.gateway == "other"
    assert config.timeout_s == 90.5
    assert config.max_parallel == 3
    assert config.max_parallel_all == 9
    assert config.run_ahead == 4
    assert config.daily_budget_usd == 2
    assert config.artist_names == {"Jane Doe": "linocut style"}
    assert config.gateway_names() == ["default", "aihubmix", "other", "simulator"]
    assert config.models() == ["gpt-4o-image-vip", "gpt-4o-image", "image-x"]
    assert config.vault == tmp_path / "vault"


def test_a_mark_in_front_of_the_file_is_no_part_of_it(tmp_path):
    assert loaded(tmp_path, "\ufeff" + FULL).timeout_s == 90.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeout = 5", 'unknown setting "timeout"; known are gateway, timeout_s'),
        (
            "[profiles.other]\nurl = 'https://gateway.example'",
            'profile other: unknown setting "url"; known are base_url',
        ),
        ("timeout_s = '5'", "timeout_s must be a number above 0"),
        ("timeout_s = true", "timeout_s must be a number"),
        ("timeout_s = nan", "timeout_s must be a number above 0, not nan"),
        ("timeout_s = inf", "timeout_s must be a number above 0, not inf"),
        ("timeout_s = 0", "timeout_s must be a number above 0, not 0"),
        ("timeout_s = -1", "above 0"),
        ("timeout_s = 2025-01-01", "timeout_s must be a number"),
        ("timeout_s = 1" + 400 * "0", "timeout_s must be a number"),
        ("max_parallel = 2.5", "max_parallel must be a whole number above 0, not 2.5"),
        ("max_parallel = true", "max_parallel must be a whole number"),
        ("run_ahead = -1", "run_ahead must be a whole number, 0 for none, not -1"),
        ("run_ahead = true", "run_ahead must be a whole number, 0 for none, not True"),
        ("daily_budget_usd = -inf", "daily_budget_usd must be a number"),
        ("daily_budget_usd = []", "daily_budget_usd must be a number"),
        ("gateway = 'elsewhere'", 'gateway = "elsewhere" names no profile; known are aihubmix, simulator'),
        ("gateway = 'default'", 'gateway = "default" names no profile'),
        ("gateway = 5", "gateway must be the name of a profile in quotes, not 5"),
        ("wait_when_limited = 'yes'", "wait_when_limited must be true or false"),
        ("wait_when_limited = 1", "wait_when_limited must be true or false, not 1"),
        ("vault = 'mysql://me:hunter2@db/x'", "vault must be the address of a database in quotes, postgresql://..."),
        ("files = ''", "files must be a folder in quotes"),
        ("[profiles.aihubmix]\nbase_urls = []", "base_urls must be a list like"),
        ("[profiles.aihubmix]\nbase_urls = 'https://a.example'", "base_urls must be a list like"),
        ("[profiles.a]\nbase_url = 'https://a.example'\nbase_urls = ['https://a.example']", "in place of base_url"),
        ("[profiles.aihubmix]\nbase_urls = ['https://a.example', 'b.example']", "base_url must look like"),
        ("artist_names = 'Jane Doe'", "artist_names must be a table"),
        ("artist_names = { 'Jane Doe' = 5 }", 'artist_names: "Jane Doe" needs a text'),
        ("artist_names = { 'Jane Doe' = ' ' }", 'artist_names: "Jane Doe" needs a text'),
        ("profiles = 5", "profiles must be a table"),
        ("profiles.other = 'https://gateway.example'", "profile other must be a table: [profiles.other]"),
        ("[profiles.default]\nbase_url = 'https://gateway.example'", "cannot be a profile"),
        ("[profiles.other]", "profile other: base_url must look like"),
        ("[profiles.other]\nbase_url = 5", "profile other: base_url must be a text in quotes"),
        ("[profiles.aihubmix]\napi_key = 5", "profile aihubmix: api_key must be a text in quotes"),
        ("[profiles.aihubmix]\napp_code = ['x']", "app_code must be a text in quotes"),
        ("[profiles.aihubmix]\nmodels = 'x'", "models must be a list of names"),
        ("[profiles.aihubmix]\nmodels = ['x', 5]", "models must be a list of names"),
        ("[profiles.aihubmix]\nmodels = ['']", "models must be a list of names"),
        ("[profiles.aihubmix]\nmodels = ['x', '<img src=x>']", 'must not contain "<"'),
        ("[profiles.'<b>']\nbase_url = 'https://gateway.example'", 'must not contain "<"'),
        ("[profiles.aihubmix]\nprices = [0.1]", "prices must be a table"),
        ("[profiles.aihubmix]\nprices = { x = '1' }", "prices must be US dollars"),
        ("[profiles.aihubmix]\nprices = { x = true }", "prices must be US dollars"),
        ("[profiles.aihubmix]\nprices = { x = nan }", "prices must be US dollars"),
        ("[profiles.aihubmix]\nprices = { x = inf }", "prices must be US dollars"),
        ("[profiles.aihubmix]\nprices = { x = -1 }", "prices must be US dollars"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, said):
    path = written(tmp_path, text)
    message = wrong(tmp_path)
    assert said in message
    assert str(path) in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway.example/v1",
        "ftp://gateway.example",
        "https://",
        "https:///v1",
        "https://gateway.example:99999",
        "https://[::1",
        "https://user:hunter2@gateway.example",
        "https://gateway.example/v1?key=hunter2",
        "https://gateway.example/v1#hunter2",
        "https://gate way.example",
        " https://gateway.example",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_quoted(tmp_path, url):
    written(tmp_path, f"[profiles.other]\nbase_url = '{url}'\n")
    message = wrong(tmp_path)
    assert "base_url must look like" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("timeout_s = 5\nmax_parallel = = 3\n", 2, 16),
        ("timeout_s = 5\n\n[profiles\n", 3, 10),
        ("gateway = other\n", 1, 11),
        ("timeout_s = 5\ntimeout_s = 6\n", 2, None),
    ],
)
def test_malformed_toml_gives_line_and_column(tmp_path, text, line, column):
    written(tmp_path, text)
    assert f"line {line}, column {column or ''}" in wrong(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        f"api_key {KEY} x = 1",
        f"api_key = '{KEY}",
        f"api_key: {KEY}",
        f"[x] {KEY}",
        f'a = "{KEY}" b',
        f'"{KEY}"=1\n"{KEY}"=2',
    ],
)
def test_malformed_toml_shows_no_key(tmp_path, text):
    written(tmp_path, text)
    assert KEY not in wrong(tmp_path)


# Who may read it


@POSIX
@pytest.mark.parametrize("open_mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_read_sends_nothing(tmp_path, open_mode):
    path = written(tmp_path, FULL, open_mode)
    message = wrong(tmp_path)
    assert f"chmod 600 {path}" in message
    assert KEY not in message
    path.chmod(0o400)
    assert load_config(tmp_path).problem is None


@POSIX
def test_its_settings_are_known_all_the_same(tmp_path):
    """For reading results: the vault, the list of gateways."""
    written(tmp_path, FULL, 0o644)
    config = load_config(tmp_path)
    assert config.understood
    assert config == replace(loaded(tmp_path, FULL), problem=None)


@POSIX
@pytest.mark.parametrize("text", ["timeout_s = 5", "[profiles.aihubmix]\napi_key = ''\nmodels = ['x']"])
def test_a_file_without_a_key_may_be_open(tmp_path, text):
    written(tmp_path, text, 0o666)
    assert load_config(tmp_path).problem is None


@POSIX
def test_modes_mean_nothing_where_files_have_none(tmp_path, monkeypatch):
    """exFAT, SMB, WSL's /mnt/c: every file has the same mode, whatever was asked for."""
    written(tmp_path, FULL, 0o777)
    real = os.fstat

    def wide_open(handle):
        mode, *others = real(handle)
        return os.stat_result((mode | 0o777, *others))

    monkeypatch.setattr(os, "fstat", wide_open)
    assert load_config(tmp_path).problem is None
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_what_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert "cannot be read" in wrong(tmp_path)


@POSIX
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.toml")
    assert "cannot be read: it is not a file" in wrong(tmp_path)


@pytest.mark.parametrize("code", ["a\\nb", " a", "a\\u0000", "\u7801"])
def test_an_app_code_that_no_header_can_hold_is_refused(tmp_path, code):
    written(tmp_path, f'[profiles.aihubmix]\napp_code = "{code}"\n')
    assert "app_code must be of ASCII" in wrong(tmp_path)


def test_what_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    assert "cannot be read: Permission denied" in wrong(tmp_path)


def test_a_file_that_is_not_understood_gives_the_defaults(tmp_path):
    path = written(tmp_path, "[profiles.aihubmix]\napi_key = 'sk-a'\napi_key = 'sk-b'\n")
    config = load_config(tmp_path)
    assert not config.understood
    assert config == Config(path)
    assert f"{path}: line 3, column " in wrong(tmp_path)


def test_a_python_without_a_reader_of_toml_is_told_how_to_get_one(tmp_path, monkeypatch):
    written(tmp_path, "timeout_s = 5")
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    assert "this Python needs the package tomli: " in wrong(tmp_path)
