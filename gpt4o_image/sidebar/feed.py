"""The vault and the settings as the browser is shown them: JSON without a path and without a key. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import GPT4oImageError, shorten
from ..gateway.aihubmix import AIHUBMIX
from ..gateway.config import CONFIG_FILE, DEFAULT, SIMULATOR, Config
from ..gateway.profiles import KEY_VARIABLE, has_key, locate
from ..urls import mirrors
from ..vault.choices import label
from ..vault.opening import open_vault
from ..vault.results import MOVED, Result
from .thumbnails import size_of

Json = dict[str, Any]

_PROMPT_CHARS = 300
_MESSAGE_CHARS = 300


class Redactor:
    """Texts of errors, findings and gateways without the machine's folders and without keys."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        folder = config.path.parent
        keys = [environ.get(KEY_VARIABLE, ""), *(str(p.get("api_key", "")) for p in config.profiles.values())]
        words = {key.strip(): "***" for key in keys if key.strip()}
        for path, name in (
            (config.path, CONFIG_FILE),
            (config.vault, "its folder"),
            (folder, f"the folder of {CONFIG_FILE}"),
        ):
            words |= dict.fromkeys(_spellings(path), name)
        words |= dict.fromkeys(_spellings(Path.home()), "~")
        self._words = words

    def __call__(self, text: str) -> str:
        for word in sorted(self._words, key=len, reverse=True):
            text = text.replace(word, self._words[word])
        return text

    def maybe(self, text: object) -> str | None:
        """The same for what may be missing."""
        return self(text) if isinstance(text, str) else None


def _spellings(path: Path) -> set[str]:
    """As written and with its links resolved, plain and as Python quotes it; nothing for a root or a single word."""
    spelled = {str(path), str(path.absolute()), str(path.resolve()), path.absolute().as_posix()}
    return {form for one in spelled if len(Path(one).parts) > 1 for form in (one, one.replace("\\", "\\\\"))}


def status(config: Config, environ: Mapping[str, str], gateway_name: str) -> Json:
    """The head of the sidebar."""
    problem = config.problem
    gateway = config.gateway if gateway_name == DEFAULT else gateway_name
    spent, total = (0.0, 0.0), 0
    try:
        vault = open_vault(config, environ)
        spent, total = vault.spent(), vault.count()
        locate(gateway_name, config, environ)
    except GPT4oImageError as error:
        problem = problem or error
    return {
        "gateway": gateway,
        "gateways": config.gateway_names(),
        "has_key": has_key(config, environ, gateway),
        "needs_key": gateway != SIMULATOR,
        "key_variable": KEY_VARIABLE if gateway == AIHUBMIX else None,
        "spent_today_usd": round(spent[0], 6),
        "spent_usd": round(spent[1], 6),
        "daily_budget_usd": config.daily_budget_usd,
        "total": total,
        "problem": problem and {"kind": problem.kind, "message": Redactor(config, environ)(problem.message)},
    }


def item(result: Result, hide: Redactor, percent: int | None = None) -> Json:
    """One line of the list. `percent` is that of a call which is being made in this process.

    `stored` are the pictures whose files are there, `choice` is the result's name in Load Paid Result.
    """
    error = result.error or {}
    first_line = str(error.get("message") or "").strip().partition("\n")[0]
    return {
        "id": result.id,
        "choice": label(result.id, result.prompt),
        "number": result.number,
        "created": result.created,
        "state": result.state,
        "kind": error.get("kind"),
        "message": shorten(hide(first_line), _MESSAGE_CHARS) or None,
        "billed": result.billed,
        "cost_usd": result.cost_usd,
        "gateway": result.gateway,
        "model": result.model,
        "machine": result.machine,
        "prompt": result.prompt[:_PROMPT_CHARS],
        "pictures": max([len(result.shown), *(file.picture + 1 for file in result.files)]),
        "stored": [file.picture for file in result.files if file.readable and file.stored],
        "percent": percent if result.state == "running" else None,
        "has_graph": result.has_graph,
        "has_answer": result.has_answer,
    }


def detail(result: Result, hide: Redactor, percent: int | None = None, warnings: Iterable[str] = ()) -> Json:
    """All that is known of one result; reads the headers of its pictures. `warnings` are added to those it has."""
    shown, error, details = item(result, hide, percent), result.error or {}, result.details
    sizes = {file.picture: size_of(file.brought()) for file in result.files}
    return {
        **shown,
        "prompt": result.prompt,
        "message": hide.maybe(error.get("message")),
        "gateway_text": hide.maybe(error.get("gateway_text")),
        "links": [
            [address for address in addresses if not address.startswith(MOVED)]
            for addresses in mirrors(result.shown, result.links)
        ],
        "warnings": [hide(str(each)) for each in dict.fromkeys([*details.get("warnings", ()), *warnings])],
        "revised_prompt": details.get("revised_prompt"),
        "seconds": result.seconds,
        "sizes": [sizes.get(number) for number in range(shown["pictures"])],
    }


def findings(config: Config, environ: Mapping[str, str], gateway_name: str) -> Json:
    """What the free check found. Takes up to about 10 s."""
    from ..download.connection import reach
    from ..gateway.check import check  # seldom asked for, and ComfyUI's start would wait for it

    hide = Redactor(config, environ)
    found = [finding.as_json() for finding in check(config, environ, gateway_name, reach)]
    return {"findings": [{name: hide(v) if isinstance(v, str) else v for name, v in one.items()} for one in found]}
