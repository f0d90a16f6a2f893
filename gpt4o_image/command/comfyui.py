"""Finds the ComfyUI of this machine. Reads folders and the environment; starts nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import GPT4oImageError
from ..home import comfyui_around, is_comfyui, user_path

HOW_TO_ADD = (
    "set COMFYUI_PATH to the folder that holds ComfyUI's main.py, "
    "or install one: pip install comfy-cli && comfy install"
)


@dataclass(frozen=True)
class ComfyUI:
    """A ComfyUI on disk: its folder, the interpreter with its packages, its version or "unknown"."""

    path: Path
    python: Path
    version: str


def find_comfyui(pack_root: Path, environ: Mapping[str, str]) -> ComfyUI | None:
    """COMFYUI_PATH, else the ComfyUI that holds this pack, else comfy-cli's default workspace.

    Raises `config` when COMFYUI_PATH or COMFYUI_PYTHON is set and leads nowhere: what a user
    names is never replaced by something else.
    """
    path = _named_path(environ) or comfyui_around(pack_root) or _default_workspace(environ)
    if path is None:
        return None
    return ComfyUI(path, _interpreter(path, environ), _version(path))


def _named_path(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("COMFYUI_PATH")
    if not named:
        return None
    path = user_path(named).absolute()
    if not is_comfyui(path):
        raise GPT4oImageError("config", f"COMFYUI_PATH is {named}, but there is no main.py in that folder.")
    return path


def _default_workspace(environ: Mapping[str, str]) -> Path | None:
    """comfy-cli's constants.py: ~/comfy on Linux, ~/Documents/comfy elsewhere."""
    named_home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    home = Path(named_home) if named_home else user_path("~")
    parent = home / "Documents" if sys.platform in ("win32", "darwin") else home
    path = parent / "comfy" / "ComfyUI"
    return path if is_comfyui(path) else None


def _interpreter(path: Path, environ: Mapping[str, str]) -> Path:
    named = environ.get("COMFYUI_PYTHON")
    if named:
        python = user_path(named).absolute()
        if not python.is_file():
            raise GPT4oImageError("config", f"COMFYUI_PYTHON is {named}, but there is no such file.")
        return python
    places = [".venv/bin/python", ".venv/Scripts/python.exe", "venv/bin/python", "venv/Scripts/python.exe"]
    candidates = [path / place for place in places]
    candidates.append(path.parent / "python_embeded" / "python.exe")  # the portable build's own spelling
    return next((python for python in candidates if python.is_file()), Path(sys.executable))


def _version(path: Path) -> str:
    try:
        text = (path / "comfyui_version.py").read_text("utf-8")
    except OSError:
        return "unknown"
    match = re.search(r"__version__\s*=\s*[\"']([^\"']+)", text)
    return match[1] if match else "unknown"
