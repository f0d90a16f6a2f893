"""A request as one frozen value, and the check whether it can be sent. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import GPT4oImageError

Endpoint = Literal["chat", "images"]

ASPECT_RATIOS = ("auto", "1:1", "2:3", "3:2")
BACKGROUNDS = ("auto", "transparent", "opaque")
COUNTS = ("auto", "1", "2", "4")
ARTIST_NAMES = ("stop", "warn", "allow")
# The Images API's sizes, and the ratio that is written into the prompt as well: AiHubMix, "GPT-4o-image".
SIZES = {"auto": "auto", "1024x1024": "1:1", "1536x1024": "3:2", "1024x1536": "2:3"}
MAX_N = 10
MAX_FRAMES = 16  # of references
# Any whole number that a graph can hold reaches us: 64 bits with a sign, or without one.
MIN_SEED, MAX_SEED = -(2**63), 2**64 - 1


@dataclass(frozen=True, eq=False)
class Part:
    """A picture as it is sent. `source` is (width, height) before; `quality` is None where nothing is lost; `steps` are
    for people. `pixels_key` stands for the source's pixels and the compression policy, whatever the encoder makes.
    """

    data: bytes
    mime: str
    width: int
    height: int
    digest: str  # SHA-256 of `data`
    pixels_key: str
    name: str
    source: tuple[int, int]
    quality: int | None
    flattened: tuple[int, int, int] | None
    steps: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # sentences on what was left out when the source was read

    def as_report(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "source": list(self.source),
            "sent": [self.width, self.height],
            "bytes": len(self.data),
            "format": self.mime.removeprefix("image/"),
            "quality": self.quality,
            "flattened": list(self.flattened) if self.flattened else None,
            "steps": [*self.remarks, *self.steps],
        }

    def data_url(self) -> str:
        """The picture as the chat endpoint takes it: `data:image/...;base64,...`."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True)
class Request:
    """One paid call. `seed` is never sent: the models have none; a new value buys a new picture.

    `count` and `references` are of the chat endpoint, `size` and `n` of the Images API. Half of a surrogate pair in
    `prompt`, as a cut emoji or a byte of another code page leaves one, is read as U+FFFD: no UTF-8 can carry it.
    """

    prompt: str
    model: str = "gpt-4o-image-vip"
    aspect_ratio: str = "auto"
    background: str = "auto"
    count: str = "auto"
    seed: int = 0
    artist_names: str = "stop"
    endpoint: Endpoint = "chat"
    size: str = "auto"
    n: int = 1
    references: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        whole = self.prompt.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        object.__setattr__(self, "prompt", whole)

    def options(self) -> dict[str, str | int]:
        """The options besides the prompt, as the vault keeps them."""
        chosen: dict[str, str | int] = {"background": self.background, "seed": self.seed}
        if self.endpoint == "images":
            return {**chosen, "size": self.size, "n": self.n}
        return {**chosen, "aspect_ratio": self.aspect_ratio, "count": self.count}

    @property
    def expected(self) -> int | None:
        """How many pictures were asked for; None leaves it to the model."""
        if self.endpoint == "images":
            return self.n
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
    _check_choice("size", request.size, tuple(SIZES))
    _check_choice("artist_names", request.artist_names, ARTIST_NAMES)
    _check_range("n", request.n, 1, MAX_N)
    _check_range("seed", request.seed, MIN_SEED, MAX_SEED)
    _check_endpoint(request)


def _check_endpoint(request: Request) -> None:
    """An option that the endpoint would ignore is a mistake."""
    if request.endpoint == "images" and request.references:
        raise GPT4oImageError(
            "bad_request", "The Images API takes no references. Use the chat endpoint, or leave them out."
        )
    ignored = {
        "images": {"aspect ratio": request.aspect_ratio != "auto", "count": request.count != "auto"},
        "chat": {"size": request.size != "auto", "n": request.n != 1},
    }[request.endpoint]
    for name, given in ignored.items():
        if given:
            instead = {"aspect ratio": "size", "count": "n", "size": "the aspect ratio", "n": "count"}[name]
            raise GPT4oImageError(
                "bad_request", f"The {request.endpoint} endpoint has no {name}. Choose {instead} instead."
            )


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise GPT4oImageError(
            "bad_request", f'The {name} "{value}" is not possible. Choose one of {", ".join(choices)}.'
        )


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise GPT4oImageError("bad_request", f"The {name} {value} is not between {least} and {most}.")
