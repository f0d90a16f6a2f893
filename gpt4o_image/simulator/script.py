"""A stream as bytes to write and pauses to keep: events, their framing, where they are cut. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .dialect import Call, Delta, compose, fields_of, show_picture
from .links import Links, spell
from .shapes import IN_MESSAGE, message_fields
from .wording import fill, wording

Ending = Literal["clean", "reset", "stall"]

BOM = b"\xef\xbb\xbf"
KEEP_ALIVE_EVERY = 5
STALL_AFTER_NUMBERS = 3
USAGE = {"prompt_tokens": 86, "completion_tokens": 412, "total_tokens": 498}


@dataclass(frozen=True)
class Step:
    """Bytes that leave in one write, after a pause."""

    data: bytes
    pause_s: float = 0.0


@dataclass(frozen=True)
class Script:
    """The body of a streamed answer. `clean` ends it as HTTP does, `stall` says nothing more."""

    steps: tuple[Step, ...]
    ending: Ending = "clean"


def stream(call: Call) -> Script:
    """The documented stream, changed as the call's scenario says."""
    framing = call.scenario.framing
    deltas = _cut(call, _reword(call, compose(call)))
    for name, split in _SPLITS.items():
        if name in framing:
            deltas = split(deltas)
    steps = [_event(_chunk(call, _first_delta(framing)))]
    steps += _delta_steps(call, deltas)
    if not call.scenario.cut:
        steps += [_event(_chunk(call, message_fields(call.scenario.shape, [picture]))) for picture in _carried(call)]
    steps += _last_steps(call, deltas)
    if call.scenario.cut == "event":
        steps[-1] = _broken_off(call, steps[-1])
    if "crlf" in framing:
        steps = [replace(step, data=step.data.replace(b"\n", b"\r\n")) for step in steps]
    line_end = b"\r\n" if "crlf" in framing else b"\n"
    if "no_last_blank_line" in framing:
        steps[-1] = replace(steps[-1], data=steps[-1].data.removesuffix(line_end))
    if "no_blank_lines" in framing:
        steps = [replace(step, data=step.data.removesuffix(line_end)) for step in steps]
    if "bom" in framing:
        steps[0] = replace(steps[0], data=BOM + steps[0].data)
    if "bytes" in framing:
        steps = [piece for step in steps for piece in _single_bytes(step)]
    return Script(tuple(steps), _ending(call))


def completion(call: Call) -> dict[str, Any]:
    """The answer to stream: false."""
    deltas = compose(call)
    texts = [
        "".join(delta.text for delta in deltas if delta.choice == choice)
        for choice in range(1 + max(delta.choice for delta in deltas))
    ]
    fields = message_fields(call.scenario.shape, _carried(call))
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, **fields},
            "finish_reason": call.scenario.finish,
        }
        for index, text in enumerate(texts)
    ]
    return {**_chunk(call, {}), "object": "chat.completion", "choices": choices, "usage": USAGE}


def as_event(value: dict[str, Any], call: Call) -> Script:
    """A JSON body as the only event of a stream."""
    first = BOM if "bom" in call.scenario.framing else b""
    return Script((Step(first + _event(value).data), Step(b"data: [DONE]\n\n")))


def _carried(call: Call) -> Sequence[Links]:
    return call.links if call.scenario.shape in IN_MESSAGE else ()


# What the text becomes


def _reword(call: Call, deltas: list[Delta]) -> list[Delta]:
    framing = call.scenario.framing
    if "crlf" in framing:
        deltas = [replace(delta, text=delta.text.replace("\n", "\r\n")) for delta in deltas]
    if "no_final_newline" in framing and deltas:
        deltas[-1] = replace(deltas[-1], text=deltas[-1].text.rstrip("\r\n"))
    return deltas


def _cut(call: Call, deltas: list[Delta]) -> list[Delta]:
    numbers = [place for place, delta in enumerate(deltas) if delta.part == "progress"]
    match call.scenario.cut:
        case "before_progress":
            return deltas[: numbers[0]] if numbers else deltas
        case "after_progress":
            return deltas[: numbers[-1]] if numbers else deltas
        case "reset" | "stall":
            return deltas[: numbers[min(STALL_AFTER_NUMBERS, len(numbers) - 1)]] if numbers else deltas
        case "after_first_image" | "inside_url" | "event":
            return _cut_tail(call, deltas)
        case _:
            return deltas


def _cut_tail(call: Call, deltas: list[Delta]) -> list[Delta]:
    start = next((place for place, delta in enumerate(deltas) if delta.part == "tail"), len(deltas))
    tail = "".join(delta.text for delta in deltas[start:])
    shown = show_picture(call, call.links[0]).split("\n")[0] if call.links else ""
    if not shown or shown not in tail:
        return deltas
    length = len(shown) * 3 // 4 if call.scenario.cut == "inside_url" else len(shown)
    kept = tail[: tail.index(shown) + length]
    return [*deltas[:start], replace(deltas[start], text=kept)]


def _split_digits(deltas: list[Delta]) -> list[Delta]:
    # Only the first and the last number stay: "1" + "1...." and "[10" + "0](".
    numbers = [delta for delta in deltas if delta.part == "progress"]
    result: list[Delta] = []
    for delta in deltas:
        if delta.part != "progress":
            result.append(delta)
        elif delta in (numbers[0], numbers[-1]):
            cut = _last_digit_of_first_number(delta.text)
            result += [replace(delta, text=delta.text[:cut]), replace(delta, text=delta.text[cut:])]
    return result


def _last_digit_of_first_number(text: str) -> int:
    match = re.search(r"\d+", text)
    return match.end() - 1 if match else 0


