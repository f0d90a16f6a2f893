"""Pictures as files of the user: names count up, and nothing is ever overwritten."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def save_new(folder: Path, suffix: str, data: bytes) -> Path:
    """Writes `data` to the next free `gpt4o-image-0001` in `folder`, which is made if need be. Absolute path."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = [path.stem.rpartition("-")[2] for path in folder.glob("gpt4o-image-*")]
    number = max((int(stem) for stem in taken if stem.isdigit()), default=0) + 1
    while True:
        path = (folder / f"gpt4o-image-{number:04d}{suffix}").absolute()
        with suppress(FileExistsError), path.open("xb") as file:
            file.write(data)
            return path
        number += 1
