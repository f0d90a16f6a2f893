"""References: pictures as upload parts within a budget of bytes. Knows neither torch nor the gateway."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, get_args

from ..errors import GPT4oImageError
from ..request import MAX_FRAMES, Part
from .encode import JPEG, PNG, WEBP, Colour, Fit, Form, Guess, PartCache, guess, in_words, shrink
from .frames import LARGEST_SIDE_PX, Frame, reference_error
from .pixels import Samples
from .scale import Scaled, Unusable, sample, scale

Format = Literal["auto", "jpeg", "webp", "png"]
_Result = TypeVar("_Result")

MAX_PART_BYTES = 20 * 10**6  # for a picture: OpenAI's older guides, AiHubMix
MAX_REQUEST_BYTES = 50 * 10**6  # for a request, in base64: OpenAI's vision guide

_WHITE = (255, 255, 255)
_LOWER_QUALITY = 85
_WEBP_BELOW_JPEG = 2  # WebP q90 looks as JPEG q92 does
_WORTH_IT = 1.1  # what was cut is made again only when it may grow by more
_POLL_S = 0.1


@dataclass(frozen=True)
class Policy:
    """How pictures are sent: the longest side, the format, and the bytes for a picture and for all of them.

    `auto` is JPEG 4:4:4 for opaque pictures and WebP with exact alpha for others: without loss where that is smaller,
    and small ones where it fits; else at `quality` - 2. `flatten_on` lays transparent pictures over a colour; JPEG
    without it takes white.
    """

    max_side_px: int = 1536
    format: Format = "auto"
    quality: int = 92
    budget_bytes: int = 1 << 20
    request_base64_bytes: int = 4 << 20
    flatten_on: Colour | None = None

    def __post_init__(self) -> None:
        if not 512 <= self.max_side_px <= LARGEST_SIDE_PX:
            raise reference_error(
                f"The longest side of references must be 512 to {LARGEST_SIDE_PX} pixels, not {self.max_side_px}."
            )
        if self.format not in get_args(Format):
            raise reference_error(f"References are sent as {', '.join(get_args(Format))}, not {self.format}.")
        if not 1 <= self.quality <= 100:
            raise reference_error(f"The quality of references must be 1 to 100, not {self.quality}.")
        if min(self.budget_bytes, self.request_base64_bytes) < 16 << 10:
            raise reference_error("The budget of references must be at least 16 KiB.")
        if self.flatten_on and not all(0 <= level <= 255 for level in self.flatten_on):
            raise reference_error(f"A colour must be three numbers from 0 to 255, not {self.flatten_on}.")

    def choices(self) -> tuple[object, ...]:
        """The user's choices, for the request key. The request's bytes are none: they depend on the other parts."""
        return (self.max_side_px, self.format, self.quality, self.budget_bytes, self.flatten_on)


def check_count(names: Sequence[str]) -> None:
    """Raises `reference` for more than MAX_FRAMES pictures and names those to leave out."""
    extra = names[MAX_FRAMES:]
    if extra:
        more = f"; and {len(extra) - 10} more" if len(extra) > 10 else ""
        raise reference_error(
            f"There are {len(names)} reference pictures; at most {MAX_FRAMES} can be sent. "
            f"Leave out {len(extra)}: {'; '.join(extra[:10])}{more}."
        )


def prepare(
    frames: Sequence[Frame],
    policy: Policy,
    *,
    cancelled: Callable[[], bool],
    cache: PartCache | None = None,
    workers: int = 2,
) -> list[Part]:
    """One part for each frame, in order, each within the policy's bytes; the same input gives the same bytes.

    Frames are pulled one at a time. Each first gets an equal share; what small pictures leave of theirs goes to those
    that were cut, which are then pulled again. Raises `cancelled`, and `reference` for what cannot be sent.
    """
    check_count([frame.name for frame in frames])
    with ThreadPoolExecutor(workers, "reference") as pool:
        run = _Run(policy, cancelled, PartCache() if cache is None else cache, pool)
        try:
            parts = run.parts(frames) if frames else []
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    _check_sizes(parts)
    return parts


def too_large_advice(parts: Sequence[Part]) -> str:
    """What to do about HTTP 413: the inputs by name, the largest first."""
    largest = sorted(parts, key=lambda part: len(part.data), reverse=True)
    listed = "; ".join(f"{part.name} ({in_words(len(part.data))}, {part.width} x {part.height})" for part in largest)
    return (
        f"The references take {in_words(sum(map(_base64_bytes, parts)))} as base64. Lower their longest side or their "
        f"budget, or leave some out, the largest first: {listed}."
    )


def fair_share(wishes: Sequence[int], base64_bytes: int) -> int:
    """The bytes for each picture so that all keep within `base64_bytes` (max-min fair share)."""
    left, count = base64_bytes // 4, len(wishes)  # in fours of characters, which are three bytes
    for wish in sorted(wishes):
        share = left // count
        if wish > share * 3:
            return share * 3
        left -= math.ceil(wish / 3)
        count -= 1
    return max(wishes)


class _Source(NamedTuple):
    """A frame's (width, height) and the digest of its pixels."""

    size: tuple[int, int]
    key: bytes


