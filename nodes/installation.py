"""Checks that this pack is installed once, in a folder whose files ComfyUI can serve."""

from __future__ import annotations

import re
from pathlib import Path

# ComfyUI adds `/extensions/<folder>` as a route without quoting it (server.py, add_routes). aiohttp finds nothing under
# a name that a URL writes otherwise, or with braces; a dot costs the nodes' help pages.
_SERVED = re.compile(r"[A-Za-z0-9_+&'@(),!$*;=~-]+")


def folder_problem(folder: str) -> str | None:
    """One sentence for a folder name that ComfyUI cannot serve; None for one that it can."""
    if _SERVED.fullmatch(folder):
        return None
    return (
        f'ComfyUI cannot serve files from a folder named "{folder}": the sidebar or the help pages are missing. '
        "Stop ComfyUI and rename the folder to gpt4o-image."
    )


def twin_problem(here: Path, other: Path | None) -> str | None:
    """One sentence where the same nodes came from another folder before; None for a single copy."""
    if other is None or other == here:
        return None
    return (
        f"The pack is installed twice: {other} is used, {here} is not. Remove one of the two, then start ComfyUI again."
    )
