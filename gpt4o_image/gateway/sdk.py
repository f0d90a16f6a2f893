"""The openai SDK as this Python has it: present, new enough, or how to install it here. Sends nothing."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from ..errors import GPT4oImageError

# As in pyproject.toml and requirements.txt.
REQUIREMENT = "openai>=1.30,<4"
_FLOOR = (1, 30)


def openai_sdk() -> Any:
    """The module openai. Raises `config` with the command that installs it into this Python."""
    try:
        module: Any = importlib.import_module("openai")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise _unusable(f"cannot be loaded because the package {error.name} is missing") from error
        raise _unusable("is not installed") from error
    except Exception as error:  # third-party code: with a wrong version of a dependency it fails in any way
        raise _unusable(f"cannot be loaded ({type(error).__name__}: {error})") from error
    version = openai_version(module)
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < _FLOOR:
        raise _unusable(f"is {version}, too old: {_FLOOR[0]}.{_FLOOR[1]} or newer is needed")
    return module


def openai_version(module: Any) -> str:
    """Of the module; `unknown` where it does not tell."""
    return str(getattr(module, "__version__", None) or getattr(getattr(module, "version", None), "VERSION", "unknown"))


def httpx_of(openai: Any) -> Any:
    """The HTTP library that openai brought: httpx (1.x, 2.x) or httpx2 (3.x)."""
    return sys.modules[openai.Timeout.__init__.__module__.partition(".")[0]]


def _unusable(what: str) -> GPT4oImageError:
    command = install_command(Path(sys.executable), REQUIREMENT)
    return GPT4oImageError(
        "config",
        f"The Python package openai {what}.",
        advice=f"Run this command, then start again: {command}\nNothing was sent.",
    )


def install_command(python: Path, requirement: str | Path, *, has_pip: bool | None = None) -> str:
    """The command line that installs `requirement` into the Python at `python`, and into no other.

    A Path is a file of requirements. `has_pip`: of that Python; None for the one that runs this.
    """
    wanted = f'-r "{requirement}"' if isinstance(requirement, Path) else f'"{requirement}"'
    if not (
        importlib.util.find_spec("pip") is not None if has_pip is None else has_pip
    ):  # as in environments that uv makes, ComfyUI Desktop's too
        return f'{_uv(python)} pip install --python "{python}" {wanted}'
    # ComfyUI's portable folder for Windows, which it spells so itself; -s keeps the user's own packages out.
    portable = python.parent.name == "python_embeded" or any(python.parent.glob("python*._pth"))
    return f'"{python}"{" -s" if portable else ""} -m pip install {wanted}'


def _uv(python: Path) -> str:
    """`uv` where it is found; ComfyUI Desktop ships one that is on no PATH."""
    main = Path(getattr(sys.modules.get("__main__"), "__file__", None) or python)
    for folder in main.parents:
        for own in (folder / "uv" / "win" / "uv.exe", folder / "uv" / "macos" / "uv"):
            if folder.name.lower() == "resources" and own.is_file():
                return f'"{own}"'
    beside = python.with_name("uv.exe" if sys.platform == "win32" else "uv")
    return f'"{beside}"' if not shutil.which("uv") and beside.is_file() else "uv"
