"""openai as this Python has it, and the command that installs it into exactly this Python."""

import importlib.util
import re
import shutil
import sys
import types
from pathlib import Path

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway import sdk
from gpt4o_image.gateway.sdk import REQUIREMENT, install_command, openai_sdk


def problem():
    with pytest.raises(GPT4oImageError) as caught:
        openai_sdk()
    assert (caught.value.kind, caught.value.billed) == ("config", "no")
    return caught.value.message


def test_the_one_that_is_here():
    assert openai_sdk().AsyncOpenAI
    assert sdk.httpx_of(openai_sdk()).AsyncClient


def test_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    message = problem()
    assert message.startswith("The Python package openai is not installed. Run this command, then start again: ")
    assert f'"{sys.executable}"' in message
    assert f'"{REQUIREMENT}"' in message


@pytest.mark.parametrize(
    ("version", "fine"),
    [("0.28.1", False), ("1.3.9", False), ("1.29.0", False), ("1.30.0", True), ("1.109.1", True), ("3.57.0", True)],
)
def test_versions(monkeypatch, version, fine):
    monkeypatch.setitem(sys.modules, "openai", types.SimpleNamespace(__version__=version))
    if fine:
        assert openai_sdk().__version__ == version
    else:
        assert f"openai is {version}, too old: 1.30 or newer is needed" in problem()


def test_a_version_that_only_an_inner_module_tells(monkeypatch):
    old = types.SimpleNamespace(version=types.SimpleNamespace(VERSION="0.27.8"))
    monkeypatch.setitem(sys.modules, "openai", old)
    assert "openai is 0.27.8, too old" in problem()


def test_no_version_at_all(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", types.SimpleNamespace())
    assert "openai is unknown, too old" in problem()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ModuleNotFoundError("No module named 'jiter'", name="jiter"), "because the package jiter is missing"),
        (ImportError("cannot import name 'x'"), "cannot be loaded (ImportError: cannot import name 'x')"),
        (TypeError("unexpected keyword"), "cannot be loaded (TypeError: unexpected keyword)"),
    ],
)
def test_one_that_does_not_load(monkeypatch, fault, said):
    def fail(_):
        raise fault

    monkeypatch.setattr(importlib, "import_module", fail)
    assert said in problem()


def test_the_requirement_is_the_same_everywhere(pack_root):
    for file in ("requirements.txt", "pyproject.toml"):
        assert REQUIREMENT in (pack_root / file).read_text("utf-8")
    assert re.search(r">=(\d+)\.(\d+)", REQUIREMENT).groups() == tuple(map(str, sdk._FLOOR))


# How to install


@pytest.fixture
def no_uv(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)


def test_a_venv():
    python = Path("/home/me/ComfyUI/.venv/bin/python")
    assert install_command(python, "x>=1", has_pip=True) == f'"{python}" -m pip install "x>=1"'
    assert install_command(python, Path("a b.txt"), has_pip=True) == f'"{python}" -m pip install -r "a b.txt"'


@pytest.mark.parametrize("layout", ["python_embeded", "another name"])
def test_the_portable_folder_of_windows(tmp_path, layout):
    folder = tmp_path / layout
    folder.mkdir()
    if layout != "python_embeded":
        (folder / "python312._pth").touch()
    python = folder / "python.exe"
    assert install_command(python, "x", has_pip=True) == f'"{python}" -s -m pip install "x"'


def test_an_environment_of_uv_has_no_pip(no_uv, tmp_path):
    python = tmp_path / "bin" / "python"
    assert install_command(python, "x", has_pip=False) == f'uv pip install --python "{python}" "x"'


def test_a_uv_beside_the_python(no_uv, tmp_path):
    beside = tmp_path / ("uv.exe" if sys.platform == "win32" else "uv")
    beside.touch()
    assert install_command(tmp_path / "python", "x", has_pip=False).startswith(f'"{beside}" pip install --python ')


@pytest.mark.parametrize("own", ["uv/win/uv.exe", "uv/macos/uv"])
def test_comfyui_desktop_ships_a_uv(no_uv, tmp_path, monkeypatch, own):
    resources = tmp_path / "ComfyUI.app" / "Contents" / "Resources"
    (resources / own).parent.mkdir(parents=True)
    (resources / own).touch()
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(resources / "ComfyUI" / "main.py"), raising=False)
    command = install_command(Path("/Users/me/Documents/ComfyUI/.venv/bin/python"), "x", has_pip=False)
    assert command.startswith(f'"{resources / own}" pip install --python "')


def test_without_word_of_pip_this_python_is_looked_at():
    assert install_command(Path(sys.executable), "x") == install_command(
        Path(sys.executable), "x", has_pip=importlib.util.find_spec("pip") is not None
    )
