"""Quotes a run of a graph: its paid nodes, their prices, what the vault has of them. Sends nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.gateway.config import Config
from ..gpt4o_image.gateway.profiles import Gateway, priced_gateway
from ..gpt4o_image.vault.claims import Earlier
from ..gpt4o_image.vault.opening import open_vault
from ..gpt4o_image.vault.request_key import new_result
from ..gpt4o_image.vault.vault import Vault
from .pending_calls import ENDPOINTS, Graph, PendingCall, WaitingPrompt, calls_of
from .waiting_queue import VALUE_HOLDERS

Json = dict[str, Any]


def quote(graph: Graph, config: Config, environ: Mapping[str, str]) -> Json:
    """Of each paid node: `calls`, `in_vault` (both null where its inputs are not known yet), `price_usd` of one call.

    `price_usd` is null where no price is known. In a list equal requests are paid for once.
    """
    prompt = WaitingPrompt("", graph, tuple(graph), None)
    calls: dict[str, list[PendingCall]] = defaultdict(list)
    for call in calls_of(prompt, lambda _: (), VALUE_HOLDERS):
        calls[call.place.node_id].append(call)
    vault = open_vault(config, environ)
    paid = [node_id for node_id, node in graph.items() if node.get("class_type") in ENDPOINTS]
    return {node_id: _of_node(graph[node_id], calls.get(node_id), vault, config, environ) for node_id in paid}


def _of_node(
    node: Mapping[str, Any],
    calls: list[PendingCall] | None,
    vault: Vault,
    config: Config,
    environ: Mapping[str, str],
) -> Json:
    inputs = node.get("inputs", {})
    gateway = _gateway(calls[0].gateway if calls else inputs.get("gateway"), config, environ)
    model = calls[0].request.model if calls else inputs.get("model")
    price = gateway.price_usd(model) if gateway and isinstance(model, str) else None
    if not calls or gateway is None:
        return {"calls": None, "in_vault": None, "price_usd": price}
    asked = {new.key: new for new in (new_result(call.request, gateway) for call in calls)}
    in_vault = sum(isinstance(vault.look_up(new), Earlier) for new in asked.values())
    return {"calls": len(asked), "in_vault": in_vault, "price_usd": price}


def _gateway(name: object, config: Config, environ: Mapping[str, str]) -> Gateway | None:
    with suppress(GPT4oImageError):
        return priced_gateway(name, config, environ) if isinstance(name, str) else None
    return None
