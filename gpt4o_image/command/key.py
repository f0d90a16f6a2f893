"""`gpt4o-image key`: a gateway's key into config.toml, or out of it."""

from __future__ import annotations

import argparse

from ..errors import GPT4oImageError
from ..gateway.aihubmix import AIHUBMIX
from ..gateway.config import set_key
from ..home import home
from . import output


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument("action", choices=("set", "forget"))
    parser.add_argument(
        "--gateway", default=AIHUBMIX, metavar="NAME", help="aihubmix or a profile of config.toml; default: %(default)s"
    )


def run(options: argparse.Namespace) -> int:
    """Asks for the key without echo. Raises `config` where none is typed."""
    import getpass

    api_key: str | None = None
    if options.action == "set":
        api_key = getpass.getpass(f"Key of {options.gateway} (not shown): ").strip()
        if not api_key:
            raise GPT4oImageError("config", "No key was typed; nothing was changed.")
    output.say(f"{'Kept in' if api_key else 'Removed from'} {set_key(home(), options.gateway, api_key)}")
    return 0
