"""Adding the pack's requirements to a ComfyUI adds packages and touches none that ComfyUI has or pins."""

import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def uv():
    """The uv command in the pack's folder: its end and what it said. `uv run` says where uv is."""
    program = os.environ.get("UV") or shutil.which("uv")
    if program is None:
        pytest.skip("no uv on this machine to ask what an installation would do")

    def run(*arguments, cwd):
        done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
        if "Failed to fetch" in done.stderr:
            pytest.skip("the package index cannot be reached")
        return done

    return run


def declared(text):
    """The requirements of a file, without comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return sorted(line for line in lines if line)


def test_both_lists_say_the_same(pack_root):
    """The registry reads pyproject.toml, ComfyUI Manager requirements.txt."""
    import tomlkit

    project = tomlkit.parse((pack_root / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = declared((pack_root / "requirements.txt").read_text("utf-8"))
    assert wanted == sorted(project["dependencies"])
    assert not any(line.startswith(("torch", "comfyui")) for line in wanted)


def test_what_is_installed_stays_as_it_is(uv, comfyui, pack_root):
    done = uv("pip", "install", "--dry-run", "--python", comfyui.python, "-r", "requirements.txt", cwd=pack_root)
    assert done.returncode == 0, done.stderr
    # " + added==1", " - removed==1", " ~ reinstalled==1"
    assert [line for line in done.stderr.splitlines() if line.lstrip().startswith(("-", "~"))] == []


def test_a_new_comfyui_needs_no_other_version_of_anything(uv, comfyui, pack_root, tmp_path):
    """Without the packages that this machine's tests have put into ComfyUI's environment."""
    alone = tmp_path / "comfyui_alone.txt"
    asked = ["pip", "compile", "--quiet", "--no-annotate", "--no-header", "--python", comfyui.python]
    done = uv(*asked, comfyui.path / "requirements.txt", "--output-file", alone, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    had = declared(alone.read_text("utf-8"))
    assert any(line.startswith("torch==") for line in had)
    done = uv(*asked, pack_root / "requirements.txt", "--constraint", alone, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "openai" in {line.partition("==")[0] for line in set(declared(done.stdout)) - set(had)}
