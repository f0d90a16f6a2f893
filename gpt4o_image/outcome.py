"""The end of a run: pictures or an error, the warnings, and its report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import GPT4oImageError
from .pictures.decode import Decoded


@dataclass(frozen=True, eq=False)
class PaidPicture:
    """One picture: the gateway's bytes untouched, their sha256, where they came from, and their pixels.

    `path` is its file in the vault; None where the disk refused it.
    """

    data: bytes
    sha256: str
    url: str | None
    decoded: Decoded
    path: Path | None = None


@dataclass(frozen=True)
class Undecodable:
    """A picture whose bytes came whole, but that nothing here can decode. `path` as in PaidPicture."""

    index: int
    address: str
    why: str
    path: Path | None

    def sentence(self, result_id: str) -> str:
        """Why, where the bytes are, and how to get them."""
        if self.path is None:
            return f"{self.why} It was at {self.address}."
        return (
            f"{self.why} All of its bytes are here: {self.path}. `gpt4o-image results export {result_id} DIR` "
            "copies them."
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """The end of a run. Exactly one of `pictures` and `error` is set."""

    model: str
    pictures: tuple[PaidPicture, ...] = ()
    error: GPT4oImageError | None = None
    warnings: tuple[str, ...] = ()
    progress: tuple[int, ...] = ()
    revised_prompt: str | None = None
    gen_ids: tuple[str, ...] = ()
    cost_usd: float | None = None
    expected: int | None = None  # pictures that were asked for; None where that was left to the model
    spent_today_usd: float | None = None
    references: tuple[dict[str, Any], ...] = ()
    reused: bool = False
    request_id: str | None = None
    result_id: str | None = None

    def report(self, paths: tuple[str | None, ...] = ()) -> dict[str, Any]:
        """The JSON object of `--json` and of the nodes' `report` output. `paths`: in place of the vault's files."""
        paths = paths or tuple(picture.path and str(picture.path) for picture in self.pictures)
        return {
            "status": "error" if self.error else "ok",
            "images": [_image(picture, path) for picture, path in zip(self.pictures, paths, strict=True)],
            "error": self.error.as_json() if self.error else None,
            "warnings": list(self.warnings),
            "progress": list(self.progress),
            "revised_prompt": self.revised_prompt,
            "gen_ids": list(self.gen_ids),
            "model": self.model,
            "cost_usd": self.cost_usd,
            "spent_today_usd": self.spent_today_usd,
            "references": list(self.references),
            "reused": self.reused,
            "request_id": self.request_id,
            "result_id": self.result_id,
        }


def too_few(expected: int | None, came: int) -> list[str]:
    """The warning where fewer pictures came than were asked for."""
    if not expected or came >= expected:
        return []
    return [f"{expected} pictures were asked for, {came} came."]


def too_many(named: int, most: int) -> list[str]:
    """The warning where an answer names more pictures than are fetched."""
    if named <= most:
        return []
    rest = f"the links of the other {named - most} are kept in the vault"
    return [f"The answer names {named} pictures. The first {most} are fetched; {rest}."]


def repairs(pictures: Sequence[PaidPicture]) -> list[str]:
    """What decoding left out or repaired, each with the number of its picture, counted from 1."""
    return [f"Picture {n}: {each}" for n, picture in enumerate(pictures, 1) for each in picture.decoded.warnings]


def _image(picture: PaidPicture, path: str | None) -> dict[str, Any]:
    decoded = picture.decoded
    return {
        "path": path,
        "width": decoded.width,
        "height": decoded.height,
        "mode": decoded.mode,
        "mime": decoded.mime,
        "sha256": picture.sha256,
        "url": picture.url,
    }
