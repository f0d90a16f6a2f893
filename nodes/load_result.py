"""The node "Load Paid Result": pictures out of the vault, without paying."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.vault.choices import LATEST, id_of, label
from . import host, schema

if TYPE_CHECKING:
    from ..gpt4o_image.gateway.config import Config
    from ..gpt4o_image.outcome import Outcome
    from ..gpt4o_image.vault.vault import Vault
    from .run_node import Notify

_CHOICES = 100


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
                    tooltip="The newest results first. latest is the one made last.",
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
        return _vault().latest_id() or ""

    @classmethod
    async def execute(cls, result: str = LATEST, **_: Any) -> io.NodeOutput:
        # As in generate.py: what ComfyUI's start need not wait for.
        from ..gpt4o_image.gateway.profiles import own_origins
        from ..gpt4o_image.reload import reload
        from .run_node import give

        def work(config: Config, vault: Vault, notify: Notify, cancelled: host.Cancelled) -> Outcome:
            chosen = vault.result(_id(result, vault))
            return reload(
                vault,
                chosen,
                own_origins(chosen.gateway, config, os.environ),
                notify=notify,
                cancelled=cancelled,
            )

        return await give(cls, work, shows=False)


def _choices() -> list[str]:
    newest: list[tuple[str, str]] = []
    # A broken vault must not take the pack away: it is reported when the node runs. No start of ComfyUI waits for a
    # vault, nor its list of nodes for another machine.
    with suppress(GPT4oImageError):
        if host.is_serving() and (vault := _vault()).at_hand:
            newest = vault.loadable(_CHOICES)
    return [LATEST, *(label(result_id, prompt) for result_id, prompt in newest)]


def _vault() -> Vault:
    from ..gpt4o_image.vault.opening import open_vault

    return open_vault(schema.config_for_choices(), os.environ)


def _id(choice: str, vault: Vault) -> str:
    if (result_id := id_of(choice)) != LATEST:
        return result_id
    latest = vault.latest_id()
    if latest is None:
        raise GPT4oImageError("config", "There is no paid result yet. Run the node GPT-4o Image first.")
    return latest