def _split_chars(deltas: list[Delta]) -> list[Delta]:
    result: list[Delta] = []
    for delta in deltas:
        letters = list(delta.text) or [""]
        pauses = [delta.pause_s] + [0.0] * (len(letters) - 1)
        result += [replace(delta, text=one, pause_s=pause) for one, pause in zip(letters, pauses, strict=True)]
    return result


def _join(deltas: list[Delta]) -> list[Delta]:
    return [Delta("tail", "".join(delta.text for delta in deltas), sum(delta.pause_s for delta in deltas))]


_SPLITS: dict[str, Callable[[list[Delta]], list[Delta]]] = {
    "split_digits": _split_digits,
    "one_chunk": _join,
    "chars": _split_chars,
}


# What the events become


def _delta_steps(call: Call, deltas: Sequence[Delta]) -> list[Step]:
    framing = call.scenario.framing
    odd_place = next((place for place, delta in enumerate(deltas) if delta.part in ("progress", "tail")), 0)
    steps: list[Step] = []
    for place, delta in enumerate(deltas):
        if place == odd_place:
            steps += _odd_steps(call)
        if "keep_alive" in framing and delta.part == "queue" and place % KEEP_ALIVE_EVERY == 0:
            steps.append(Step(b": keep-alive\n\n"))
        if "utf8_cut" in framing and delta.part == "queue" and not delta.text.isascii():
            steps += _halves(call, delta)
            continue
        content = {"content": delta.text} if delta.text else {}
        steps.append(_event(_chunk(call, content, choice=delta.choice), delta.pause_s))
    return steps


def _odd_steps(call: Call) -> list[Step]:
    """Events that say nothing or cannot be read; no text is lost with them."""
    events = {
        "delta_null": [_event(_chunk(call, None))],
        "content_null": [_event(_chunk(call, {"content": None}))],
        "role_only": [_event(_chunk(call, {"role": "assistant"}))],
        "choices_empty": [_event({**_chunk(call, {}), "choices": []})],
        "bad_json": [Step(_event(_chunk(call, {"content": "."})).data[:-9] + b"\n\n")],
        "bad_utf8": [Step(_event(_chunk(call, {"content": "."})).data.replace(b'"."', b'"\xf0\x9f\xff\xfe"'))],
    }
    return [step for name, steps in events.items() if name in call.scenario.framing for step in steps]


def _halves(call: Call, delta: Delta) -> list[Step]:
    """A delta whose first character beyond ASCII is cut in two by the end of an event."""
    data = json.dumps(delta.text, ensure_ascii=False)[1:-1].encode()
    at = next(place for place, byte in enumerate(data) if byte > 127) + 1
    empty = _event(_chunk(call, {"content": "@"})).data
    return [Step(empty.replace(b"@", half), delta.pause_s) for half in (data[:at], data[at:])]


def _broken_off(call: Call, step: Step) -> Step:
    """Half an event: its first picture is whole, its JSON is not."""
    first = json.dumps(show_picture(call, call.links[0]).split("\n")[0], ensure_ascii=False)[1:-1].encode()
    return replace(step, data=step.data[: step.data.find(first) + len(first)])


def _last_steps(call: Call, deltas: Sequence[Delta]) -> list[Step]:
    scenario = call.scenario
    done = Step(b"data: [DONE]\n\n")
    if scenario.interruption:
        told = fill(wording()["interruptions"][scenario.interruption], fields_of(call))
        name = f"event: {told['event']}\n".encode() if "event" in told else b""
        return [Step(name + _event(told["json"]).data), done]
    if scenario.cut == "reset":
        return [Step(_event(_chunk(call, {"content": "42...."})).data[:60])]
    if scenario.cut:
        return []
    steps = [_event(_finish_chunk(call, "".join(delta.text for delta in deltas)))]
    if "choices_empty" in scenario.framing:
        steps.append(_event({**_chunk(call, {}), "choices": [], "usage": USAGE}))
    return steps if "no_done" in scenario.framing else [*steps, done]


def _finish_chunk(call: Call, text: str) -> dict[str, Any]:
    framing = call.scenario.framing
    chunk = _chunk(call, {}, call.scenario.finish)
    if "full_message" in framing:
        chunk["choices"][0]["message"] = {"role": "assistant", "content": text}
    if "usage" in framing:
        chunk["usage"] = USAGE
    return chunk


def _first_delta(framing: Sequence[str]) -> dict[str, Any]:
    if "role_only" in framing:
        return {"role": "assistant"}
    return {"role": "assistant", "content": None if "content_null" in framing else ""}


def _chunk(call: Call, delta: dict[str, Any] | None, finish: str | None = None, choice: int = 0) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{spell('abcdefghijkmnpqrstuvwxyz23456789', 24, call.seed)}",
        "object": "chat.completion.chunk",
        "created": call.created,
        "model": call.model,
        "choices": [{"index": choice, "delta": delta, "finish_reason": finish}],
    }


def _event(payload: dict[str, Any], pause_s: float = 0.0) -> Step:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # A prompt may hold half a surrogate pair, which UTF-8 cannot.
    return Step(b"data: " + text.encode("utf-8", "replace") + b"\n\n", pause_s)


def _single_bytes(step: Step) -> list[Step]:
    first, *rest = (Step(bytes([byte])) for byte in step.data)
    return [replace(first, pause_s=step.pause_s), *rest]


def _ending(call: Call) -> Ending:
    match call.scenario.cut:
        case "reset" | "stall" as ending:
            return ending
        case _:
            return "clean"
