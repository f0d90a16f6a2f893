"""The node "Load Paid Result": pictures out of the vault, without paying."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError, shorten
from ..gpt4o_image.gateway.config import Config
from ..gpt4o_image.gateway.profiles import own_origins
from ..gpt4o_image.vault.results import LATEST
from ..gpt4o_image.vault.vault import Vault
from . import host, schema

if TYPE_CHECKING:
    from ..gpt4o_image.outcome import Outcome
    from .run_node import Notify

_CHOICES = 100
# Between the id and the prompt in a choice; ids have none of it.
_SEPARATOR = " | "


class LoadResult(io.ComfyNode):
    """GPT4oImage_LoadResult: one earlier result, the same four outputs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPT4oImage_LoadResult",
            display_name="Load Paid Result",
            category="GPT-4o Image",
            description="Brings back pictures that were paid for, and fetches what was never fetched. Costs nothing.",
            inputs=[
                io.Combo.Input(
                    "result",
                    options=_choices(),
                    default=LATEST,
                    tooltip="The newest results first. latest is whatever was made last.",
                ),
            ],
            outputs=schema.outputs(),
            hidden=schema.hidden(),
            **schema.found_by("vault", "history", "download again"),
        )

    @classmethod
    def validate_inputs(cls, result: str | None) -> bool | str:
        """Takes the place of the host's check against the choices: a saved graph may name an older result."""
        return True if result is None or result.strip() else "Choose a result."

    @classmethod
    def fingerprint_inputs(cls, result: str | None) -> str:
        """`latest` changes when a new result comes; a linked input is not known yet and has its own key."""
        if result != LATEST:
            return str(result)
        return Vault(schema.config_for_choices().vault).latest_id() or ""

    @classmethod
    async def execute(cls, result: str = LATEST, **_: Any) -> io.NodeOutput:
        # As in generate.py: what ComfyUI's start need not wait for.
        from ..gpt4o_image.reload import recall, telling
        from .run_node import give

        def work(config: Config, vault: Vault, notify: Notify, cancelled: host.Cancelled) -> Outcome:
            chosen = vault.entry(_id(result, vault))
            return recall(
                vault,
                chosen,
                own_origins(chosen.gateway, config, os.environ),
                cancelled=cancelled,
                progressed=telling(chosen.id, notify),
            )

        return await give(cls, work)


def _choices() -> list[str]:
    newest: list[tuple[str, str]] = []
    with suppress(GPT4oImageError):  # a broken vault must not take the pack away; it is reported when the node runs
        newest = Vault(schema.config_for_choices().vault).headlines(_CHOICES)
    return [LATEST, *(f"{each}{_SEPARATOR}{_label(prompt)}" for each, prompt in newest)]


def _label(prompt: str) -> str:
    """Its beginning on one line. Older front ends read the labels of choices as HTML."""
    return shorten(" ".join(host.without_markup(prompt).split()), 80)


def _id(choice: str, vault: Vault) -> str:
    if choice != LATEST:
        return choice.partition(_SEPARATOR)[0].strip()
    latest = vault.latest_id()
    if latest is None:
        raise GPT4oImageError("config", "There is no paid result yet. Run the node GPT-4o Image first.")
    return latest
