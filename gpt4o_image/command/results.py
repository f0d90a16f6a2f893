"""The command `gpt4o-image results`: what was paid for, listed, shown, fetched and exported. Never pays."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import GPT4oImageError, error_from_json, shorten
from ..gateway.config import load_config
from ..gateway.profiles import gateway_key, own_origins
from ..home import home, user_path
from ..outcome import Outcome
from ..picture_files import check_folder
from ..reload import reload
from ..run_events import Downloading, RunEvent
from ..vault.opening import open_vault, vault_at
from ..vault.results import Result, State
from ..vault.vault import Vault
from . import output
from .interrupt import stop_on_ctrl_c
from .result_values import answer_json, export, result_json

_LISTED = 20
_KEPT: dict[State, str] = {
    "running": "the call is being made",
    "saved": "pictures",
    "links": "links to pictures that were not fetched yet",
    "unread": "an answer or bytes that could not be read so far",
    "failed": "no picture",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument("action", nargs="?", default="list", choices=tuple(_ACTIONS), help="default: %(default)s")
    parser.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="an id from the list, or latest; import: the folder of another vault or home, or a database's address",
    )
    parser.add_argument("folder", nargs="?", type=user_path, metavar="DIR", help="where export writes")
    parser.add_argument(
        "--limit", type=_count, metavar="N", help=f"how many to list; default: {_LISTED}, all of them with --json"
    )
    parser.add_argument(
        "--redacted", action="store_true", help="answer without keys, signatures and the prompt; default: as it came"
    )
    parser.add_argument("--with-prompt", action="store_true", help="with --redacted: keep the prompt; default: no")
    parser.add_argument("--older-than", type=_days, metavar="DAYS", help="prune: what is older than this")
    parser.add_argument(
        "--apply", action="store_true", help="prune: move it to the vault's trash folder; default: only list it"
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout, nothing else; default: lines")


def run(options: argparse.Namespace) -> int:
    """One action of the command; the exit status. Raises `config` for an unknown id."""
    if options.action not in ("list", "prune") and not options.id:
        options.parser.error(
            "import needs a folder or the address of a database"
            if options.action == "import"
            else f"{options.action} needs an ID; `latest` is the newest"
        )
    if options.action == "export" and not options.folder:
        options.parser.error("export needs a DIR")
    if options.action == "prune" and options.older_than is None:
        options.parser.error("prune needs --older-than DAYS")
    if options.action == "export":
        check_folder(options.folder)
    config = load_config(home(os.environ))
    if config.problem and not config.understood:
        output.log(f"warning: {config.problem.message}")
    vault = open_vault(config, os.environ)
    vault.close_dead_runs()
    return _ACTIONS[options.action](vault, options)


def _list(vault: Vault, options: argparse.Namespace) -> int:
    return show_list(vault, options.limit, as_json=options.json)


def _show(vault: Vault, options: argparse.Namespace) -> int:
    result = vault.result(options.id)
    for file in result.files:
        file.brought()
    output.show_json(result_json(result)) if options.json else _show_lines(result)
    return 0


def _fetch(vault: Vault, options: argparse.Namespace) -> int:
    outcome = _reloaded(vault, options)
    report = outcome.report()
    return _end(options, report, [image["path"] for image in report["images"]], outcome)


def _export(vault: Vault, options: argparse.Namespace) -> int:
    outcome = _reloaded(vault, options)
    exported = export(vault.result(options.id), outcome, options.folder)
    if exported.paths:
        outcome = replace(outcome, error=None, warnings=exported.warnings)
    report = {**outcome.report(), "images": list(exported.images)}
    return _end(options, report, exported.paths, outcome)


def _answer(vault: Vault, options: argparse.Namespace) -> int:
    result = vault.result(options.id)
    answer = answer_json(vault, result, redact=options.redacted, with_prompt=options.with_prompt)
    if options.json:
        output.show_json(answer)
        return 0
    for line in answer["text"].splitlines():
        output.show(line)
    output.log(
        f"Status {answer['status']}, {answer['content_type'] or 'no content type'}, request "
        f"{answer['request_id'] or 'without an id'}, from {answer['answered_by']}; it ended: {answer['ending']}."
    )
    return 0


def _prune(vault: Vault, options: argparse.Namespace) -> int:
    try:
        results = vault.prune(options.older_than, apply=options.apply)
    except OSError as error:
        raise GPT4oImageError("config", f"The vault in {vault.place} cannot be pruned: {error}.") from error
    if options.json:
        output.show_json([result_json(result) for result in results])
        return 0
    for result in results:
        output.show(_line(result, with_machine=vault.is_shared))
    where = f"moved to {vault.folder / 'trash'}" if options.apply else "to go; --apply moves them to the trash"
    output.log(f"Results {where}: {len(results)}.")
    return 0


def _import(vault: Vault, options: argparse.Namespace) -> int:
    try:
        done = vault.import_from(vault_at(options.id, load_config(home(os.environ))))
    except OSError as error:
        raise GPT4oImageError("config", f"The import into {vault.place} broke off: {error}.") from error
    if options.json:
        output.show_json(vars(done))
        return 0
    output.show(f"{done.new} results are new here, {done.completed} were completed, {done.known} were here already.")
    if done.running:
        output.log(f"{done.running} are still being made there. Import again when they have ended.")
    for name in done.gone:
        output.log(f"warning: {name} is gone or damaged there.")
    return 0


_ACTIONS: dict[str, Callable[[Vault, argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "fetch": _fetch,
    "export": _export,
    "answer": _answer,
    "read": _fetch,
    "prune": _prune,
    "import": _import,
}


def _reloaded(vault: Vault, options: argparse.Namespace) -> Outcome:
    result = vault.result(options.id)
    config = load_config(home(os.environ))
    with stop_on_ctrl_c() as stop:
        outcome = reload(
            vault,
            result,
            own_origins(result.gateway, config, os.environ),
            notify=_progress,
            cancelled=stop.is_set,
            key=gateway_key(result.gateway, config, os.environ),
            read_again=options.action == "read",
        )
        if stop.is_set() and outcome.error:
            problem = f"Interrupted. `gpt4o-image results fetch {result.id}` goes on, for free."
            outcome = replace(outcome, error=GPT4oImageError("cancelled", problem, billed=result.billed))
        return outcome


def _progress(event: RunEvent) -> None:
    if isinstance(event, Downloading):
        output.log(f"{event.done} of {event.total} pictures are downloaded")


def show_list(vault: Vault, limit: int | None, *, as_json: bool) -> int:
    """The newest results, newest first: `limit` of them, or all as JSON and some as lines; the exit status."""
    if as_json:
        output.show_json([result_json(result) for result in vault.results(limit)])
        return 0
    results = vault.results(_LISTED if limit is None else limit)
    for result in results:
        output.show(_line(result, with_machine=vault.is_shared))
    output.log(f"Spent: ${vault.spent_today():.3f} today." if results or vault.count() else "Nothing was paid for yet.")
    return 0


def _line(result: Result, *, with_machine: bool) -> str:
    cost = "?" if result.cost_usd is None else f"{result.cost_usd:.3f}"
    state = result.error.get("kind", "error") if result.error else result.status
    prompt = shorten(" ".join(result.prompt.split()), 60)
    if with_machine:
        prompt = f"{result.machine or '?':<12}  {prompt}"
    return f"{result.id}  {state:<16} {len(result.files)} picture(s)  ${cost}  {prompt}"


def _show_lines(result: Result) -> None:
    shown = result_json(result)
    for key in ("id", "created", "machine", "status", "model", "billed", "cost_usd", "prompt"):
        if shown[key] is not None:
            output.show(f"{key + ':':<10}{shown[key]}")
    output.show(f"kept:     {_KEPT[result.state]}")
    if result.error:
        output.show(f"error:    {error_from_json(result.error)}")
    for image in shown["images"]:
        output.show(f"picture:  {image['path'] or 'not fetched yet'}")
        for link in image["links"]:
            output.show(f"          {link}")


def _end(options: argparse.Namespace, report: dict[str, Any], paths: Sequence[str | None], outcome: Outcome) -> int:
    if options.json:
        output.show_json(report)
    else:
        output.show_outcome(paths, outcome.warnings, outcome.error)
    if outcome.error:
        return 130 if outcome.error.kind == "cancelled" else 1
    return 0


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError("a count must be 0 or more")
    return count


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < 1e6:
        raise argparse.ArgumentTypeError("DAYS must be 0 or more")
    return days
