"""What the browser gets of results and settings, without HTTP."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway.config import Config, load_config
from gpt4o_image.sidebar.feed import Redactor, detail, item, status
from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.results import File, Result
from gpt4o_image.vault.vault import NewResult, Vault

ADDRESS = "https://host.test/cdn/a.png"
KEY = "sk-0123456789abcdef"


@pytest.fixture
def config(tmp_path):
    return Config(
        tmp_path / "home" / "config.toml", profiles={"own": {"api_key": "own-key-1", "base_url": "https://h"}}
    )


@pytest.fixture
def hide(config):
    return Redactor(config, {"AIHUBMIX_API_KEY": KEY})


RESULT = Result("id", 1.5, "saved", "aihubmix", "m", "p" * 1000, 0.009, "yes", None, {}, number=7, has_graph=True)


def stored(tmp_path, number):
    path = tmp_path / f"{number}.png"
    path.write_bytes(b"x")
    return File(number, "ab", path, ADDRESS)


def test_a_saved_result(tmp_path, hide):
    pictures = (Picture(0, ADDRESS, ""), Picture(1, ADDRESS + "2", ""))
    told = item(replace(RESULT, pictures=pictures, files=(stored(tmp_path, 1),)), hide)
    assert (told["state"], told["pictures"], told["stored"]) == ("saved", 2, [1])
    assert (told["number"], told["created"], told["has_graph"], len(told["prompt"])) == (7, 1.5, True, 300)


def test_a_file_that_was_deleted_by_hand_is_not_among_the_stored_ones(tmp_path, hide):
    gone = File(0, "ab", tmp_path / "gone.png", ADDRESS)
    told = item(replace(RESULT, pictures=(Picture(0, ADDRESS, ""),), files=(gone,)), hide)
    assert (told["pictures"], told["stored"]) == (1, [])


def test_bytes_that_nothing_here_decodes_are_no_picture_to_show(tmp_path, hide):
    told = item(replace(RESULT, state="unread", files=(replace(stored(tmp_path, 0), readable=False),)), hide)
    assert (told["state"], told["pictures"], told["stored"]) == ("unread", 1, [])


def test_links_of_a_call_that_broke_off(hide):
    told = item(replace(RESULT, state="links", links=(Link(ADDRESS, "", 0),)), hide)
    assert (told["state"], told["pictures"]) == ("links", 1)
    told = item(replace(RESULT, state="failed", verdict="failed", links=(Link(ADDRESS, "", 0),)), hide)
    assert (told["state"], told["pictures"]) == ("failed", 0)


def test_a_choice_is_named_as_on_the_node(hide):
    told = item(replace(RESULT, prompt="a <b>fox</b>\nin the fog"), hide)
    assert told["choice"] == "id | a b>fox/b> in the fog"


def test_a_percentage_belongs_to_a_running_call(hide):
    assert item(replace(RESULT, state="running"), hide, 42)["percent"] == 42
    assert item(RESULT, hide, 42)["percent"] is None


def test_an_error_is_told_by_its_first_line_and_whole(config, hide):
    error = {"kind": "refused", "message": "x" * 400 + "\nsecond", "gateway_text": "their words"}
    told = detail(replace(RESULT, error=error), hide)
    assert (told["kind"], told["message"], told["gateway_text"]) == ("refused", error["message"], "their words")
    short = item(replace(RESULT, error=error), hide)["message"]
    assert len(short) <= 300
    assert short.startswith("xxx")


def test_warnings_come_once(hide):
    told = detail(replace(RESULT, details={"warnings": ["a", "b"]}), hide, warnings=("b", "c"))
    assert told["warnings"] == ["a", "b", "c"]


def test_folders_and_keys_are_left_out(config, hide, tmp_path, monkeypatch):
    vault, folder = config.vault, config.path.parent
    assert hide(f"{config.path}: line 1") == "config.toml: line 1"
    assert hide(f"no space: '{vault}/files/a.png'") == "no space: 'its folder/files/a.png'"
    assert hide(f"GPT4O_IMAGE_HOME={folder}, {Path.home()}/x") == "GPT4O_IMAGE_HOME=the folder of config.toml, ~/x"
    assert hide(f"{KEY} and own-key-1") == "*** and ***"
    assert hide("https://host.test/cdn/a.png stays") == "https://host.test/cdn/a.png stays"


def test_a_folder_that_is_a_link_is_left_out_by_both_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    hide = Redactor(Config(tmp_path / "link" / "config.toml"), {})
    assert str(tmp_path) not in hide(f"{tmp_path}/link/vault and {tmp_path}/real/vault/files")


def test_a_home_at_the_root_does_not_eat_every_slash(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert Redactor(Config(Path("/config.toml")), {})("a / b and https://h/x") == "a / b and https://h/x"


def test_the_status_counts_what_was_spent(config):
    vault = Vault(config.vault)
    result = vault.claim(NewResult("k", "own", "m", "p", 0.25), reuse=False, daily_budget_usd=None).result
    told = status(replace(config, gateway="own", daily_budget_usd=2.5), {}, "default")
    assert result.id
    assert (told["gateway"], told["has_key"], told["key_variable"]) == ("own", True, None)
    assert (told["spent_today_usd"], told["spent_usd"], told["total"]) == (0.25, 0.25, 1)
    assert (told["daily_budget_usd"], told["problem"]) == (2.5, None)


def test_a_config_that_cannot_be_read_is_a_problem(config):
    problem = GPT4oImageError("config", f"{config.path}: line 1, column 2: no")
    told = status(Config(config.path, problem=problem), {"AIHUBMIX_API_KEY": KEY}, "default")
    assert told["problem"] == {"kind": "config", "message": "config.toml: line 1, column 2: no"}
    assert (told["gateway"], told["has_key"]) == ("aihubmix", True)


def test_a_vault_that_cannot_be_read_is_a_problem(config):
    config.vault.mkdir(parents=True)
    (config.vault / "vault.sqlite3").write_bytes(b"garbage" * 1000)
    told = status(config, {}, "default")
    assert told["problem"]["kind"] == "config"
    assert told["problem"]["message"].startswith("The vault in its folder cannot be read")
    assert told["total"] == 0


def test_an_address_that_is_none_is_a_problem(tmp_path):
    config = load_config(tmp_path)
    told = status(config, {"GPT4O_IMAGE_BASE_URL": "nowhere"}, "default")
    assert "base_url must look like" in told["problem"]["message"]
    assert told["gateway"] == "aihubmix"
