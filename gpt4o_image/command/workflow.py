"""A workflow as the browser saves it -> the graph that POST /prompt takes. Pure; knows no node of its own."""

from __future__ import annotations

from typing import Any, cast

from ..errors import GPT4oImageError

Json = dict[str, Any]

_NOTES = {"Note", "MarkdownNote"}
_BROWSER_ONLY = {"PrimitiveNode", "Reroute"}
_WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR"}
_SEEDS = {"seed", "noise_seed"}  # the browser adds the control widget to these unasked
_MUTED, _BYPASSED = 2, 4


def to_prompt(workflow: Json, object_info: Json) -> Json:
    """The API graph of a saved workflow (format 0.4 or 1.0), read with /object_info of the same ComfyUI.

    Muted nodes, and links that come from them, are left out as the browser does. Raises `config` for
    what only the browser can resolve: bypassed nodes, Reroute, PrimitiveNode, subgraphs, unknown nodes.
    """
    nodes = [node for node in cast(list[Json], workflow["nodes"]) if _is_run(node)]
    kept = {node["id"] for node in nodes}
    sources = {link: source for link, source in _sources(workflow).items() if source[0] in kept}
    graph: Json = {}
    for node in nodes:
        info = cast(Json | None, object_info.get(node["type"]))
        if info is None:
            raise _unsupported(node, "this ComfyUI has no such node")
        inputs = _widget_inputs(node, info) | _linked_inputs(node, sources)
        graph[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return graph


def _is_run(node: Json) -> bool:
    if node["type"] in _NOTES or node.get("mode") == _MUTED:
        return False
    if node.get("mode") == _BYPASSED:
        raise _unsupported(node, "it is bypassed; delete it or switch it on")
    if node["type"] in _BROWSER_ONLY:
        raise _unsupported(node, "it exists in the browser only; link its ends directly")
    return True


def _sources(workflow: Json) -> dict[int, tuple[int, int]]:
    """Link id -> (node id, output slot). A link is [id, node, slot, ...] in format 0.4, an object in 1.0."""
    sources: dict[int, tuple[int, int]] = {}
    for link in cast(list[Any], workflow.get("links") or []):
        if isinstance(link, dict):
            named = cast(Json, link)
            sources[named["id"]] = (named["origin_id"], named["origin_slot"])
        else:
            sources[link[0]] = (link[1], link[2])
    return sources


def _linked_inputs(node: Json, sources: dict[int, tuple[int, int]]) -> Json:
    """Every linked socket by its name; those of an Autogrow are named like `references.image_01`."""
    linked: Json = {}
    for socket in cast(list[Json], node.get("inputs") or []):
        source = sources.get(socket["link"]) if socket.get("link") is not None else None
        if source is not None:
            linked[socket["name"]] = [str(source[0]), source[1]]
    return linked


def _widget_inputs(node: Json, info: Json) -> Json:
    """The widgets' values by name. Linked ones have a position too; what is not saved has its default."""
    saved = cast("list[Any] | Json", node.get("widgets_values") or [])
    values: Json = {}
    position = 0
    for name, spec in _declared(info):
        kind, options = spec[0], cast(Json, spec[1] if len(spec) > 1 else {})
        if kind == "COMFY_DYNAMICCOMBO_V3":
            raise _unsupported(node, f"the widgets of {name} depend on its value")
        if not _is_widget(kind, options):
            continue
        if isinstance(saved, dict):
            values[name] = saved[name] if name in saved else _default(kind, options)
            continue
        values[name] = saved[position] if position < len(saved) else _default(kind, options)
        position += 2 if _has_control(name, kind, options) else 1
    return values


def _declared(info: Json) -> list[tuple[str, list[Any]]]:
    groups = cast(Json, info["input"])
    return [pair for group in ("required", "optional") for pair in cast(Json, groups.get(group) or {}).items()]


def _is_widget(kind: Any, options: Json) -> bool:
    """A list in place of the type is the older way to write COMBO."""
    return (isinstance(kind, list) or kind in _WIDGETS) and not options.get("forceInput")


def _has_control(name: str, kind: Any, options: Json) -> bool:
    """Whether "randomize" and the like take the next position after this value."""
    return kind == "INT" and bool(options.get("control_after_generate", name in _SEEDS))


def _default(kind: Any, options: Json) -> Any:
    if "default" in options:
        return options["default"]
    choices = cast(list[Any], kind if isinstance(kind, list) else options.get("options") or [])
    blank = {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}
    return choices[0] if choices else "" if isinstance(kind, list) else blank.get(kind, "")


def _unsupported(node: Json, reason: str) -> GPT4oImageError:
    return GPT4oImageError("config", f"Node {node['id']} ({node['type']}) cannot be run from a file: {reason}.")
