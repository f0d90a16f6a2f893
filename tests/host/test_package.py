"""The registry's package: which files, without what its scan stops at, and that they are enough by themselves."""

import json
import os
import shutil
import subprocess
import sys
from urllib.parse import quote

import pytest
from templates import STICKER

from gpt4o_image.command.headless import HeadlessComfyUI, failure
from gpt4o_image.command.workflow import to_prompt

FOLDERS = {"gpt4o_image", "nodes", "web", "locales", "example_workflows", "subgraphs"}
FILES = {"__init__.py", "__main__.py", "pyproject.toml", "requirements.txt", "LICENSE"}
PAGES = {"README.md", "README.ja.md", "CHANGELOG.md", "SECURITY.md"}
# Only of use in a checkout.
LEFT_OUT = {"gpt4o_image/command/headless.py", "nodes/ruff.toml"}
# The registry's scan holds packages back for these, in whatever sense they stand there.
SUSPECT = ("exec(", "eval(", "subprocess", "os.system")
AS_HTML = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "srcdoc")
PICTURE_BYTES = 200 * 1024


@pytest.fixture(scope="module")
def listed(pack_root):
    """Paths that git has here, new ones too, narrowed by further options of `git ls-files`."""
    git = shutil.which("git")
    if git is None or not (pack_root / ".git").exists():
        pytest.skip("no git checkout, so what would be packed is not known")

    def paths(*options):
        command = [git, "ls-files", "-z", "--cached", "--others", *options]
        done = subprocess.run(command, cwd=pack_root, check=True, capture_output=True, encoding="utf-8")
        return {path for path in done.stdout.split("\0") if path and (pack_root / path).is_file()}

    return paths


@pytest.fixture(scope="module")
def packed(listed):
    """What `comfy node pack` takes: what git has, but for what .comfyignore names."""
    return listed("--exclude-standard") - listed("--ignored", "--exclude-from=.comfyignore")


@pytest.fixture
def installed(packed, pack_root, tmp_path):
    """The package alone in the custom_nodes of an empty base folder, as ComfyUI Manager unzips it."""
    folder = tmp_path / "base" / "custom_nodes" / "gpt4o-image"
    for path in packed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pack_root / path, folder / path)
    return folder


def test_it_holds_what_users_need_and_nothing_else(packed, listed):
    assert {path for path in packed if "/" not in path} == FILES | PAGES
    ours = {path for path in listed("--exclude-standard") if path.split("/")[0] in FOLDERS}
    assert {path for path in packed if "/" in path} == ours - LEFT_OUT
    assert {path.split("/")[0] for path in ours} == FOLDERS


def test_no_name_is_one_that_the_packer_drops(packed):
    """comfy-cli reads `git ls-files` by lines, where git quotes what is not plain, and skips what is not there."""
    assert [path for path in packed if not path.isascii() or set(path) & set('"\\\t\n')] == []


def found(words, packed, pack_root, endings):
    """Which of `words` stands in which packed file."""
    texts = {path: (pack_root / path).read_text("utf-8") for path in packed if path.endswith(endings)}
    assert texts
    return [f"{path}: {word}" for path, text in sorted(texts.items()) for word in words if word in text]


def test_no_word_stops_the_registrys_scan(packed, pack_root):
    assert found(SUSPECT, packed, pack_root, (".py", ".js", ".mjs")) == []


def test_the_page_writes_text_and_never_html(packed, pack_root):
    """What a gateway says reaches the page: as HTML it could run there."""
    assert found(AS_HTML, packed, pack_root, (".js", ".mjs")) == []


def test_its_python_is_ascii_and_its_pictures_are_small(packed, pack_root):
    """Some tools read Python files as cp1252."""
    assert [path for path in packed if path.endswith(".py") and not (pack_root / path).read_bytes().isascii()] == []
    pictures = [path for path in packed if path.endswith((".png", ".jpg", ".webp", ".gif"))]
    assert pictures
    assert [path for path in pictures if (pack_root / path).stat().st_size > PICTURE_BYTES] == []


@pytest.mark.slow
def test_the_demo_does_without_what_is_left_out(installed, tmp_path, clean_environment):
    """It cannot start a ComfyUI without headless.py, so it says that and makes its picture alone."""
    comfyui = tmp_path / "comfyui"
    comfyui.mkdir()
    (comfyui / "main.py").touch()
    named = {"COMFYUI_PATH": str(comfyui), "GPT4O_IMAGE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "gpt4o_image", "demo", "--out", str(tmp_path / "out")],
        cwd=installed,  # where `-m` looks first
        env=os.environ | named,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot start a ComfyUI" in done.stderr
    (picture,) = (tmp_path / "out").iterdir()
    assert done.stdout.strip() == str(picture)


def test_it_runs_a_template_in_an_empty_comfyui(installed, comfyui, monkeypatch):
    """With its own simulator, its own folder for what was made, its own help pages."""
    monkeypatch.delenv("GPT4O_IMAGE_HOME")
    base = installed.parents[1]
    with HeadlessComfyUI(comfyui, {"gpt4o-image": installed}, base_directory=base) as server:
        templates = json.loads(server.request("/workflow_templates"))
        assert STICKER in templates["gpt4o-image"]
        workflow = json.loads(server.request(f"/api/workflow_templates/gpt4o-image/{quote(STICKER)}.json"))
        assert b"GPT-4o Image" in server.request("/extensions/gpt4o-image/docs/GPT4oImage_Generate.md")
        entry = server.wait(server.submit(to_prompt(workflow, server.object_info())), timeout_s=200)
    assert failure(entry) is None
    assert list((base / "output").glob("*.png"))
    assert (base / "user" / "__gpt4o_image" / "vault").is_dir()
