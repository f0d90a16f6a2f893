"""`gpt4o-image check`: prints what the free check found."""

from __future__ import annotations

import argparse
import os

from ..gateway.config import DEFAULT, load_config
from ..home import home
from . import output


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument(
        "--gateway",
        default=DEFAULT,
        metavar="NAME",
        help="aihubmix or a profile of config.toml; default: the choice of config.toml, else aihubmix",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array on stdout, nothing else; default: lines")


def run(options: argparse.Namespace) -> int:
    """0 where a picture can be made; a backup host that is away is printed and does no harm."""
    from ..download.connection import reach
    from ..gateway.check import check

    findings = check(load_config(home(os.environ)), os.environ, options.gateway, reach)
    if options.json:
        output.show_json([finding.as_json() for finding in findings])
    for finding in () if options.json else findings:
        output.show(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.text}")
        if finding.advice:
            output.show(f"     {finding.advice}")
    return 0 if all(finding.ok or finding.name == "backup host" for finding in findings) else 1
