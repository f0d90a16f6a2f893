"""The Python interface: `from gpt4o_image import generate`. Knows neither ComfyUI nor the command line."""

from __future__ import annotations

import builtins
import logging
import operator
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from .answer.events import Generating, Progress, Queued
from .gateway.config import DEFAULT, load_config
from .generation import generate as run
from .home import home
from .outcome import Outcome, PaidPicture
from .picture_files import save_new
from .pictures.formats import extension
from .pictures.python_values import Reference, frames_of
from .pictures.references import Policy, prepare
from .request import Endpoint, Request
from .run_events import Downloading, Limited, RunEvent, Sending, Waiting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

OnProgress = Callable[[str, "int | None"], None]
Result = TypeVar("Result")

_POLL_S = 0.2
_LOG = logging.getLogger(__name__)


class GeneratedImage:
    """One picture. `url` is where the gateway had it; None for one that came inside the answer."""

    def __init__(self, picture: PaidPicture) -> None:
        self._picture = picture
        self.width = picture.decoded.width
        self.height = picture.decoded.height
        self.has_alpha = picture.decoded.mode == "RGBA"  # some pixel is not opaque
        self.mime = picture.decoded.mime
        self.sha256 = picture.sha256
        self.url = picture.url

    def __repr__(self) -> str:
        return f"<GeneratedImage {self.width} x {self.height} {self.mime}>"

    @property
    def bytes(self) -> builtins.bytes:
        """The file as the gateway sent it: `mime` is its type."""
        return self._picture.data

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the gateway's bytes, untouched, and gives the path; an existing file is replaced.

        In an existing folder it takes the next free name like gpt4o-image-0001.png, whose ending follows the bytes.
        Missing folders are made. Raises OSError.
        """
        target = Path(path)
        if target.is_dir():
            return save_new(target, extension(self.mime), self.bytes)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.bytes)
        return target

    def pil(self) -> Image.Image:
        """A new Pillow image, RGBA where `has_alpha`, else RGB; upright, in sRGB."""
        from PIL import Image

        return Image.fromarray(self.array())

    def array(self) -> npt.NDArray[np.uint8]:
        """A new array [height, width, 4 where `has_alpha`, else 3], uint8, sRGB, straight alpha."""
        import numpy as np

        return np.array(self._picture.decoded.pixels[..., : 4 if self.has_alpha else 3])


@dataclass(frozen=True, eq=False)
class Generated:
    """What one call of `generate` came to; at least one picture.

    `progress` is the percentages as they were shown. `cost_usd` is what this call cost: 0 when `reused`, where the
    pictures came from the vault; None for a model without a known price. `result_id` is its name in the vault:
    `gpt4o-image results show ID`. `report()` is the object that `gpt4o-image generate --json` prints.
    """

    images: tuple[GeneratedImage, ...]
    warnings: tuple[str, ...]
    progress: tuple[int, ...]
    revised_prompt: str | None
    gen_ids: tuple[str, ...]
    model: str
    cost_usd: float | None
    spent_today_usd: float | None
    reused: bool
    result_id: str | None
    report: Callable[[], dict[str, Any]]


def generate(  # noqa: PLR0913 - keywords, as a notebook wants them
    prompt: str,
    *,
    model: str = "gpt-4o-image-vip",
    ratio: str = "auto",
    background: str = "auto",
    count: str | int = "auto",
    references: Reference | Iterable[Reference] = (),
    seed: SupportsIndex = 0,
    gateway: str | None = None,
    artist_names: str = "stop",
    api: Endpoint = "chat",
    size: str = "auto",
    n: int = 1,
    reuse: bool = True,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Generated:
    """Pictures for a prompt, by at most one paid call; a request that was paid for comes from the vault, for free.

    ratio: auto, 1:1, 2:3, 3:2. background: auto, transparent, opaque. count: auto, 1, 2, 4. `api="images"` takes
    `size` (auto, 1024x1024, 1536x1024, 1024x1536) and `n` (1 to 10) in place of ratio, count and references.
    references: up to 16 paths, bytes of picture files, Pillow images or arrays [H, W], [H, W, 1|3|4] or
    [N, H, W, 1|3|4], uint8 or floats from 0 to 1. seed: never sent; another one buys another picture.
    gateway: a profile of config.toml, "aihubmix" or "simulator" (free); None is the file's choice, else AiHubMix.
    on_progress(step, percent or None) and cancelled() are called in other threads, the latter ten times a second.

    Blocks for as long as the picture takes, often a minute or two; many threads may call it at once. Ctrl+C closes
    the connection first. Raises GPT4oImageError: see its `kind`, `billed` and `gateway_text`. With no key it is of
    kind `config`, and nothing is sent.
    """
    config = load_config(home(os.environ))
    caller = _Caller(on_progress, cancelled)

    def work() -> Outcome:
        frames = prepare(frames_of(references), Policy(), cancelled=caller.cancelled)
        request = Request(
            prompt=prompt, model=model, aspect_ratio=ratio, background=background, count=str(count),
            seed=operator.index(seed), artist_names=artist_names, endpoint=api, size=size, n=n,
            references=tuple(frames),
        )  # fmt: skip
        chosen = gateway or DEFAULT
        return run(request, chosen, config, os.environ, notify=caller.notify, cancelled=caller.cancelled, reuse=reuse)

    return _generated(_in_thread(work, caller.stop))


class _Caller:
    """The boundary to the caller's code: its fault is logged, and does not end a call that is being paid for."""

    def __init__(self, on_progress: OnProgress | None, cancelled: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._cancelled = cancelled
        self.stop = threading.Event()

    def cancelled(self) -> bool:
        if self.stop.is_set() or self._cancelled is None:
            return self.stop.is_set()
        try:
            return bool(self._cancelled())
        except Exception:  # noqa: BLE001
            _LOG.exception("cancelled failed")
            return False

    def notify(self, event: RunEvent) -> None:
        step = step_of(event)
        if self._on_progress is None or step is None:
            return
        try:
            self._on_progress(*step)
        except Exception:  # noqa: BLE001
            _LOG.exception("on_progress failed")


def step_of(event: RunEvent) -> tuple[str, int | None] | None:
    """A run event as a word or two and a percentage, where it has one; None for what shows no step."""
    match event:
        case Progress():
            return "painting", event.percent
        case Downloading():
            return f"downloading {event.done}/{event.total}", None
        case Waiting():
            return "waiting", None
        case Sending():
            return "sending", None
        case Limited():
            return f"limited, {event.seconds:.0f} s", None
        case Queued():
            return "queued", None
        case Generating():
            return "generating", None
        case _:
            return None


def _in_thread(work: Callable[[], Result], stop: threading.Event) -> Result:
    """`work` away from this thread, which may have an event loop of its own; Ctrl+C lets it close its connection."""
    with ThreadPoolExecutor(1, "gpt4o-image") as pool:
        future = pool.submit(work)
        try:
            while not future.done():
                wait([future], timeout=_POLL_S)  # without a limit, Windows would not notice Ctrl+C
        except BaseException:
            stop.set()
            raise
        return future.result()


def _generated(outcome: Outcome) -> Generated:
    if outcome.error:
        raise outcome.error
    return Generated(
        images=tuple(GeneratedImage(picture) for picture in outcome.pictures),
        warnings=outcome.warnings,
        progress=outcome.progress,
        revised_prompt=outcome.revised_prompt,
        gen_ids=outcome.gen_ids,
        model=outcome.model,
        cost_usd=outcome.cost_usd,
        spent_today_usd=outcome.spent_today_usd,
        reused=outcome.reused,
        result_id=outcome.result_id,
        report=outcome.report,
    )
