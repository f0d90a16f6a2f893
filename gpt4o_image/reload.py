"""A paid result out of the vault: its files, and by its links what was never fetched. Never pays."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from .download.connection import Origins
from .download.pool import Pool
from .errors import GPT4oImageError, error_from_json
from .outcome import Outcome, PaidPicture
from .pictures.decode import decode
from .pictures.formats import PictureError
from .run_events import Downloading, Kept, RunEvent
from .urls import Picture
from .vault.recorder import Recorder
from .vault.results import MOVED, Result
from .vault.vault import Vault

_FETCH_S = 60.0
_POLL_S = 0.1


def recall(
    vault: Vault,
    entry: Result,
    own_origins: Origins,
    *,
    cancelled: Callable[[], bool],
    progressed: Callable[[int, int], None],
) -> Outcome:
    """The pictures of `entry` as the result of a run that cost nothing. Without any, `error` says what is known.

    `progressed` gets (pictures here, pictures in all). A missing picture is a warning that names its links.
    """
    found: dict[int, PaidPicture] = {}
    for file in entry.files:
        # Gone or damaged on disk: its links may still live.
        with suppress(OSError, PictureError):
            data = file.path.read_bytes()
            found[file.picture] = PaidPicture(data, hashlib.sha256(data).hexdigest(), file.url, decode(data))
    missing = [picture for picture in entry.shown if picture.index not in found and picture.address != MOVED]
    reasons: list[str] = []
    if missing:
        fetched, reasons = _fetch(
            vault, replace(entry, pictures=entry.shown), own_origins, missing, cancelled, progressed
        )
        found |= fetched
    return _outcome(entry, [found[index] for index in sorted(found)], reasons)


def telling(result_id: str, notify: Callable[[RunEvent], None]) -> Callable[[int, int], None]:
    """What `progressed` is where a run tells its notices."""

    def progressed(done: int, total: int) -> None:
        notify(Kept(result_id))
        notify(Downloading(done, total))

    return progressed


def _fetch(
    vault: Vault,
    entry: Result,
    own_origins: Origins,
    missing: list[Picture],
    cancelled: Callable[[], bool],
    progressed: Callable[[int, int], None],
) -> tuple[dict[int, PaidPicture], list[str]]:
    record = Recorder(vault, entry.id)
    here = len(entry.pictures) - len(missing)
    with Pool(
        entry.pictures,
        entry.links,
        own_origins,
        time.monotonic() + _FETCH_S,
        keep=record.picture,
        arrived=lambda _, arrived, __: progressed(here + arrived, len(entry.pictures)),
    ) as gathering:
        gathering.all_known()
        for picture in missing:
            gathering.start(picture)
        while gathering.running and not cancelled():
            gathering.wait(_POLL_S)
        return gathering.settle()


def _outcome(entry: Result, pictures: list[PaidPicture], reasons: list[str]) -> Outcome:
    details = entry.details
    warnings = [*details.get("warnings", ()), *(f"Could not be downloaded: {reason}" for reason in reasons)]
    return Outcome(
        entry.model,
        pictures=tuple(pictures),
        error=None if pictures else _why_empty(entry, reasons),
        warnings=tuple(dict.fromkeys(warnings)),
        revised_prompt=details.get("revised_prompt"),
        gen_ids=tuple(details.get("gen_ids", ())),
        cost_usd=0.0,
        reused=True,
        result_id=entry.id,
    )


def _why_empty(entry: Result, reasons: list[str]) -> GPT4oImageError:
    if entry.status == "running":
        return GPT4oImageError("pending", f"The result {entry.id} is still being made.", billed=entry.billed)
    if reasons or entry.error is None:
        lost = "\n".join(reasons) or "its files are gone and it has no links"
        return GPT4oImageError(
            "download_failed", f"The pictures of {entry.id} cannot be brought back:\n{lost}", billed=entry.billed
        )
    return error_from_json(entry.error)
