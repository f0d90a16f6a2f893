"""The command `gpt4o-image results`: what was paid for, listed, shown, fetched and exported. Never pays."""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

from ..errors import error_from_json, shorten
from ..gateway.config import load_config
from ..gateway.profiles import own_origins
from ..home import home, user_path
from ..outcome import Outcome
from ..picture_files import check_folder, save_new
from ..pictures.formats import extension
from ..reload import reload
from ..run_events import Downloading, RunEvent
from ..urls import mirrors
from ..vault.results import MOVED, Result
from ..vault.vault import Vault
from . import output
from .interrupt import stop_on_ctrl_c

_LISTED = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument(
        "action", nargs="?", default="list", choices=("list", "show", "fetch", "export"), help="default: %(default)s"
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="an id from the list, or latest")
    parser.add_argument("folder", nargs="?", type=user_path, metavar="DIR", help="where export writes")
    parser.add_argument(
        "--limit", type=_count, metavar="N", help=f"how many to list; default: {_LISTED}, all of them with --json"
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout, nothing else; default: lines")


def run(options: argparse.Namespace) -> int:
    """One action of the command; the exit status. Raises `config` for an unknown id."""
    if options.action != "list" and not options.id:
        options.parser.error(f"{options.action} needs an ID; `latest` is the newest")
    if options.action == "export" and not options.folder:
        options.parser.error("export needs a DIR")
    if options.action == "export":
        check_folder(options.folder)
    config = load_config(home(os.environ))
    if config.problem and not config.understood:
        output.say(f"warning: {config.problem.message}")
    vault = Vault(config.vault)
    if options.action == "list":
        return show_list(vault, options.limit, as_json=options.json)
    result = vault.result(options.id)
    if options.action == "show":
        output.show_json(result_json(result)) if options.json else _show(result)
        return 0
    with stop_on_ctrl_c() as stop:
        outcome = reload(
            vault,
            result,
            own_origins(result.gateway, config, os.environ),
            notify=_progress,
            cancelled=stop.is_set,
        )
        return _give(vault, outcome, options)


def _progress(event: RunEvent) -> None:
    if isinstance(event, Downloading):
        output.say(f"{event.done} of {event.total} pictures are here")


def result_json(result: Result) -> dict[str, Any]:
    """A result as `results list --json` and `show --json` print it; `path` is null for what was never fetched."""
    files = {file.picture: str(file.path) for file in result.files}
    links = mirrors(result.pictures, result.links)
    known = range(max([len(links), *(number + 1 for number in files)], default=0))
    return {
        "id": result.id,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(result.created)),
        "status": result.status,
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


def show_list(vault: Vault, limit: int | None, *, as_json: bool) -> int:
    """The newest results, newest first: `limit` of them, or all as JSON and some as lines; the exit status."""
    if as_json:
        output.show_json([result_json(result) for result in vault.results(limit)])
        return 0
    results = vault.results(_LISTED if limit is None else limit)
    for result in results:
        cost = "?" if result.cost_usd is None else f"{result.cost_usd:.3f}"
        state = result.error["kind"] if result.error else result.status
        prompt = shorten(" ".join(result.prompt.split()), 60)
        output.show(f"{result.id}  {state:<16} {len(result.files)} picture(s)  ${cost}  {prompt}")
    output.say(f"Spent: ${vault.spent_today():.3f} today." if vault.count() else "Nothing was paid for yet.")
    return 0


def _show(result: Result) -> None:
    shown = result_json(result)
    for key in ("id", "created", "status", "model", "billed", "cost_usd", "prompt"):
        output.show(f"{key + ':':<10}{shown[key]}")
    if result.error:
        output.show(f"error:    {error_from_json(result.error)}")
    for image in shown["images"]:
        output.show(f"picture:  {image['path'] or 'not fetched yet'}")
        for link in image["links"]:
            output.show(f"          {link}")


def _give(vault: Vault, outcome: Outcome, options: argparse.Namespace) -> int:
    paths: list[str] = []
    for picture in outcome.pictures:
        kept = vault.path_of(picture.sha256, picture.decoded.mime)
        suffix = extension(picture.decoded.mime)
        paths.append(str(save_new(options.folder, suffix, picture.data) if options.action == "export" else kept))
    if options.json:
        output.show_json(outcome.report(tuple(paths)))
    else:
        output.show_outcome(paths, outcome.warnings, outcome.error)
    return 1 if outcome.error else 0


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError("a count is 0 or more")
    return count
