"""Where config and vault are, outside ComfyUI."""

import sys
from pathlib import Path

import pytest

from gpt4o_image import home as module
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.home import comfyui_around, home, user_path


def test_the_variable_names_it():
    assert home({"GPT4O_IMAGE_HOME": "/a/b"}) == Path("/a/b")
    assert home({"GPT4O_IMAGE_HOME": "~/b"}) == Path("~/b").expanduser()


@pytest.mark.parametrize("value", ["~nobody-of-that-name", "~nobody-of-that-name/x"])
def test_a_home_folder_that_is_not_known_is_an_error(value):
    with pytest.raises(GPT4oImageError, match="GPT4O_IMAGE_HOME") as caught:
        home({"GPT4O_IMAGE_HOME": value})
    assert (caught.value.kind, caught.value.billed) == ("config", "no")


def test_else_the_comfyui_around_the_pack(tmp_path, monkeypatch):
    pack = tmp_path / "ComfyUI" / "custom_nodes" / "pack"
    monkeypatch.setattr(module, "PACK_ROOT", pack)
    assert comfyui_around(pack) is None
    assert home({}).name == "gpt4o_image"
    pack.mkdir(parents=True)
    (tmp_path / "ComfyUI" / "main.py").write_text("")
    assert home({}) == tmp_path / "ComfyUI" / "user" / "__gpt4o_image"
    assert home({"GPT4O_IMAGE_HOME": ""}) == home({})
    assert comfyui_around(tmp_path / "ComfyUI" / "other" / "pack") is None


def test_a_user_without_a_home_folder_is_told_the_variable(monkeypatch):
    """A container's user that is in no passwd: platformdirs gives `~` back."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("~/.local/share/gpt4o_image"))
    with pytest.raises(GPT4oImageError, match="GPT4O_IMAGE_HOME"):
        home({})


def test_without_platformdirs_the_variable_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(GPT4oImageError, match="GPT4O_IMAGE_HOME"):
        home({})


def test_a_path_as_it_was_typed():
    assert user_path("~/a") == Path.home() / "a"
    assert user_path("a/~/b") == Path("a/~/b")
    assert user_path("~nobody-of-that-name/b") == Path("~nobody-of-that-name/b")
