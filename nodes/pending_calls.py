"""Finds the paid calls of a waiting prompt that can be sent early: prompt graph -> calls. Pure; knows no host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..gpt4o_image.request import Request

Graph = Mapping[str, Mapping[str, Any]]  # as POST /prompt takes it: node id -> class_type, inputs
Inputs = Mapping[str, Any]
Values = Sequence[Any]  # of one output or input: the host runs a node once for each of the longest list
Holder = Callable[[Inputs], Sequence[Values]]  # its outputs; LookupError where they cannot be known
LazyInputs = Callable[[str], "Collection[str] | None"]


class UnknownQueue(Exception):
    """The host's queue is built in a way that is not known here."""


@dataclass(frozen=True)
class Place:
    """Which run of which node a call belongs to."""

    prompt_id: str
    node_id: str
    list_index: int


@dataclass(frozen=True)
class PendingCall:
    """A paid call that waits for its prompt's turn. Nothing of it is known only when its node runs."""

    place: Place
    request: Request
    gateway: str


@dataclass(frozen=True)
class WaitingPrompt:
    """A prompt of the queue. `outputs` are the nodes that the host found valid; `extra_pnginfo` has the workflow."""

    id: str
    graph: Graph
    outputs: Sequence[str]
    extra_pnginfo: object


ENDPOINTS = {"GPT4oImage_Generate": "chat", "GPT4oImage_ImagesAPI": "images"}
# Inputs and Request share their names. Pictures are known only when their nodes have run.
_ASKED = {field.name for field in fields(Request)} - {"endpoint", "references"}
_BESIDE = {"gateway", "on_failure"}
_VALUE_NODES = ("String", "StringMultiline", "Int", "Float", "Boolean")
HOLDERS: Mapping[str, Holder] = {f"Primitive{name}": lambda inputs: [[inputs["value"]]] for name in _VALUE_NODES}


def prompt_ids(items: Iterable[Any]) -> set[str]:
    """The ids of the queue's items. Raises UnknownQueue."""
    return {_checked(item)[1] for item in items}


def waiting_prompts(items: Iterable[Any]) -> list[WaitingPrompt]:
    """The pending items in the order of their turns. Raises UnknownQueue.

    An item is (number, prompt id, graph, extra_data, outputs, ..): ComfyUI 0.10.0 server.py:899, 0.33.0 :1131.
    """
    ordered = sorted(map(_checked, items), key=lambda item: item[:2])
    return [WaitingPrompt(item[1], item[2], item[4], item[3].get("extra_pnginfo")) for item in ordered]


def _checked(item: Any) -> Sequence[Any]:
    kinds = ((int, float), str, Mapping, Mapping, (list, tuple))
    if isinstance(item, (list, tuple)) and len(item) >= len(kinds) and all(map(isinstance, item, kinds)):
        return item
    raise UnknownQueue


def calls_of(
    prompt: WaitingPrompt, lazy_inputs: LazyInputs, holders: Mapping[str, Holder] = HOLDERS
) -> list[PendingCall]:
    """The calls whose every input is a value, or is linked to a node that only holds values.

    `lazy_inputs(class_type)` names the inputs whose links may never be asked for; None for an unknown class.
    `holders` are the nodes whose outputs are known from their inputs, by class.
    """
    run = _surely_run(prompt, lazy_inputs)
    return [call for node_id in prompt.graph if node_id in run for call in _calls(prompt, node_id, holders)]


def _surely_run(prompt: WaitingPrompt, lazy_inputs: LazyInputs) -> set[str]:
    """What the outputs depend on: the host's own rule, comfy_execution/graph.py, TopologicalSort.add_node."""
    found: set[str] = set()
    todo = list(prompt.outputs)
    while todo:
        node_id = todo.pop()
        node = prompt.graph.get(node_id)
        if node is None or node_id in found:
            continue
        found.add(node_id)
        lazy = lazy_inputs(node.get("class_type", ""))
        if lazy is not None:
            todo += [value[0] for name, value in _inputs(node).items() if _is_link(value) and name not in lazy]
    return found


def _calls(prompt: WaitingPrompt, node_id: str, holders: Mapping[str, Holder]) -> list[PendingCall]:
    node = prompt.graph[node_id]
    endpoint = ENDPOINTS.get(node.get("class_type", ""))
    names = _inputs(node).keys()
    if endpoint is None or "prompt" not in names or not names <= _ASKED | _BESIDE:
        return []
    found: list[PendingCall] = []
    for index, inputs in enumerate(_in_turn(_resolved(node, prompt.graph, holders))):
        asked = {name: value for name, value in inputs.items() if name in _ASKED}
        request = Request(**asked, endpoint=endpoint)
        place = Place(prompt.id, node_id, index)
        found.append(PendingCall(place, request, inputs.get("gateway", "default")))
    return found


def _resolved(
    node: Mapping[str, Any], graph: Graph, holders: Mapping[str, Holder], above: tuple[str, ...] = ()
) -> dict[str, Values] | None:
    """The lists of values of each input; None where one of them is not known yet."""
    resolved: dict[str, Values] = {}
    for name, value in _inputs(node).items():
        values = _output(value, graph, holders, above) if _is_link(value) else [value]
        if not values or not all(isinstance(each, (str, int, float)) for each in values):
            return None
        resolved[name] = values
    return resolved


def _output(link: Sequence[Any], graph: Graph, holders: Mapping[str, Holder], above: tuple[str, ...]) -> Values | None:
    node_id, slot = link
    node = graph.get(node_id, {})
    holder = holders.get(node.get("class_type", ""))
    if holder is None or node_id in above:
        return None
    inputs = _in_turn(_resolved(node, graph, holders, (*above, node_id)))
    if len(inputs) != 1:
        return None  # lists of lists: left to the host
    try:
        return holder(inputs[0])[slot]
    except LookupError:
        return None


def _in_turn(lists: Mapping[str, Values] | None) -> list[dict[str, Any]]:
    """The inputs of each run: the last value of a shorter list repeats (ComfyUI execution.py, slice_dict)."""
    if not lists:
        return []
    longest = max(map(len, lists.values()))
    return [{name: values[min(i, len(values) - 1)] for name, values in lists.items()} for i in range(longest)]


def _inputs(node: Mapping[str, Any]) -> Inputs:
    """Front ends give the names with $$ to widgets of their own; no node is handed them."""
    return {name: value for name, value in node.get("inputs", {}).items() if not name.startswith("$$")}


def _is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)
