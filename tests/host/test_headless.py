"""Where the ComfyUI is found, and what a headless one does when something is wrong."""

import sys
from pathlib import Path

import pytest

from gpt4o_image.command.comfyui import ComfyUI, find_comfyui
from gpt4o_image.command.headless import HeadlessComfyUI, missing_modules
from gpt4o_image.errors import GPT4oImageError


def make_comfyui(path, version="0.33.0"):
    path.mkdir(parents=True)
    (path / "main.py").touch()
    (path / "comfyui_version.py").write_text(f'# generated\n__version__ = "{version}"\n')
    return path


@pytest.fixture
def home(tmp_path):
    """An environment whose home folder is empty."""
    return {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}


def test_none_is_found_where_there_is_none(tmp_path, home):
    assert find_comfyui(tmp_path / "pack", home) is None


def test_the_named_one_comes_first(tmp_path, home):
    around = make_comfyui(tmp_path / "around")
    named = make_comfyui(tmp_path / "named", "0.10.0")
    found = find_comfyui(around / "custom_nodes" / "pack", {**home, "COMFYUI_PATH": str(named)})
    assert found == ComfyUI(named, Path(sys.executable), "0.10.0")


def test_then_the_one_around_the_pack_then_the_default_workspace(tmp_path, home):
    parent = Path(home["HOME"])
    if sys.platform in ("win32", "darwin"):
        parent /= "Documents"
    default = make_comfyui(parent / "comfy" / "ComfyUI")
    around = make_comfyui(tmp_path / "around")
    assert find_comfyui(around / "custom_nodes" / "pack", home).path == around
    assert find_comfyui(tmp_path / "pack", home).path == default


@pytest.mark.parametrize("name", ["COMFYUI_PATH", "COMFYUI_PYTHON"])
def test_a_name_that_leads_nowhere_is_an_error(tmp_path, home, name):
    environ = {**home, "COMFYUI_PATH": str(make_comfyui(tmp_path / "comfy")), name: str(tmp_path / "nowhere")}
    with pytest.raises(GPT4oImageError, match=f"{name} is .*nowhere") as caught:
        find_comfyui(tmp_path / "pack", environ)
    assert caught.value.kind == "config"


@pytest.mark.parametrize(
    "place", [".venv/bin/python", "venv/Scripts/python.exe", "../python_embeded/python.exe"], ids=str
)
def test_the_interpreter_is_comfyuis_own(tmp_path, home, place):
    path = make_comfyui(tmp_path / "portable" / "ComfyUI")
    python = path / place
    python.parent.mkdir(parents=True)
    python.touch()
    found = find_comfyui(tmp_path, {**home, "COMFYUI_PATH": str(path)})
    assert found.python.samefile(python)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as interpreter")
def test_missing_modules_are_named(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')  # -S: without site-packages
    bare.chmod(0o755)
    assert {"openai", "requests"} <= set(missing_modules(ComfyUI(tmp_path, bare, "0.33.0")))
    assert missing_modules(ComfyUI(tmp_path, Path(sys.executable), "0.33.0")) == []


def test_an_interpreter_that_does_not_run_is_an_error(tmp_path):
    with pytest.raises(GPT4oImageError, match="does not run"):
        missing_modules(ComfyUI(tmp_path, tmp_path / "no-python", "0.33.0"))


def test_a_comfyui_that_dies_is_quoted_and_leaves_nothing_behind(tmp_path):
    path = make_comfyui(tmp_path / "broken")
    (path / "main.py").write_text("raise SystemExit('\\033[31mno torch here')")
    headless = HeadlessComfyUI(ComfyUI(path, Path(sys.executable), "0.33.0"), {"gpt4o-image": tmp_path})
    with pytest.raises(GPT4oImageError, match="exit status 1") as caught, headless:
        pass
    assert caught.value.message.endswith("\nno torch here")
    assert not headless.base_directory.exists()


def test_a_comfyui_that_never_answers_is_stopped(tmp_path):
    path = make_comfyui(tmp_path / "slow")
    (path / "main.py").write_text("import time\nprint('still loading')\ntime.sleep(60)")
    headless = HeadlessComfyUI(
        ComfyUI(path, Path(sys.executable), "0.33.0"), {"gpt4o-image": tmp_path}, start_timeout_s=1.0
    )
    with pytest.raises(GPT4oImageError, match="did not start within 1 seconds") as caught, headless:
        pass
    assert "still loading" in caught.value.message


def test_a_dot_in_the_folder_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dot"):
        HeadlessComfyUI(ComfyUI(tmp_path, Path(sys.executable), ""), {"gpt4o.image": tmp_path})


def test_the_callers_folder_is_kept_and_the_pack_is_only_a_guest(tmp_path):
    path = make_comfyui(tmp_path / "broken")
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "__init__.py").touch()
    base = tmp_path / "base"
    headless = HeadlessComfyUI(
        ComfyUI(path, Path(sys.executable), "0.33.0"), {"gpt4o-image": pack}, base_directory=base
    )
    with pytest.raises(GPT4oImageError), headless:
        pass
    assert (base / "comfyui.log").exists()
    assert list((base / "custom_nodes").iterdir()) == []
    assert (pack / "__init__.py").exists()


def test_a_pack_that_cannot_be_imported_is_an_error(comfyui, tmp_path):
    pack = tmp_path / "bad"
    pack.mkdir()
    (pack / "__init__.py").write_text("import no_such_module_here")
    headless = HeadlessComfyUI(comfyui, {"bad": pack})
    with pytest.raises(GPT4oImageError, match="could not load a node pack") as caught, headless:
        pass
    assert "no_such_module_here" in caught.value.message
