"""The instructions to set a key for this very ComfyUI: a command, and lines for config.toml. Pure; holds no key."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from ..gpt4o_image.gateway.aihubmix import AIHUBMIX, KEYS_PAGE
from ..gpt4o_image.gateway.config import HOME_VARIABLE
from ..gpt4o_image.home import comfyui_home


def key_setup(
    gateway: str, config_path: Path, python: Path, pack: Path, comfyui: Path, *, windows: bool
) -> dict[str, Any]:
    """`command` for a terminal, `config_path` with the `lines` for it, `get_key`: an address, None for other gateways.

    The command runs the pack's folder, which works under an isolated Python and without pip.
    """
    own = comfyui_home(comfyui) == config_path.parent
    parts = [str(python), "-s", str(pack), "key", "set", *(["--comfyui", str(comfyui)] if own else [])]
    parts += [] if gateway == AIHUBMIX else ["--gateway", gateway]
    command = _joined(parts, windows=windows)
    if not own:
        home = str(config_path.parent)
        command = (
            f'set "{HOME_VARIABLE}={home}" && {command}'
            if windows
            else f"{HOME_VARIABLE}={shlex.quote(home)} {command}"
        )
    return {
        "command": command,
        "config_path": str(config_path),
        "lines": f'[profiles.{gateway}]\napi_key = "sk-..."\n',
        "get_key": KEYS_PAGE if gateway == AIHUBMIX else None,
    }


def _joined(parts: list[str], *, windows: bool) -> str:
    if not windows:
        return shlex.join(parts)
    # Quotes only where they are needed: PowerShell takes a quoted program for a text.
    return " ".join(f'"{part}"' if any(sign in part for sign in " &()^;,'") else part for part in parts)
