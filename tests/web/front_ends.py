"""Front ends of ComfyUI from PyPI, beside the one that a ComfyUI brings along."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

OWN = "own"
NEWEST = "1.58.1"  # the newest that was looked at
PACKAGE = "comfyui-frontend-package"


def arguments(version):
    """Of ComfyUI's command line, for this front end. Raises OSError or CalledProcessError without it."""
    return [] if version == OWN else ["--front-end-root", str(_static(version))]


def _static(version):
    """Kept in the user's cache: each has 60 MB."""
    home = platformdirs.user_cache_path("gpt4o-image-tests") / "front_ends"
    folder = home / version
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as new:
            subprocess.run([*_installer(), f"{PACKAGE}=={version}", "--target", new], check=True, capture_output=True)
            (Path(new) / "comfyui_frontend_package" / "static").rename(folder)
    return folder


def _installer():
    """uv's environments have no pip."""
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    return [*pip, "install", "--quiet", "--no-deps"]
