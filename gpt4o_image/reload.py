"""A paid result out of the vault: its files, and for free what was never fetched or never understood. Never pays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from .answer.reader import AnswerReader
from .answer.revision import revision
from .download.connection import Origins
from .download.pool import MAX_PICTURES, Pool
from .errors import GPT4oImageError, error_from_json
from .outcome import Outcome, PaidPicture, Undecodable, repairs, too_few, too_many
from .pictures.decode import KEPT_PIXELS, decode
from .pictures.formats import PictureError
from .run_events import Downloading, Kept, RunEvent
from .urls import Picture, identity
from .vault.answers import AnswerEnd, KeptAnswer
from .vault.recorder import Recorder
from .vault.results import MOVED, File, Result
from .vault.vault import Vault

_FETCH_S = 60.0
_POLL_S = 0.1
# Their pictures came after all; what happened otherwise is worth a warning.
_OVERCOME = ("download_failed", "no_image")


def reload(
    vault: Vault,
    result: Result,
    own_origins: Origins,
    *,
    notify: Callable[[RunEvent], None],
    cancelled: Callable[[], bool],
    key: str = "",
    read_again: bool = False,
) -> Outcome:
    """The pictures of `result` as the outcome of a run that cost nothing. Without any, `error` is what is known.

    An answer that was not understood is read again with today's reader, with `read_again` any that is kept; `key`, the
    gateway's, is masked in it. A picture that is still missing is a warning that names its links. Raises `config` where
    the vault cannot be read.
    """
    if result.state == "running":
        vault.close_dead_runs()
        result = vault.result(result.id)
    if result.state == "running":
        error = GPT4oImageError("pending", f"The result {result.id} is still being made.", billed=result.billed)
        return Outcome(result.model, error=error, cost_usd=0.0, reused=True, result_id=result.id)
    found = _from_disk(result)
    if read_again or _needs_its_answer(result, found):
        result = _read_again(vault, result, found, key)
    missing = _missing(result, found)
    if missing:
        _fetch(vault, result, own_origins, missing, found, notify, cancelled)
    _write_down(vault, result, found)
    return _outcome(vault.find(result.id) or result, found)


@dataclass
class _Found:
    """What there is of a result's pictures, by their index: here, here but not decodable, damaged, or gone."""

    pictures: dict[int, PaidPicture] = field(default_factory=dict[int, PaidPicture])
    undecodable: dict[int, Undecodable] = field(default_factory=dict[int, Undecodable])
    damaged: dict[int, str] = field(default_factory=dict[int, str])
    gone: set[int] = field(default_factory=set[int])
    reasons: list[str] = field(default_factory=list[str])


def _from_disk(result: Result) -> _Found:
    found = _Found()
    for file in result.files:
        _read(found, file)
    return found


def _read(found: _Found, file: File) -> None:
    try:
        data = file.read()
        found.pictures[file.picture] = PaidPicture(
            data, file.sha256, file.url, decode(data, kept_pixels=KEPT_PIXELS), file.path
        )
    except FileNotFoundError:
        found.gone.add(file.picture)
    except OSError as error:
        found.damaged[file.picture] = str(error)
    except PictureError as error:
        found.undecodable[file.picture] = Undecodable(file.picture, file.url or "the answer", str(error), file.path)


# The answer


def _needs_its_answer(result: Result, found: _Found) -> bool:
    """Whether it may hold what the index does not."""
    lost = {*found.damaged, *found.gone}
    only_there = any(each.index in lost and each.address == MOVED for each in result.pictures)
    return result.has_answer and (result.verdict == "unread" or only_there or not (result.shown or result.files))


def _read_again(vault: Vault, result: Result, found: _Found, key: str) -> Result:
    """The result as today's reader understands its answer."""
    kept = vault.answer(result.id)
    if kept is None:  # its process died before a byte of it was written, or its file was deleted
        _note(vault, result, AnswerEnd("killed", 0, "none", revision()))
        return replace(result, verdict="none")
    try:
        data = kept.read()
    except OSError as error:
        found.reasons.append(str(error))
        _note(vault, result, AnswerEnd(kept.ending, kept.received, result.verdict, revision()))
        return result
    reader = AnswerReader(kept.head.answered_by, str(result.details.get("prompt", result.prompt)), key)
    reader.feed(data)
    reader.finish(broke_off=not kept.whole)
    return _updated(vault, result, kept, reader)


def _updated(vault: Vault, result: Result, kept: KeptAnswer, reader: AnswerReader) -> Result:
    said = reader.transcript
    verdict = "failed" if reader.failed else "unread" if reader.unread else "read"
    old, new = _matched(result, said.pictures)
    links = [link for link in said.links if link not in result.links]
    with suppress(OSError):  # what was read is used anyway
        vault.add_links(result.id, [*new, *links], position=len(result.pictures) + len(result.links))
    _note(vault, result, AnswerEnd(kept.ending, kept.received, verdict, revision()))
    return replace(result, pictures=(*old, *new), links=(*result.links, *links), verdict=verdict)


