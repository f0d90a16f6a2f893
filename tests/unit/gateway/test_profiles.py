"""The config file, the keys, and which gateway a choice means."""

import os
import stat
from pathlib import Path

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway.aihubmix import BASE_URLS, PRICES_USD
from gpt4o_image.gateway.config import Config, load_config
from gpt4o_image.gateway.profiles import Gateway, bare_key, base_url, choose_gateway, has_key, locate
from gpt4o_image.urls import origin

KEY = "sk-the-key-of-the-test"
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
FULL = f"""# mine
gateway = "other"  # not AiHubMix
timeout_s = 90.5
max_parallel = 3
run_ahead = 4
daily_budget_usd = 2

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


def problem(call, *args):
    """The message of the config error that `call` raises."""
    with pytest.raises(GPT4oImageError) as caught:
        call(*args)
    assert (caught.value.kind, caught.value.billed) == ("config", "no")
    return caught.value.message


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


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
    assert base_url("aihubmix", config, {}) == BASE_URLS[0]


def test_each_setting(tmp_path):
    config = loaded(tmp_path, FULL)
    assert config.gateway == "other"
    assert config.timeout_s == 90.5
    assert config.max_parallel == 3
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
        ("timeout_s = '5'", "timeout_s must be a number above 0, not '5'"),
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
        ("gateway = 5", "names no profile"),
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
        ("[profiles.aihubmix]\nprices = [0.1]", "prices must be a table"),
        ("[profiles.aihubmix]\nprices = { x = '1' }", "prices are US dollars"),
        ("[profiles.aihubmix]\nprices = { x = true }", "prices are US dollars"),
        ("[profiles.aihubmix]\nprices = { x = nan }", "prices are US dollars"),
        ("[profiles.aihubmix]\nprices = { x = inf }", "prices are US dollars"),
        ("[profiles.aihubmix]\nprices = { x = -1 }", "prices are US dollars"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, said):
    path = written(tmp_path, text)
    message = problem(load_config, tmp_path)
    assert said in message
    assert str(path) in message


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
    message = problem(load_config, tmp_path)
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
    assert f"line {line}, column {column or ''}" in problem(load_config, tmp_path)


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
    assert KEY not in problem(load_config, tmp_path)


# Who may read it


@POSIX
@pytest.mark.parametrize("open_mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_can_reach_is_refused(tmp_path, open_mode):
    path = written(tmp_path, FULL, open_mode)
    message = problem(load_config, tmp_path)
    assert f"chmod 600 {path}" in message
    assert KEY not in message
    path.chmod(0o400)
    assert load_config(tmp_path).timeout_s == 90.5


def test_what_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert "cannot be read" in problem(load_config, tmp_path)
    (tmp_path / "config.toml").rmdir()
    written(tmp_path, b"\xff\xfe\x00")
    assert "cannot be read" in problem(load_config, tmp_path)


def test_what_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    assert "cannot be read: [Errno 13] Permission denied" in problem(load_config, tmp_path)


# Which gateway, which key


def test_the_default_gateway(tmp_path):
    config = loaded(tmp_path, FULL)
    assert choose_gateway("default", config, {}) == choose_gateway("other", config, {})
    assert choose_gateway("default", Config(tmp_path / "none"), {"AIHUBMIX_API_KEY": KEY}).name == "aihubmix"
    assert choose_gateway("default", Config(tmp_path / "none", gateway="simulator"), {}).name == "simulator"


def test_a_profile_as_a_gateway(tmp_path):
    gateway = choose_gateway("other", loaded(tmp_path, FULL), {"AIHUBMIX_API_KEY": "sk-not-for-this-one"})
    assert (gateway.name, gateway.base_urls, gateway.api_key) == ("other", ("https://gateway.example/v1",), KEY)
    assert gateway.models == ("gpt-4o-image-vip", "gpt-4o-image", "image-x")
    assert gateway.prices == {"gpt-4o-image-vip": 0.009, "gpt-4o-image": 0, "image-x": 0.02}
    assert gateway.origins == (("https", "gateway.example", 443),)


def test_aihubmix_by_default(tmp_path):
    gateway = choose_gateway("aihubmix", Config(tmp_path / "none"), {"AIHUBMIX_API_KEY": f" {KEY}\n"})
    assert gateway == Gateway("aihubmix", (BASE_URLS[0],), KEY)
    assert (gateway.models, dict(gateway.prices)) == (tuple(PRICES_USD), PRICES_USD)


def test_the_variable_goes_before_the_file(tmp_path):
    config = loaded(tmp_path, FULL)
    assert choose_gateway("aihubmix", config, {}).api_key == "sk-in-the-file"
    assert choose_gateway("aihubmix", config, {}).app_code == "CODE1"
    assert choose_gateway("aihubmix", config, {"AIHUBMIX_API_KEY": KEY}).api_key == KEY
    assert choose_gateway("aihubmix", config, {"AIHUBMIX_API_KEY": "  "}).api_key == "sk-in-the-file"


def test_the_key_of_openai_is_never_read(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert not has_key(Config(tmp_path / "none"), os.environ)
    assert KEY not in problem(choose_gateway, "aihubmix", Config(tmp_path / "none"), os.environ)


def test_a_missing_key_says_how_to_set_one(tmp_path):
    config = loaded(tmp_path, FULL.replace(f'api_key = "{KEY}"', "").replace("sk-in-the-file", "  "))
    message = problem(choose_gateway, "aihubmix", config, {})
    for words in ("AIHUBMIX_API_KEY", str(config.path), "gpt4o-image key set", "[profiles.aihubmix]", "simulator"):
        assert words in message
    assert "gpt4o-image key set --gateway other" in problem(choose_gateway, "other", config, {"AIHUBMIX_API_KEY": KEY})
    assert not has_key(config, {"AIHUBMIX_API_KEY": KEY})
    assert has_key(loaded(tmp_path, FULL), {})


@pytest.mark.parametrize("key", ["sk a", "sk-\u00e9", "sk-\u3042", "sk-\x00", "sk-\x1b[0m", "sk\nx", "\u2026"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_quoted(tmp_path, key):
    message = problem(choose_gateway, "aihubmix", Config(tmp_path / "none"), {"AIHUBMIX_API_KEY": key})
    assert "characters that no key has" in message
    assert key not in message


def test_the_base_url_variable(tmp_path):
    config = loaded(tmp_path, FULL)
    environ = {"AIHUBMIX_API_KEY": KEY, "GPT4O_IMAGE_BASE_URL": " http://127.0.0.1:8811/v1/ "}
    assert choose_gateway("aihubmix", config, environ).base_urls == ("http://127.0.0.1:8811/v1",)
    assert choose_gateway("aihubmix", config, environ).origins == (("http", "127.0.0.1", 8811),)
    assert choose_gateway("other", config, environ).base_urls == ("https://gateway.example/v1",)
    assert locate("simulator", config, environ) == ("simulator", "")
    message = problem(locate, "aihubmix", config, {"GPT4O_IMAGE_BASE_URL": "https://me:hunter2@x/v1"})
    assert "GPT4O_IMAGE_BASE_URL" in message
    assert "hunter2" not in message


def test_the_file_may_move_aihubmix(tmp_path):
    config = loaded(tmp_path, "[profiles.aihubmix]\nbase_url = 'https://api.aihubmix.com/v1'\n")
    assert base_url("aihubmix", config, {}) == "https://api.aihubmix.com/v1"


def test_an_unknown_gateway(tmp_path):
    message = problem(choose_gateway, "elsewhere", loaded(tmp_path, FULL), {})
    assert 'There is no gateway "elsewhere". Choose one of default, aihubmix, other, simulator.' in message


def test_the_simulator_needs_nothing(tmp_path):
    gateway = choose_gateway("simulator", Config(tmp_path / "none"), {"GPT4O_IMAGE_BASE_URL": "nonsense"})
    assert gateway.base_urls == ()
    assert gateway.api_key


def test_nothing_shows_the_key(tmp_path):
    config = loaded(tmp_path, FULL)
    gateway = choose_gateway("other", config, {})
    for shown in (repr(config), str(config), repr(gateway), str(gateway), f"{gateway}"):
        assert KEY not in shown
        assert "sk-in-the-file" not in shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Gateway.Example/v1", ("https", "gateway.example", 443)),
        ("HTTP://gateway.example", ("http", "gateway.example", 80)),
        ("http://[::1]:8811/v1", ("http", "::1", 8811)),
    ],
)
def test_origins(url, expected):
    assert origin(url) == expected


@pytest.mark.parametrize(
    "copied",
    [
        "sk-a",
        "  sk-a\r\n",
        '"sk-a"',
        "'sk-a'",
        "\u201csk-a\u201d",
        "Bearer sk-a",
        'bearer   "sk-a"',
        '"Bearer sk-a"',
        "\ufeffsk-a\u00a0",
        "`sk-a`",
    ],
)
def test_what_was_copied_around_a_key_is_taken_off(tmp_path, copied):
    assert bare_key(copied) == "sk-a"
    assert choose_gateway("aihubmix", Config(tmp_path / "config.toml"), {"AIHUBMIX_API_KEY": copied}).api_key == "sk-a"
    in_file = Config(tmp_path / "config.toml", profiles={"aihubmix": {"api_key": copied}})
    assert choose_gateway("aihubmix", in_file, {}).api_key == "sk-a"


@pytest.mark.parametrize("nothing", ["", '""', " ' ' ", "Bearer", "Bearer ''"])
def test_quotes_around_nothing_are_no_key(tmp_path, nothing):
    assert not has_key(Config(tmp_path / "config.toml"), {"AIHUBMIX_API_KEY": nothing})
