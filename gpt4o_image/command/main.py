"""The command `gpt4o-image`: which of its commands is meant, its exit status, and the one place where errors end."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from traceback import extract_tb

from ..errors import GPT4oImageError
from ..gateway.sdk import install_command
from ..home import PACK_ROOT
from . import output
from .parser import Parser, UsageError

# Each is a module here with `add_options` and `run`; only the one that is meant is imported.
COMMANDS = {
    "generate": "make pictures with one paid call",
    "batch": "make a picture for each row of a sheet, side by side",
    "results": "what was paid for: list, show, fetch, export, answer, read, prune, import",
    "check": "check key, network, models and balance, for free",
    "key": "keep a gateway's key in config.toml, or remove it",
    "demo": "run an example workflow in a real ComfyUI",
    "simulate": "run the embedded gateway alone",
}
OK, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit status: 0 ok, 1 failed, 2 wrong usage, 130 interrupted. Never raises for an OSError."""
    output.prepare()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except output.OutputLost as lost:
        output.give_up_stdout()
        if not lost.reader_gone:
            output.log(f"error: stdout cannot be written: {lost}.")
        return FAILED


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        options = _parser(arguments[0] if arguments else "").parse_args(arguments)
        run: Callable[..., int] = options.run
        return run(options)
    except UsageError as error:
        if as_json:
            output.show_error(GPT4oImageError("bad_request", str(error)), as_json=True)
        else:
            output.log(f"error: {error}")
        return WRONG_USAGE
    except GPT4oImageError as error:
        output.show_error(error, as_json=as_json)
        return INTERRUPTED if error.kind == "cancelled" else FAILED
    except KeyboardInterrupt:
        output.show_error(GPT4oImageError("cancelled", "Interrupted."), as_json=as_json)
        return INTERRUPTED
    except SystemExit as ended:  # --help and --version, which argparse prints
        output.flush()
        return int(ended.code or OK)
    except output.OutputLost:
        raise
    except Exception as error:  # noqa: BLE001 - the last boundary: a shell gets one line, whatever went wrong
        output.show_error(_unforeseen(error), as_json=as_json)
        return FAILED


def _unforeseen(error: Exception) -> GPT4oImageError:
    """What no command expected, with its place in our code for a bug report."""
    if isinstance(error, ModuleNotFoundError):
        return GPT4oImageError(
            "config",
            f"The package {error.name} is missing. To install it with all others: "
            f"{install_command(Path(sys.executable), PACK_ROOT / 'requirements.txt')}",
        )
    if isinstance(error, OSError):
        return GPT4oImageError("config", f"{error}.")
    ours = [frame for frame in extract_tb(error.__traceback__) if "gpt4o_image" in frame.filename]
    place = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else "outside of gpt4o_image"
    return GPT4oImageError(
        "config",
        f"An unexpected error occurred: {type(error).__name__}: {error} ({place}). `gpt4o-image results` lists what "
        "was paid for. Please report this.",
        billed="unknown",
    )


def _parser(named: str) -> Parser:
    """With the options of the command that is `named`."""
    parser = Parser("gpt4o-image", description="Pictures by AiHubMix's gpt-4o-image models.")
    parser.add_argument("--version", action="version", version=f"gpt4o-image {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == named:
            module = import_module(f".{name}", __package__)
            module.add_options(command)
            command.set_defaults(run=module.run, parser=command)
    return parser


def _version() -> str:
    """Of the checkout that this file is in, else of the installed package: pyproject.toml alone holds it."""
    from importlib.metadata import version

    try:
        project = (PACK_ROOT / "pyproject.toml").read_text("utf-8")
    except OSError:
        return version("gpt4o-image")
    found = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    return found[1] if found else "unknown"
