"""The text of an answer as the gateway words it, delta by delta. Pure; knows neither JSON events nor sockets."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .asked import Asked
from .links import Links, tid, uuid_of
from .scenarios import Scenario
from .wording import fill, wording

# Seconds before a delta of that part; together 8 to 10 s for the documented stream.
PAUSE_S = {"id": 0.1, "queue": 0.7, "generate": 0.25, "progress": 0.5, "tail": 0.4}
TYPING_S = 1.0  # all tokens of a preamble or of a plain text
LONGEST_TOKEN_PAUSE_S = 0.02
INLINE_CHUNKS = 50

_URL_SAFE = str.maketrans("+/", "-_", "=")
_TOKEN = re.compile(r'```|[{}]\n?| ?"|,\n|\n| ?\w{1,7}| ?[^\w\s"]|\s', re.DOTALL)


@dataclass(frozen=True)
class Delta:
    """One piece of the answer's text, the part it belongs to and the pause before it."""

    part: str
    text: str
    pause_s: float = 0.0
    choice: int = 0


@dataclass(frozen=True)
class Call:
    """All that one answer is made of."""

    seed: str
    model: str
    created: int
    asked: Asked
    scenario: Scenario
    links: Sequence[Links]
    ratio: str
    task: str
    key: str = ""

    @property
    def language(self) -> str:
        """The scenario's language, else the prompt's."""
        return self.scenario.language or self.asked.language


def compose(call: Call) -> list[Delta]:
    """The whole answer, uncut, in the pieces in which the gateway sends it."""
    deltas: list[Delta] = []
    for part in call.scenario.layout:
        deltas += _part(call, part)
    return deltas


def whole_text(call: Call) -> str:
    """The same answer as one text, for a completion that is not streamed."""
    return "".join(delta.text for delta in compose(call))


def fields_of(call: Call) -> dict[str, str]:
    """What the texts of wording.json may name with ${..}."""
    signed = call.links[min(1, len(call.links) - 1)] if call.links else None
    return {
        "task": call.task,
        "uuid": uuid_of(call.seed),
        "tid": tid(call.seed),
        "model": call.model,
        "gen": call.links[0].gen if call.links else "",
        "signed": signed.signed if signed else "",
        "key": call.key,
        "reason": call.scenario.reason,
        "rejected": "true" if call.scenario.reason == "output_moderation" else "false",
    }


def show_picture(call: Call, links: Links) -> str:
    """The markdown of one picture."""
    fields = {
        "gen": links.gen,
        "cdn": links.cdn,
        "download": links.download,
        "signed": links.signed,
        "thumb": links.thumb,
        "cdn_entities": html.escape(links.cdn),
        "inline": links.data_url,
        "inline_url_safe": f"data:{links.mime};base64,{links.base64.translate(_URL_SAFE)}",
        "label": _words(call)["label"],
    }
    return fill(wording()["pictures"][call.scenario.picture], fields)


def _part(call: Call, part: str) -> list[Delta]:
    if part == "preamble":
        return [*_typed(part, _preamble(call)), Delta("gap", "")]
    if part == "text":
        return _typed(part, fill(wording()["texts"][call.scenario.text], fields_of(call)))
    if part == "tail":
        return _tail(call)
    texts = list(_words(call)[part])
    if part == "queue" and call.scenario.queue_dots:
        texts = texts[:1] + ["."] * call.scenario.queue_dots
    if part == "progress" and call.scenario.plain_hundred:
        texts[-1] = texts[-1].replace("[100](${signed})", "100")
    if call.scenario.plain_runner:
        texts = [text.replace("\u200d", "") for text in texts]
    return [Delta(part, text, PAUSE_S[part]) for text in fill(texts, fields_of(call))]


def _words(call: Call) -> dict[str, Any]:
    by_language = wording()["dialects"][call.scenario.dialect]
    return by_language.get(call.language, by_language["en"])


def _typed(part: str, text: str) -> list[Delta]:
    tokens = _TOKEN.findall(text)
    pause_s = min(LONGEST_TOKEN_PAUSE_S, TYPING_S / max(1, len(tokens)))
    return [Delta(part, token, pause_s) for token in tokens]


def _preamble(call: Call) -> str:
    data: dict[str, Any] = {"prompt": _revised_prompt(call), "ratio": call.ratio}
    count = call.scenario.stated_count or call.asked.count
    if count:
        data["n"] = count
    if call.scenario.preamble == "unfenced":
        # As the translated page prints it: raw line ends inside the string, so no valid JSON.
        return json.dumps(data, ensure_ascii=False, indent=2).replace("\\n", "\n")
    if call.scenario.preamble == "compact":
        inner = json.dumps(data, ensure_ascii=False)
        return f"```json\n{{ {inner[1:-1]} }}\n```"
    return f"```json\n{json.dumps(data, ensure_ascii=False, indent=2)}\n```"


def _revised_prompt(call: Call) -> str:
    if call.scenario.echo:
        return wording()["echo"]
    return fill(wording()["rewrite"][call.language], {"words": call.asked.words})


def _tail(call: Call) -> list[Delta]:
    text = "".join(_tail_text(call, name) for name in call.scenario.tail) + call.scenario.suffix
    whole = Delta("tail", text, PAUSE_S["tail"])
    if call.scenario.shape == "choices":
        text = "".join(_tail_text(call, name) for name in call.scenario.tail if name != "pictures")
        shown = [Delta("tail", show_picture(call, links), choice=at) for at, links in enumerate(call.links)]
        return [replace(whole, text=text), *shown]
    if not call.scenario.picture.startswith("inline"):
        return [whole]
    size = -(-len(text) // INLINE_CHUNKS)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return [replace(whole, text=piece, pause_s=PAUSE_S["tail"] / INLINE_CHUNKS) for piece in pieces]


def _tail_text(call: Call, name: str) -> str:
    if name == "pictures":
        return "\n\n".join(show_picture(call, links) for links in call.links)
    text = fill(_words(call)[name], fields_of(call))
    return text + fill(wording()["terminal"], fields_of(call)) if name == "failure" else text
