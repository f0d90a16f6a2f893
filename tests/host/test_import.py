"""ComfyUI's start pays nothing for this pack: importing it reads Python files and does nothing else."""

import json
import os
import subprocess
from pathlib import Path

import pytest

PROBE = Path(__file__).with_name("import_probe.py")


@pytest.fixture(scope="module")
def import_report(comfyui, pack_root, clean_environment, tmp_path_factory):
    command = [comfyui.python, "-B", PROBE, comfyui.path, pack_root]
    folder = tmp_path_factory.mktemp("import")
    env = {**os.environ, "GPT4O_IMAGE_HOME": str(folder / "home")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_is_loaded_that_comfyui_had_not_loaded(import_report):
    """openai alone costs half a second and 50 MB; a top-level `gpt4o_image` would be an absolute import."""
    assert import_report["loaded"] == []


def test_the_start_waits_for_the_config_alone(import_report):
    """What reads answers, pictures and the vault takes longer to load than all the nodes."""
    assert import_report["rooms"] == ["gateway.aihubmix", "gateway.config", "gateway.toml", "vault.choices"]


@pytest.mark.parametrize("phase", ["import", "entrypoint"])
def test_no_file_but_python_no_network_no_thread_no_process(import_report, phase):
    assert import_report["seen"][phase] == []


def test_no_thread_is_left_and_path_and_environment_are_kept(import_report):
    assert import_report["threads"] == []
    assert import_report["surroundings_kept"]


def test_only_the_v3_entry_is_exported(import_report):
    """A NODE_CLASS_MAPPINGS would win over comfy_entrypoint."""
    exports = set(import_report["exports"])
    assert {"WEB_DIRECTORY", "comfy_entrypoint"} <= exports
    assert "NODE_CLASS_MAPPINGS" not in exports


def test_every_node_id_is_ours(import_report):
    ids = import_report["node_ids"]
    assert ids == [
        "GPT4oImage_Generate",
        "GPT4oImage_ImagesAPI",
        "GPT4oImage_References",
        "GPT4oImage_LoadResult",
        "GPT4oImage_Prompts",
    ]


def test_a_node_reads_every_input_it_shows_and_no_other(import_report):
    for shown, read in import_report["inputs"]:
        assert sorted(shown) == sorted(read)


def test_the_defaults_of_the_schema_are_those_of_the_code(import_report):
    for declared, coded in import_report["defaults"]:
        assert coded
        assert declared == coded
