"""What is asked for, as one frozen value, and whether it can be asked at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .errors import GPT4oImageError

ASPECT_RATIOS = ("auto", "1:1", "2:3", "3:2")
BACKGROUNDS = ("auto", "transparent", "opaque")
COUNTS = ("auto", "1", "2", "4")
ARTIST_NAMES = ("stop", "warn", "allow")
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Request:
    """One paid call. `seed` is never sent: the models have none; a new value buys a new picture."""

    prompt: str
    model: str = "gpt-4o-image-vip"
    aspect_ratio: str = "auto"
    background: str = "auto"
    count: str = "auto"
    seed: int = 0
    artist_names: str = "stop"

    def options(self) -> dict[str, str | int]:
        """All but the prompt, as reports and the vault keep it."""
        return {name: value for name, value in asdict(self).items() if name != "prompt"}

    @property
    def expected(self) -> int | None:
        """How many pictures were asked for; None leaves it to the model."""
        return None if self.count == "auto" else int(self.count)


def check_request(request: Request, models: Sequence[str]) -> None:
    """Raises `bad_request` or `bad_model` for what the gateway would refuse, or bill and ignore."""
    if not request.prompt.strip():
        raise GPT4oImageError("bad_request", "The prompt is empty. Write what the picture should show.")
    if request.model not in models:
        raise GPT4oImageError(
            "bad_model",
            f'The gateway has no model "{request.model}". Choose one of {", ".join(models)}, '
            "or name it under `models` of the gateway's profile in config.toml.",
        )
    _check_choice("aspect ratio", request.aspect_ratio, ASPECT_RATIOS)
    _check_choice("background", request.background, BACKGROUNDS)
    _check_choice("count", request.count, COUNTS)
    _check_choice("artist_names", request.artist_names, ARTIST_NAMES)
    if not 0 <= request.seed <= MAX_SEED:
        raise GPT4oImageError("bad_request", f"The seed {request.seed} is not between 0 and {MAX_SEED}.")


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise GPT4oImageError(
            "bad_request", f'The {name} "{value}" is not possible. Choose one of {", ".join(choices)}.'
        )
