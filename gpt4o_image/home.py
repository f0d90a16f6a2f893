"""Finds config and vault outside ComfyUI: one rule for the command line and for Python. Creates nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .errors import GPT4oImageError
from .gateway.config import HOME_VARIABLE

# Not resolved: the pack may be linked into custom_nodes.
PACK_ROOT = Path(os.path.abspath(__file__)).parents[1]  # noqa: PTH100 (Path.absolute keeps "..")


def home(environ: Mapping[str, str]) -> Path:
    """GPT4O_IMAGE_HOME, else the folder of the ComfyUI that this pack is installed in, else the user's data folder.

    Raises `config` where there is no home folder.
    """
    if named := environ.get(HOME_VARIABLE):
        path = user_path(named)
        if named.startswith("~") and path == Path(named):
            raise GPT4oImageError("config", f"{HOME_VARIABLE} is {named}, but that home folder cannot be found.")
        return path
    comfyui = comfyui_around(PACK_ROOT)
    return comfyui_home(comfyui) if comfyui else _user_data()


def user_path(text: str) -> Path:
    """A path as it was typed; `~` stands for the home folder also where no shell saw it, as in --out=~/pictures."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path.expanduser raises where there is no home folder)


def comfyui_around(pack_root: Path) -> Path | None:
    """The ComfyUI that has the pack in its custom_nodes."""
    path = pack_root.parents[1]
    return path if pack_root.parent.name == "custom_nodes" and is_comfyui(path) else None


def is_comfyui(path: Path) -> bool:
    """Whether this is the folder that holds ComfyUI's main.py."""
    return (path / "main.py").is_file()


def comfyui_home(comfyui: Path) -> Path:
    """The system user folder that ComfyUI gives this pack (folder_paths.get_system_user_directory)."""
    return comfyui / "user" / "__gpt4o_image"


def _user_data() -> Path:
    try:
        import platformdirs
    except ModuleNotFoundError as error:
        raise GPT4oImageError(
            "config",
            f"Without the package platformdirs the user's data folder is not known. Set {HOME_VARIABLE} to a folder "
            "for keys and results.",
        ) from error
    path = platformdirs.user_data_path("gpt4o_image", appauthor=False)
    if not path.is_absolute():
        raise GPT4oImageError(
            "config", f"This user has no home folder. Set {HOME_VARIABLE} to a folder for keys and results."
        )
    return path
