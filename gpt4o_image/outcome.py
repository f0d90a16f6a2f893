"""What one run came to: pictures or an error, and its report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import GPT4oImageError
from .pictures.decode import Decoded


@dataclass(frozen=True, eq=False)
class PaidPicture:
    """One picture: the gateway's bytes untouched, their sha256, where they came from, and their pixels."""

    data: bytes
    sha256: str
    url: str | None
    decoded: Decoded


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
    spent_today_usd: float | None = None
    references: tuple[dict[str, Any], ...] = ()
    reused: bool = False
    result_id: str | None = None

    def report(self, paths: tuple[str | None, ...] = ()) -> dict[str, Any]:
        """The JSON object of `--json` and of the nodes' `report` output."""
        return {
            "status": "error" if self.error else "ok",
            "images": [_image(picture, paths[i] if paths else None) for i, picture in enumerate(self.pictures)],
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
            "result_id": self.result_id,
        }


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
