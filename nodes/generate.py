"""The node "GPT-4o Image": the chat endpoint, streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..gpt4o_image.request import ASPECT_RATIOS, COUNTS, Request
from . import host, schema
from .list_items import SKIPPED

if TYPE_CHECKING:
    from ..gpt4o_image.request import Part


class Generate(io.ComfyNode):
    """GPT4oImage_Generate: one paid call, one to four pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        config = schema.config_for_choices()
        return io.Schema(
            node_id="GPT4oImage_Generate",
            display_name="GPT-4o Image",
            category="GPT-4o Image",
            description="Makes pictures with AiHubMix's gpt-4o-image models. Every run that is sent is billed, "
            "failed and cancelled ones too; an unchanged node is not run again.",
            inputs=[
                schema.prompt(),
                schema.model(config),
                io.Combo.Input(
                    "aspect_ratio",
                    options=list(ASPECT_RATIOS),
                    default="auto",
                    tooltip="Written into the prompt. auto leaves it to the model.",
                ),
                schema.background(),
                io.Combo.Input(
                    "count",
                    options=list(COUNTS),
                    default="auto",
                    tooltip="Written into the prompt. One call costs the same for any number of pictures.",
                ),
                schema.seed(),
                schema.gateway(config),
                schema.artist_names(),
                schema.on_failure(),
                schema.picture_sockets(
                    "references",
                    "A picture or a batch to draw from; every frame is sent, at most 16. "
                    "Refer to them as image 1, image 2 in the prompt.",
                    optional=True,
                ),
                schema.References.Input(
                    "prepared",
                    optional=True,
                    tooltip="From Prepare References: these are sent after the pictures above.",
                ),
            ],
            outputs=schema.outputs(),
            hidden=schema.hidden(),
            not_idempotent=True,
            **schema.found_by(),
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None, references: object = None) -> bool | str:  # noqa: ARG003
        # The host hands over the sockets whether they are asked for or not.
        return schema.prompt_problem(prompt) or True

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> int:
        """Nothing but the inputs, unless the run before gave nothing in place of a failure."""
        return SKIPPED[cls.hidden.unique_id]

    @classmethod
    async def execute(
        cls,
        prompt: str,
        model: str = "gpt-4o-image-vip",
        aspect_ratio: str = "auto",
        background: str = "auto",
        count: str = "auto",
        seed: int = 0,
        gateway: str = "default",
        artist_names: str = "stop",
        on_failure: str = "stop",
        references: dict[str, Any] | None = None,
        prepared: tuple[Part, ...] | None = None,
        **_: Any,  # what is no input of this node arrives here, and check_names refuses it
    ) -> io.NodeOutput:
        # What a node needs when it runs: ComfyUI's start need not wait for it.
        from .reference_inputs import parts_of
        from .run_node import pay

        def make(cancelled: host.Cancelled) -> Request:
            parts = parts_of(references, prepared or (), cancelled)
            return Request(prompt, model, aspect_ratio, background, count, seed, artist_names, references=parts)

        return await pay(cls, make, gateway, on_failure)
