"""`gpt4o-image key`: asks for a gateway's key and stores it where the ComfyUI, or this command, will look."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from ..errors import GPT4oImageError
from ..gateway.aihubmix import AIHUBMIX
from ..gateway.config import HOME_VARIABLE
from ..gateway.profiles import KEY_VARIABLE, bare_key
from ..home import PACK_ROOT, comfyui_around, comfyui_home, home, is_comfyui, user_path
from . import output
from .key_file import open_to_others, set_key, takes_key

_MAX_LINE = 10_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument(
        "action",
        choices=("set", "forget"),
        help="set asks for the key without showing it (without a terminal: one line of stdin); forget removes it",
    )
    parser.add_argument(
        "--gateway", default=AIHUBMIX, metavar="NAME", help="aihubmix or a profile of config.toml; default: %(default)s"
    )
    parser.add_argument(
        "--comfyui",
        type=user_path,
        metavar="DIR",
        help="folder of the ComfyUI that will use the key (with main.py in it); default: the one that this pack is "
        f"installed in, else the key is for this command alone; {HOME_VARIABLE} names another place",
    )


def run(options: argparse.Namespace) -> int:
    """Prints where the key is now. Raises `config` where none is given or none can be stored."""
    folder = _comfyui_home(options.comfyui) if options.comfyui else home(os.environ)
    path = takes_key(folder, options.gateway).path
    if options.action == "forget":
        set_key(folder, options.gateway, None)
        output.log(f"There is no key for {options.gateway} in {path} now.")
        return 0
    set_key(folder, options.gateway, _ask(options.gateway))
    output.log(f"The key for {options.gateway} is stored in {path}{_whose(options.comfyui)}.")
    for remark in _remarks(options, path):
        output.log(remark)
    return 0


def _comfyui_home(folder: Path) -> Path:
    """Of a ComfyUI: the folder of main.py, the portable build around it, or a base directory without main.py."""
    for comfyui in (folder, folder / "ComfyUI"):
        if is_comfyui(comfyui) or (comfyui / "custom_nodes").is_dir():
            return comfyui_home(comfyui.absolute())
    raise GPT4oImageError("config", f"{folder} is not a ComfyUI folder: it contains neither main.py nor custom_nodes.")


def _whose(comfyui: Path | None) -> str:
    if comfyui is None and not os.environ.get(HOME_VARIABLE):
        comfyui = comfyui_around(PACK_ROOT)
        if comfyui is None:
            return ", where this command looks; --comfyui DIR stores it for a ComfyUI"
    return f", for the ComfyUI in {comfyui}" if comfyui else f" ({HOME_VARIABLE})"


def _remarks(options: argparse.Namespace, path: Path) -> list[str]:
    """What may keep the key from being used, or private."""
    remarks: list[str] = []
    if open_to_others(path):
        remarks.append(
            "warning: this file system has no permissions, so other users of this computer may be able to read it. "
            + (f"The variable {KEY_VARIABLE} can hold the key instead." if options.gateway == AIHUBMIX else "")
        )
    if options.gateway == AIHUBMIX and os.environ.get(KEY_VARIABLE):
        remarks.append(f"note: {KEY_VARIABLE} is set here, and is used in place of the stored key.")
    if options.comfyui and os.environ.get(HOME_VARIABLE):
        remarks.append(f"note: a ComfyUI that is started with {HOME_VARIABLE} looks there, not in its own folder.")
    return remarks


def _ask(gateway: str) -> str:
    """The key as it was typed, or as stdin has it, without the blanks and quotes around it. Raises `config`."""
    api_key = bare_key(_typed(gateway))
    if not api_key:
        raise GPT4oImageError("config", "No key was given; nothing was changed.")
    if not re.fullmatch(r"[!-~]+", api_key):
        raise GPT4oImageError("config", "That contains characters that no key can have; nothing was changed.")
    return api_key


def _typed(gateway: str) -> str:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - closed by whoever started us
        return ""
    if not sys.stdin.isatty():
        output.log(f"stdin is not a terminal: its first line is taken as the key for {gateway}.")
        return sys.stdin.buffer.readline(_MAX_LINE).decode("utf-8-sig", "replace")
    import getpass

    try:
        return getpass.getpass(f"Key for {gateway} (not shown): ", stream=sys.stderr)
    except EOFError:
        return ""
