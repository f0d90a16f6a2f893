"""`gpt4o-image simulate`: the embedded gateway alone, until Ctrl+C."""

from __future__ import annotations

import argparse

from ..errors import GPT4oImageError
from . import output
from .interrupt import stop_on_ctrl_c


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    parser.add_argument("--port", type=_port, default=8811, help="0 picks a free one; default: %(default)s")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="2 is twice as fast, 0 answers at once; default: %(default)s"
    )


def run(options: argparse.Namespace) -> int:
    """Serves on loopback until Ctrl+C. Raises `config` for a port that is taken."""
    from ..simulator import Simulator

    simulator = Simulator(port=options.port, speed=options.speed)
    with stop_on_ctrl_c() as stop:
        try:
            simulator.start()
        except OSError as error:
            raise GPT4oImageError(
                "config",
                f"The simulator cannot listen on port {options.port}: {error.strerror}. "
                "Name another one with --port; --port 0 picks a free one.",
            ) from error
        with simulator:
            output.log(f"The simulator answers at {simulator.base_url}; Ctrl+C ends it.")
            while not stop.wait(0.2):  # a wait without an end would swallow Ctrl+C on Windows
                pass
    return 0


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port must be 0 to 65535")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed <= 1e6:  # also not a number
        raise argparse.ArgumentTypeError("a speed must be 0 to 1000000")
    return speed