@dataclass(frozen=True)
class _Run:
    """One call of `prepare`: scaling on all workers at once, and encoding on them behind it."""

    policy: Policy
    cancelled: Callable[[], bool]
    cache: PartCache
    pool: ThreadPoolExecutor

    def parts(self, frames: Sequence[Frame]) -> list[Part]:
        cap = self._cap([self.policy.budget_bytes] * len(frames))
        sources, fits = self._fitted(frames, cap)
        higher = self._cap([fit.wish for fit in fits])
        if higher > cap * _WORTH_IT:
            again = [index for index, fit in enumerate(fits) if fit.wish > cap]
            _, better = self._fitted([frames[index] for index in again], higher)
            for index, fit in zip(again, better, strict=True):
                fits[index] = fit
        return [self._part(*each) for each in zip(frames, sources, fits, strict=True)]

    def _part(self, frame: Frame, source: _Source, fit: Fit) -> Part:
        scaled = "scaled from {} x {} to {} x {}".format(*source.size, *fit.size)
        return Part(
            data=fit.data,
            mime=fit.mime,
            width=fit.size[0],
            height=fit.size[1],
            digest=hashlib.sha256(fit.data).hexdigest(),
            pixels_key=hashlib.sha256(source.key + repr(self.policy.choices()).encode()).hexdigest(),
            name=frame.name,
            source=source.size,
            quality=fit.quality,
            flattened=fit.flattened,
            steps=(scaled, *fit.steps) if source.size != fit.size else fit.steps,
            remarks=tuple(frame.remarks),
        )

    def _cap(self, wishes: list[int]) -> int:
        return min(self.policy.budget_bytes, fair_share(wishes, self.policy.request_base64_bytes))

    def _fitted(self, frames: Sequence[Frame], cap: int) -> tuple[list[_Source], list[Fit]]:
        jobs: dict[bytes, Future[Fit]] = {}
        sizes: list[tuple[int, int]] = []
        order: list[bytes] = []
        for frame in frames:
            self._wait(jobs.values(), at_most=1)  # each that waits holds a picture
            scaled, first = self._scaled(frame, cap)
            sizes.append(scaled.source)
            order.append(scaled.key)
            if scaled.key not in jobs:
                jobs[scaled.key] = self.pool.submit(self._fit, scaled, first, cap)
        self._wait(jobs.values(), at_most=0)
        fits = [_named(frame, jobs[key].result) for frame, key in zip(frames, order, strict=True)]
        return [_Source(*each) for each in zip(sizes, order, strict=True)], fits

    def _wait(self, jobs: Iterable[Future[Fit]], *, at_most: int) -> None:
        while True:
            if self.cancelled():
                raise GPT4oImageError("cancelled", "Cancelled before anything was sent.")
            running = [job for job in jobs if not job.done()]
            if len(running) <= at_most:
                return
            wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED)

    def _scaled(self, frame: Frame, cap: int) -> tuple[Scaled, Guess]:
        pixels = frame.pixels() if callable(frame.pixels) else frame.pixels
        return _named(frame, lambda: self._scaled_pixels(pixels, cap))

    def _scaled_pixels(self, pixels: Samples, cap: int) -> tuple[Scaled, Guess]:
        first, longest = Guess(), self.policy.max_side_px
        bands = sample(pixels) if cap * _WORTH_IT < self.policy.budget_bytes else pixels[:0]
        if len(bands):
            of_bands = round(max(bands.shape[:2]) * min(1, longest / max(pixels.shape[:2])))
            scaled = scale(bands, of_bands, self.pool)
            first = guess(scaled, len(bands) / len(pixels), self._form(scaled), cap)
        return scale(pixels, first.side_px(pixels.shape[:2], longest), self.pool, most_px=longest), first

    def _fit(self, scaled: Scaled, first: Guess, cap: int) -> Fit:
        fit = self.cache.get(scaled, self.policy, cap)
        if fit is None:
            fit = shrink(scaled, self._form(scaled), cap, first)
            self.cache.put(scaled, self.policy, cap, fit)
        return fit

    def _form(self, scaled: Scaled) -> Form:
        policy, opaque = self.policy, scaled.image.mode == "RGB"
        flattened = None if opaque else policy.flatten_on or (_WHITE if policy.format == "jpeg" else None)
        automatic = JPEG if opaque or flattened else WEBP
        mime = {"auto": automatic, "jpeg": JPEG, "webp": WEBP, "png": PNG}[policy.format]
        first = max(1, policy.quality - (_WEBP_BELOW_JPEG if policy.format == "auto" and mime == WEBP else 0))
        lossy = (first, _LOWER_QUALITY) if first > _LOWER_QUALITY else (first,)
        exact = policy.format == "auto" and mime == WEBP
        return Form(mime, (None,) if mime == PNG else lossy, flattened, policy.budget_bytes, exact)


def _named(frame: Frame, action: Callable[[], _Result]) -> _Result:
    """`action()`; its error gets the frame's name."""
    try:
        return action()
    except Unusable as error:
        raise reference_error(f"{frame.name} {error}") from error


def _check_sizes(parts: Sequence[Part]) -> None:
    """What no gateway takes is not even tried; only a policy with larger budgets comes here."""
    for part in parts:
        if len(part.data) > MAX_PART_BYTES:
            sizes = f"takes {in_words(len(part.data))}; a picture may take {in_words(MAX_PART_BYTES)}"
            raise reference_error(f"{part.name} {sizes}. Lower its budget or its longest side.")
    if sum(map(_base64_bytes, parts)) > MAX_REQUEST_BYTES:
        raise reference_error(f"A request may take {in_words(MAX_REQUEST_BYTES)}. {too_large_advice(parts)}")


def _base64_bytes(part: Part) -> int:
    return -(-len(part.data) // 3) * 4
