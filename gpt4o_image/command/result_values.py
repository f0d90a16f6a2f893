"""Results as the values that `gpt4o-image results` prints. Prints nothing and never pays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import GPT4oImageError
from ..outcome import Outcome
from ..picture_files import save_new
from ..pictures.formats import extension, sniff
from ..urls import mirrors
from ..vault.results import MOVED, File, Result
from ..vault.vault import Vault
from .redaction import redacted


def result_json(result: Result) -> dict[str, Any]:
    """A result as `results list --json` and `show --json` print it; `path` is null where no file is there."""
    files = {file.picture: str(file.path) for file in result.files if file.path.is_file()}
    links = mirrors(result.shown, result.links)
    known = range(max([len(links), *(number + 1 for number in files)], default=0))
    return {
        "id": result.id,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(result.created)),
        "status": result.status,
        "machine": result.machine,
        "model": result.model,
        "prompt": result.prompt,
        "cost_usd": result.cost_usd,
        "billed": result.billed,
        "error": result.error,
        "images": [
            {
                "path": files.get(number),
                "links": [link for link in (links[number] if number < len(links) else []) if link != MOVED],
            }
            for number in known
        ],
    }


@dataclass(frozen=True)
class Exported:
    """The user's copies of a result's files: paths in their order, and the `images` of a report."""

    paths: tuple[str, ...]
    images: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]


def export(result: Result, outcome: Outcome, folder: Path) -> Exported:
    """Copies all files of a result to `folder`, whatever they are, under new names. Raises OSError.

    `outcome`: that of reloading it. A file that is gone or damaged is left out with a warning.
    """
    decoded = {image["sha256"]: image for image in outcome.report()["images"]}
    paths: list[str] = []
    images: list[dict[str, Any]] = []
    warnings = list(outcome.warnings)
    for file in result.files:
        data = _read(file, warnings)
        if data is None:
            continue
        mime = sniff(data)
        path = str(save_new(folder, extension(mime), data))
        unknown = {"width": None, "height": None, "mode": None, "mime": mime, "sha256": file.sha256, "url": file.url}
        paths.append(path)
        images.append({**decoded.get(file.sha256, unknown), "path": path})
    return Exported(tuple(paths), tuple(images), tuple(dict.fromkeys(warnings)))


def _read(file: File, warnings: list[str]) -> bytes | None:
    try:
        return file.read()
    except OSError as error:
        warnings.append(str(error))
        return None


def answer_json(vault: Vault, result: Result, *, redact: bool, with_prompt: bool) -> dict[str, Any]:
    """The gateway's answer to a call, as `results answer` prints it: its head, how it ended, and its `text`.

    Pictures that are files of the vault appear as `sha256:...` in it, and bytes that are not UTF-8 as U+FFFD. With
    `redact` it holds no key and no signature, and the prompt only `with_prompt`. Raises `config` where none is kept.
    """
    kept = vault.answer(result.id)
    try:
        if kept is None:
            raise FileNotFoundError("none is kept")
        text = kept.read(pictures=False).decode("utf-8", "replace")
    except OSError as error:
        raise GPT4oImageError(
            "config", f"There is no answer of {result.id} to show: {error}.", billed=result.billed
        ) from error
    sent = str(result.details.get("prompt", result.prompt))
    prompts: Sequence[str] = () if with_prompt else (sent, result.prompt)
    return {
        "id": result.id,
        "status": kept.head.status,
        "content_type": kept.head.content_type,
        "request_id": kept.head.request_id,
        "answered_by": kept.head.answered_by,
        "ending": kept.ending,
        "received": kept.received,
        "text": redacted(text, prompts) if redact else text,
    }
