"""`gpt4o-image check`: prints what the free check found."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from ..errors import GPT4oImageError
from ..gateway.config import DEFAULT, Config, load_config
from ..home import home
from . import output

if TYPE_CHECKING:
    from ..gateway.check import Finding


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

    config = load_config(home(os.environ))
    findings = [*check(config, os.environ, options.gateway, reach), _vault(config)]
    if options.json:
        output.show_json([finding.as_json() for finding in findings])
    for finding in () if options.json else findings:
        output.show(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.text}")
        if finding.advice:
            output.show(f"     {finding.advice}")
    return 0 if all(finding.ok or finding.name == "backup host" for finding in findings) else 1


def _vault(config: Config) -> Finding:
    """Whether what was paid for can be read and claimed; a database is connected to."""
    from ..gateway.check import Finding
    from ..vault.opening import open_vault

    try:
        vault = open_vault(config, os.environ)
        return Finding("vault", True, f"{vault.place} can be read. Results in it: {vault.count()}.")
    except GPT4oImageError as error:
        return Finding("vault", False, error.problem, error.advice or f"Nothing is sent without it; see {config.path}.")
