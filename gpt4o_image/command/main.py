"""The command `gpt4o-image`: the same use case as the nodes, from a shell."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GPT4oImageError
from ..gateway.aihubmix import AIHUBMIX
from ..gateway.config import DEFAULT, HOME_VARIABLE, SIMULATOR, load_config, set_key
from ..gateway.profiles import has_key
from ..outcome import Outcome
from ..request import Request
from ..vault.files import save_new

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]

OK, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 ok, 1 failed, 2 wrong usage, 130 interrupted."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    # Windows gives a pipe cp1252, which would end a paid run at the first path or prompt it cannot spell.
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")
    try:
        status = run(options)
        sys.stdout.flush()
    except GPT4oImageError as error:
        _say(f"error: {error}")
        return INTERRUPTED if error.kind == "cancelled" else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has enough; Python's own flush at exit would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


def home() -> Path:
    """The folder of config and vault on the command line: GPT4O_IMAGE_HOME, else the user's data folder."""
    import platformdirs

    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("gpt4o_image", appauthor=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("gpt4o-image", description="Pictures by AiHubMix's gpt-4o-image models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(commands)
    _add_demo_and_simulate(commands)
    _add_upkeep(commands)
    return parser


def _add_generate(commands: Commands) -> None:
    generate = commands.add_parser("generate", help="make pictures with one paid call")
    generate.add_argument("prompt", metavar="PROMPT")
    generate.add_argument("--model", default="gpt-4o-image-vip")
    generate.add_argument("--ratio", default="auto", help="auto, 1:1, 2:3 or 3:2")
    generate.add_argument("--background", default="auto", help="auto, transparent or opaque")
    generate.add_argument("--reference", action="append", default=[], metavar="FILE", help="up to 16 of them")
    generate.add_argument(
        "--api", default="chat", choices=("chat", "images"), help="endpoint; images has no references"
    )
    generate.add_argument("--size", default="auto", help="with --api images: auto, 1024x1024, 1536x1024 or 1024x1536")
    generate.add_argument("--n", type=int, default=1, help="with --api images: 1 to 10 pictures")
    generate.add_argument("--count", default="auto", help="auto, 1, 2 or 4 pictures for the same price")
    generate.add_argument("--seed", type=int, default=0, help="not sent; another number buys another picture")
    generate.add_argument("--gateway", help="a profile of config.toml, aihubmix or simulator")
    generate.add_argument("--artist-names", default="stop", help="stop, warn or allow")
    generate.add_argument("--no-reuse", action="store_true", help="pay again even for a request paid for before")
    generate.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder for the pictures")
    generate.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    generate.set_defaults(run=_generate)


def _add_demo_and_simulate(commands: Commands) -> None:
    demo = commands.add_parser("demo", help="run an example workflow in a real ComfyUI")
    demo.add_argument("--gateway", default=SIMULATOR, help="simulator (free, default) or aihubmix (paid)")
    demo.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder for the picture")
    demo.set_defaults(run=_demo)

    simulate = commands.add_parser("simulate", help="run the embedded gateway alone")
    simulate.add_argument("--port", type=int, default=8811)
    simulate.add_argument("--speed", type=float, default=1.0, help="2 is twice as fast, 0 answers at once")
    simulate.set_defaults(run=_simulate)


def _add_upkeep(commands: Commands) -> None:
    results = commands.add_parser("results", help="what was paid for: list, show, fetch again, export")
    results.add_argument("action", nargs="?", default="list", choices=("list", "show", "fetch", "export"))
    results.add_argument("id", nargs="?", metavar="ID", help="an id from the list, or latest")
    results.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where export writes")
    results.add_argument("--limit", type=int, help="how many to list; 20 for a terminal, all with --json")
    results.add_argument("--json", action="store_true", help="JSON on stdout, nothing else")
    results.set_defaults(run=_results, parser=results)

    check = commands.add_parser("check", help="key, reachability, models, balance: nothing that costs")
    check.add_argument("--gateway", default=DEFAULT)
    check.add_argument("--json", action="store_true", help="JSON on stdout, nothing else")
    check.set_defaults(run=_check)

    key = commands.add_parser("key", help="keep a gateway's key in config.toml, or remove it")
    key.add_argument("action", choices=("set", "forget"))
    key.add_argument("--gateway", default=AIHUBMIX)
    key.set_defaults(run=_key)


def _generate(options: argparse.Namespace) -> int:
    from ..generation import generate
    from .results import tell

    with _stop_on_ctrl_c() as stop, _Bar() as bar:
        try:
            config = load_config(home())
            gateway = options.gateway or DEFAULT
            if not options.gateway and not has_key(config, os.environ):
                _say(f"No key is set: this picture comes from the {SIMULATOR}, for free.")
                gateway = SIMULATOR
            outcome = generate(
                _request(options, stop.is_set),
                gateway,
                config,
                os.environ,
                notify=bar.tell,
                cancelled=stop.is_set,
                reuse=not options.no_reuse,
                linger_s=15.0,
            )
        except GPT4oImageError as error:
            outcome = Outcome(options.model, error=error, cost_usd=0.0)
    paths = tuple(str(path) for path in _save(outcome, options.out))
    if options.json:
        print(json.dumps(outcome.report(paths)))  # noqa: T201
    else:
        if outcome.reused:
            _say(f"Paid for before: these pictures come from the vault ({outcome.result_id}), nothing was sent.")
        tell(outcome, paths, _say)
    if outcome.error:
        return INTERRUPTED if outcome.error.kind == "cancelled" else FAILED
    return OK


def _request(options: argparse.Namespace, cancelled: Callable[[], bool]) -> Request:
    from ..pictures.references import Policy, prepare, read_file

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


def _save(outcome: Outcome, folder: Path) -> list[Path]:
    """The gateway's bytes untouched; the extension follows the bytes, not the link."""
    from ..pictures.formats import extension

    return [save_new(folder, extension(picture.decoded.mime), picture.data) for picture in outcome.pictures]


def _demo(options: argparse.Namespace) -> int:
    from .demo import DemoFailed, demo

    try:
        print(demo(options.gateway, options.out, load_config(home()), os.environ, say=_say))  # noqa: T201
    except DemoFailed as error:
        _say(f"error: {error}")
        return FAILED
    return OK


def _simulate(options: argparse.Namespace) -> int:
    from ..simulator import Simulator

    with _stop_on_ctrl_c() as stop, Simulator(port=options.port, speed=options.speed) as simulator:
        _say(f"The simulator answers at {simulator.base_url}; Ctrl+C ends it.")
        while not stop.wait(0.2):  # a wait without an end would swallow Ctrl+C on Windows
            pass
    return OK


def _results(options: argparse.Namespace) -> int:
    from . import results

    if options.action != "list" and not options.id:
        options.parser.error(f"results {options.action} needs an ID; `latest` is the newest")
    if options.action == "export" and not options.folder:
        options.parser.error("results export needs a DIR")
    with _stop_on_ctrl_c() as stop:
        return results.run(options, load_config(home()), os.environ, cancelled=stop.is_set, say=_say)


def _check(options: argparse.Namespace) -> int:
    from ..gateway.check import check

    findings = check(load_config(home()), os.environ, options.gateway)
    if options.json:
        print(json.dumps([finding.as_json() for finding in findings]))  # noqa: T201
    for finding in () if options.json else findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.text}")  # noqa: T201
        if finding.advice:
            print(f"     {finding.advice}")  # noqa: T201
    return OK if all(finding.ok or finding.name == "backup host" for finding in findings) else FAILED


def _key(options: argparse.Namespace) -> int:
    import getpass

    api_key: str | None = None
    if options.action == "set":
        api_key = getpass.getpass(f"Key of {options.gateway} (not shown): ").strip()
        if not api_key:
            raise GPT4oImageError("config", "No key was typed; nothing was changed.")
    _say(f"{'Kept in' if api_key else 'Removed from'} {set_key(home(), options.gateway, api_key)}")
    return OK


class _stop_on_ctrl_c:  # noqa: N801 - reads as the statement it is
    """Turns the first Ctrl+C into a request to stop, so that the connection is closed and the outcome told."""

    def __enter__(self) -> threading.Event:
        stop = threading.Event()
        self._before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread():

            def on_signal(*_: object) -> None:
                stop.set()

            signal.signal(signal.SIGINT, on_signal)
        return stop

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)


class _Bar:
    """Progress on stderr, where that is a terminal."""

    def __enter__(self) -> _Bar:
        from tqdm import tqdm

        self._bar: Any = tqdm(
            total=100, file=sys.stderr, disable=not sys.stderr.isatty(), bar_format="{desc:<18}|{bar:30}| {n_fmt} %"
        )
        self._bar.set_description_str("sending")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tell(self, notice: object) -> None:
        """One step of a run."""
        from ..answer.events import Generating, Progress, Queued
        from ..run_events import Downloading, Recorded, Waiting

        words: dict[type[object], str] = {
            Waiting: "waiting",
            Recorded: "sending",
            Queued: "queued",
            Generating: "generating",
        }
        if isinstance(notice, Progress):
            self._bar.set_description_str("painting", refresh=False)
            self._bar.update(notice.percent - self._bar.n)
        elif isinstance(notice, Downloading):
            self._bar.set_description_str(f"downloading {notice.done}/{notice.total}")
        elif word := words.get(type(notice)):
            self._bar.set_description_str(word)


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201