def _note(vault: Vault, result: Result, end: AnswerEnd) -> None:
    with suppress(OSError):
        vault.end_answer(result.id, end)


def _matched(result: Result, pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """The known pictures, those that were moved to files with their data again; and the new ones, counted on."""
    known = {identity(each.address) for each in result.pictures}
    data = [each for each in pictures if each.address.startswith(MOVED)]
    moved = [each for each in result.pictures if each.address.startswith(MOVED)]
    again = {old.index: replace(old, address=new.address) for old, new in zip(moved, data, strict=False)}
    kept = {each.index for each in data[: len(moved)]}
    new = [each for each in pictures if each.index not in kept and identity(each.address) not in known]
    first = len(result.pictures)
    return [again.get(each.index, each) for each in result.pictures], [
        replace(each, index=first + number) for number, each in enumerate(new)
    ]


# The links


def _missing(result: Result, found: _Found) -> list[Picture]:
    here = {*found.pictures, *found.undecodable}
    return [each for each in result.shown[:MAX_PICTURES] if each.index not in here and each.address != MOVED]


def _fetch(
    vault: Vault,
    result: Result,
    own_origins: Origins,
    missing: Sequence[Picture],
    found: _Found,
    notify: Callable[[RunEvent], None],
    cancelled: Callable[[], bool],
) -> None:
    recorder = Recorder(vault, result.id)
    total = min(len(result.shown), MAX_PICTURES)
    here = total - len(missing)

    def arrived(_: PaidPicture, done: int, __: int) -> None:
        notify(Kept(result.id))
        notify(Downloading(here + done, total))

    with Pool(
        result.shown,
        result.links,
        own_origins,
        time.monotonic() + _FETCH_S,
        keep=recorder.picture,
        arrived=arrived,
    ) as pool:
        pool.all_known()
        for picture in missing:
            pool.start(picture)
        while pool.running and not cancelled():
            pool.wait(_POLL_S)
        settled = pool.settle()
    found.pictures |= settled.pictures
    found.undecodable |= {each.index: each for each in settled.undecodable}
    found.reasons += settled.reasons


# The end


def _write_down(vault: Vault, result: Result, found: _Found) -> None:
    """What turned out about the files, so that the next run knows it."""
    readable = {file.picture: file.readable for file in result.files}
    with suppress(OSError):
        for index, each in found.pictures.items():
            if readable.get(index) is False:  # by an older version
                vault.add_file(result.id, index, each.data, each.url)
        for index in found.undecodable:
            if readable.get(index, True):
                vault.mark_unreadable(result.id, index)
        for each in result.shown:
            if each.index in found.gone and each.address == MOVED:
                vault.forget_file(result.id, each.index)


def _outcome(result: Result, found: _Found) -> Outcome:
    details = result.details
    pictures = tuple(found.pictures[index] for index in sorted(found.pictures))
    named = len(result.shown)
    warnings = [
        *(str(each) for each in details.get("warnings", ())),
        *_what_happened(result),
        *too_few(result.expected, len(pictures)),
        *too_many(named, MAX_PICTURES),
        *repairs(pictures),
        *(each.sentence(result.id) for each in found.undecodable.values()),
        *(why for index, why in found.damaged.items() if index not in found.pictures),
        *(f"Could not be fetched: {reason}" for reason in found.reasons),
    ]
    return Outcome(
        result.model,
        pictures=pictures,
        error=None if pictures else _why_empty(result, found),
        warnings=tuple(dict.fromkeys(warnings)),
        revised_prompt=details.get("revised_prompt"),
        gen_ids=tuple(details.get("gen_ids", ())),
        cost_usd=0.0,
        expected=result.expected,
        reused=True,
        request_id=details.get("request_id"),
        result_id=result.id,
    )


def _what_happened(result: Result) -> list[str]:
    error = result.error or {}
    if not error or error.get("kind") in _OVERCOME:
        return []
    first_line = str(error.get("message", "")).partition("\n")[0]
    return [f"The call that was paid for ended early ({error.get('kind')}): {first_line}"]


def _why_empty(result: Result, found: _Found) -> GPT4oImageError:
    reasons = [
        *found.reasons,
        *found.damaged.values(),
        *(each.sentence(result.id) for each in found.undecodable.values()),
    ]
    if not reasons and found.gone:
        reasons = ["Its files are gone, and it has no links."]
    if reasons or result.error is None:
        lines = [f"The pictures of {result.id} cannot be fetched now.", *(reasons or ["Nothing is left of them."])]
        return GPT4oImageError("download_failed", "\n".join(lines), billed=result.billed)
    return error_from_json(result.error)
