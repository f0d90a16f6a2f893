"""Which gateway a choice means, where it is, and its key."""

import os

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway.aihubmix import BASE_URLS, PRICES_USD
from gpt4o_image.gateway.config import Config, load_config
from gpt4o_image.gateway.profiles import Gateway, bare_key, base_urls, choose_gateway, has_key, locate, own_origins
from gpt4o_image.urls import origin

KEY = "sk-the-key-of-the-test"
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
FULL = f"""# mine
gateway = "other"  # not AiHubMix
timeout_s = 90.5
max_parallel = 3
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


def problem(call, *args):
    """The message of the config error that `call` raises."""
    with pytest.raises(GPT4oImageError) as caught:
        call(*args)
    assert (caught.value.kind, caught.value.billed) == ("config", "no")
    return caught.value.message


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
    assert gateway == Gateway("aihubmix", BASE_URLS, KEY)
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
    assert "characters that no key can have" in message
    assert key not in message


def test_the_base_url_variable(tmp_path):
    config = loaded(tmp_path, FULL)
    environ = {"AIHUBMIX_API_KEY": KEY, "GPT4O_IMAGE_BASE_URL": " http://127.0.0.1:8811/v1/ "}
    assert choose_gateway("aihubmix", config, environ).base_urls == ("http://127.0.0.1:8811/v1",)
    assert choose_gateway("aihubmix", config, environ).origins == (("http", "127.0.0.1", 8811),)
    assert choose_gateway("other", config, environ).base_urls == ("https://gateway.example/v1",)
    assert locate("simulator", config, environ) == ("simulator", ())
    message = problem(locate, "aihubmix", config, {"GPT4O_IMAGE_BASE_URL": "https://me:hunter2@x/v1"})
    assert "GPT4O_IMAGE_BASE_URL" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "value", ["https://a.example/v1,https://b.example/v1/", '"https://a.example/v1 https://b.example/v1"']
)
def test_the_variable_may_name_several(tmp_path, value):
    urls = base_urls("aihubmix", Config(tmp_path / "none"), {"GPT4O_IMAGE_BASE_URL": value})
    assert urls == ("https://a.example/v1", "https://b.example/v1")


def test_a_profile_may_have_backups(tmp_path):
    config = loaded(tmp_path, "[profiles.a]\nbase_urls = ['https://a.example/v1/', 'http://10.0.0.2/v1']\n")
    assert base_urls("a", config, {}) == ("https://a.example/v1", "http://10.0.0.2/v1")
    assert own_origins("a", config, {}) == (("https", "a.example", 443), ("http", "10.0.0.2", 80))


def test_a_bad_file_is_raised_by_who_would_send(tmp_path):
    config = loaded(tmp_path, "gateway = = 'other'")
    for name in ("default", "aihubmix", "other"):
        assert "config.toml: line 1" in problem(choose_gateway, name, config, {"AIHUBMIX_API_KEY": KEY})
    assert choose_gateway("simulator", config, {}).name == "simulator"


def test_the_file_may_move_aihubmix(tmp_path):
    config = loaded(tmp_path, "[profiles.aihubmix]\nbase_url = 'https://api.aihubmix.com/v1'\n")
    assert base_urls("aihubmix", config, {}) == ("https://api.aihubmix.com/v1",)


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
