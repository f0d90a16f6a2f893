"""The command `gpt4o-image results`: what was paid for, listed, shown, fetched and exported. Never pays."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import error_from_json, shorten
from ..gateway.config import Config
from ..gateway.profiles import own_origins
from ..outcome import Outcome
from ..pictures.formats import extension
from ..reload import recall
from ..urls import mirrors
from ..vault.files import save_new
from ..vault.vault import MOVED, Result, Vault

_LISTED = 20


def run(
    options: argparse.Namespace,
    config: Config,
    environ: Mapping[str, str],
    *,
    cancelled: Callable[[], bool],
    say: Callable[[str], None],
) -> int:
    """One action of the command; the exit status. Raises `config` for an unknown id."""
    vault = Vault(config.vault)
    if options.action == "list":
        return _list(vault, options, say)
    entry = vault.entry(options.id)
    if options.action == "show":
        _print(as_json(entry)) if options.json else _show(entry)
        return 0
    outcome = recall(
        vault,
        entry,
        own_origins(entry.gateway, config, environ),
        cancelled=cancelled,
        progressed=lambda done, total: say(f"{done} of {total} pictures are here"),
    )
    return _give(vault, outcome, options, say)


def as_json(entry: Result) -> dict[str, Any]:
    """An entry as `results list --json` and `show --json` print it; `path` is null for what was never fetched."""
    files = {file.picture: str(file.path) for file in entry.files}
    links = mirrors(entry.pictures, entry.links)
    known = range(max([len(links), *(number + 1 for number in files)], default=0))
    return {
        "id": entry.id,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.created)),
        "status": entry.status,
        "model": entry.model,
        "prompt": entry.prompt,
        "cost_usd": entry.cost_usd,
        "billed": entry.billed,
        "error": entry.error,
        "images": [
            {
                "path": files.get(number),
                "links": [link for link in (links[number] if number < len(links) else []) if link != MOVED],
            }
            for number in known
        ],
    }


def _list(vault: Vault, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    limit = options.limit or (-1 if options.json else _LISTED)
    entries = vault.entries(limit)
    if options.json:
        _print([as_json(entry) for entry in entries])
        return 0
    for entry in entries:
        cost = "?" if entry.cost_usd is None else f"{entry.cost_usd:.3f}"
        state = entry.error["kind"] if entry.error else entry.status
        prompt = shorten(" ".join(entry.prompt.split()), 60)
        print(f"{entry.id}  {state:<16} {len(entry.files)} picture(s)  ${cost}  {prompt}")  # noqa: T201
    say(f"Spent: ${vault.spent_today():.3f} today." if entries else "Nothing was paid for yet.")
    return 0


def _show(entry: Result) -> None:
    shown = as_json(entry)
    for key in ("id", "created", "status", "model", "billed", "cost_usd", "prompt"):
        print(f"{key + ':':<10}{shown[key]}")  # noqa: T201
    if entry.error:
        print(f"error:    {error_from_json(entry.error)}")  # noqa: T201
    for image in shown["images"]:
        print(f"picture:  {image['path'] or 'not fetched yet'}")  # noqa: T201
        for link in image["links"]:
            print(f"          {link}")  # noqa: T201


def _give(vault: Vault, outcome: Outcome, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    paths: list[str] = []
    for picture in outcome.pictures:
        kept = vault.path_of(picture.sha256, picture.decoded.mime)
        suffix = extension(picture.decoded.mime)
        paths.append(str(save_new(options.folder, suffix, picture.data) if options.action == "export" else kept))
    if options.json:
        _print(outcome.report(tuple(paths)))
    else:
        tell(outcome, paths, say)
    return 1 if outcome.error else 0


def tell(outcome: Outcome, paths: Sequence[str], say: Callable[[str], None]) -> None:
    """An outcome for people: what went wrong through `say`, the paths on stdout, one a line."""
    for warning in outcome.warnings:
        say(f"warning: {warning}")
    if outcome.error:
        say(f"error: {outcome.error}")
    for path in paths:
        print(path)  # noqa: T201


def _print(value: object) -> None:
    print(json.dumps(value))  # noqa: T201
