"""The command and the lines that set a key: exact for this ComfyUI, and a command that a real shell runs."""

import importlib
import json
import subprocess
import sys
import types
from pathlib import Path, PurePosixPath

import pytest


@pytest.fixture(scope="module")
def key_setup(pack_root):
    package = types.ModuleType("pack_of_key_setup")
    package.__path__ = [str(pack_root)]
    sys.modules["pack_of_key_setup"] = package
    yield importlib.import_module("pack_of_key_setup.nodes.key_setup").key_setup
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack_of_key_setup"]:
        del sys.modules[name]


COMFYUI = Path("/comfy ui")
CONFIG = COMFYUI / "user" / "__gpt4o_image" / "config.toml"
PACK = COMFYUI / "custom_nodes" / "gpt4o-image"


def test_the_command_names_this_python_this_pack_and_this_comfyui(key_setup):
    made = key_setup("aihubmix", CONFIG, Path("/venv/bin/python"), PACK, COMFYUI, windows=False)
    pack = "'/comfy ui/custom_nodes/gpt4o-image'"
    assert made["command"] == f"/venv/bin/python -s {pack} key set --comfyui '/comfy ui'"
    assert made["config_path"] == str(CONFIG)
    assert made["lines"] == '[profiles.aihubmix]\napi_key = "sk-..."\n'
    assert made["get_key"].startswith("https://aihubmix.com/")


def test_another_gateway_is_named_and_has_no_page_of_ours(key_setup):
    made = key_setup("mine", CONFIG, Path("/python"), PACK, COMFYUI, windows=False)
    assert made["command"].endswith(" --gateway mine")
    assert made["lines"].startswith("[profiles.mine]\n")
    assert made["get_key"] is None


def test_a_home_of_its_own_is_named_by_the_variable(key_setup):
    made = key_setup("aihubmix", Path("/my home/config.toml"), Path("/python"), PACK, COMFYUI, windows=False)
    assert made["command"].startswith("GPT4O_IMAGE_HOME='/my home' /python -s ")
    assert "--comfyui" not in made["command"]
    made = key_setup("aihubmix", Path("/my home/config.toml"), Path("/python"), PACK, COMFYUI, windows=True)
    assert made["command"].startswith('set "GPT4O_IMAGE_HOME=/my home" && /python -s "')


def test_windows_quotes_only_where_it_must(key_setup):
    python, pack = PurePosixPath(r"C:\ComfyUI\python_embeded\python.exe"), PurePosixPath(r"C:\Com fy\pack")
    command = key_setup("aihubmix", CONFIG, python, pack, COMFYUI, windows=True)["command"]
    assert command == rf'C:\ComfyUI\python_embeded\python.exe -s "C:\Com fy\pack" key set --comfyui "{COMFYUI}"'


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is a POSIX one")
def test_a_shell_runs_the_command_and_the_key_is_where_comfyui_looks(key_setup, pack_root, tmp_path):
    comfyui = tmp_path / "comfy ui"
    (comfyui / "custom_nodes").mkdir(parents=True)
    (comfyui / "main.py").touch()
    config = comfyui / "user" / "__gpt4o_image" / "config.toml"
    made = key_setup("aihubmix", config, Path(sys.executable), pack_root, comfyui, windows=False)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(made["command"], shell=True, check=True, input=b"sk-typed\n", env=environ, timeout=60)
    assert json.dumps("sk-typed") in config.read_text("utf-8")
