"""`gpt4o-image generate`: one paid call, its pictures as files, its report."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import Billed, GPT4oImageError
from ..gateway.config import DEFAULT, SIMULATOR, Config, load_config
from ..gateway.profiles import has_key
from ..home import home, user_path
from ..outcome import Outcome
from ..picture_files import check_folder, reason, save_new
from ..request import ARTIST_NAMES, ASPECT_RATIOS, BACKGROUNDS, COUNTS, MAX_FRAMES, MAX_N, SIZES, Request
from . import output
from .interrupt import stop_on_ctrl_c
from .progress_bar import ProgressBar

# After Ctrl+C: how long downloads of pictures that are paid for may take before this process ends.
_LINGER_S = 15.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    add = parser.add_argument
    add("prompt", metavar="PROMPT", help="what to draw")
    add_shared_options(parser)
    add("--reference", action="append", default=[], type=user_path, metavar="FILE",
        help=f"a picture to draw from; repeat it for more, at most {MAX_FRAMES}; default: none")  # fmt: skip
    add("--seed", type=int, default=0, help="not sent; another number buys another picture; default: %(default)s")
    add("--api", default="chat", choices=("chat", "images"), help="the endpoint; images takes no references, "
        "and --size and --n in place of --ratio and --count; default: %(default)s")  # fmt: skip
    add("--size", default="auto", choices=tuple(SIZES), help="with --api images; default: %(default)s")
    add("--n", type=int, default=1, choices=range(1, MAX_N + 1), metavar=f"1..{MAX_N}",
        help="pictures, with --api images; default: %(default)s")  # fmt: skip
    add("--json", action="store_true", help="one JSON object on stdout, nothing else; default: one path a line")
    add("--no-reuse", action="store_true", help="pay again for a request that was paid for; default: its pictures "
        "come from the vault, for free")  # fmt: skip


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """Those that a batch has too, for all of its rows."""
    add = parser.add_argument
    add("--model", default="gpt-4o-image-vip", help="gpt-4o-image-vip, gpt-4o-image, or one that config.toml names; "
        "default: %(default)s")  # fmt: skip
    add("--ratio", default="auto", choices=ASPECT_RATIOS, help="asked for in the prompt; default: %(default)s")
    add("--background", default="auto", choices=BACKGROUNDS, help="asked for in the prompt; default: %(default)s")
    add("--count", default="auto", choices=COUNTS, help="pictures for the one price; default: %(default)s")
    add("--gateway", metavar="NAME", help=f"aihubmix, a profile of config.toml, or {SIMULATOR}; "
        f"default: the choice of config.toml, else aihubmix, and {SIMULATOR} where no key is set")  # fmt: skip
    add("--artist-names", default="stop", choices=ARTIST_NAMES,
        help="a living artist's name is refused and billed: what to do with one; default: %(default)s")  # fmt: skip
    add("--out", type=user_path, default=Path(), metavar="DIR", help="the folder for the pictures; default: this one")


def run(options: argparse.Namespace) -> int:
    """The exit status. Everything that goes wrong is printed as a report or as one line."""
    with stop_on_ctrl_c() as stop:
        outcome = _outcome(options, stop.is_set)
        paths, unsaved = _save(outcome, options.out)
        error = outcome.error or unsaved
        try:
            _print(outcome, paths, error, as_json=options.json)
        except output.OutputLost:
            if saved := ", ".join(filter(None, paths)):
                output.log(f"This is result {outcome.result_id}, in these files: {saved}.")
            raise
    if error:
        return 130 if error.kind == "cancelled" else 1
    return 0


def _print(outcome: Outcome, paths: list[str | None], error: GPT4oImageError | None, *, as_json: bool) -> None:
    if as_json:
        report = outcome.report(tuple(paths))
        output.show_json(report | {"status": "error", "error": error.as_json()} if error else report)
        return
    if outcome.reused:
        output.log(f"Paid for before: these pictures come from the vault ({outcome.result_id}), nothing was sent.")
    output.show_outcome(paths, outcome.warnings, error)


def _outcome(options: argparse.Namespace, cancelled: Callable[[], bool]) -> Outcome:
    from ..generation import generate

    with ProgressBar() as bar:
        try:
            check_folder(options.out)
            config = load_config(home(os.environ))
            return generate(
                _request(options, cancelled),
                gateway_or_simulator(options.gateway, config),
                config,
                os.environ,
                notify=bar.show,
                cancelled=cancelled,
                reuse=not options.no_reuse,
                linger_s=_LINGER_S,
            )
        except GPT4oImageError as error:
            return Outcome(options.model, error=error, cost_usd=0.0)


def gateway_or_simulator(named: str | None, config: Config) -> str:
    """The gateway that is named, else the default one; where that has no key the simulator, with a line on stderr."""
    if named or has_key(config, os.environ) or not config.understood:
        return named or DEFAULT
    output.log(f"No key is set, so this comes from the {SIMULATOR}, for free.")
    return SIMULATOR


def _request(options: argparse.Namespace, cancelled: Callable[[], bool]) -> Request:
    from ..pictures.frames import read_file
    from ..pictures.references import Policy, prepare

    return Request(
        prompt=options.prompt,
        model=options.model,
        aspect_ratio=options.ratio,
        background=options.background,
        count=options.count,
        seed=options.seed,
        artist_names=options.artist_names,
        endpoint=options.api,
        size=options.size,
        n=options.n,
        references=tuple(prepare([read_file(path) for path in options.reference], Policy(), cancelled=cancelled)),
    )


def _save(outcome: Outcome, folder: Path) -> tuple[list[str | None], GPT4oImageError | None]:
    """The gateway's bytes untouched in new files; the extension follows the bytes, not the link.

    Gives a path for each picture, None where it could not be written, and then an error with the way to get it.
    """
    from ..pictures.formats import extension

    paths: list[str | None] = [None] * len(outcome.pictures)
    try:
        for number, picture in enumerate(outcome.pictures):
            paths[number] = str(save_new(folder, extension(picture.decoded.mime), picture.data))
    except OSError as problem:
        return paths, _unsaved(outcome, folder, problem)
    return paths, None


def _unsaved(outcome: Outcome, folder: Path, problem: OSError) -> GPT4oImageError:
    billed: Billed = "no" if outcome.reused or outcome.cost_usd == 0.0 else "yes"
    return GPT4oImageError(
        "config",
        f"The pictures are in the vault, but they could not be written to {folder}: {reason(problem)}. "
        f"`gpt4o-image results export {outcome.result_id} DIR` writes them to another folder, for free.",
        billed=billed,
    )
