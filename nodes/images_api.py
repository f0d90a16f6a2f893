"""The node "GPT-4o Image (Images API)": images.generate, without a stream."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..gpt4o_image.request import MAX_N, SIZES, Request
from . import schema
from .list_items import SKIPPED


class ImagesAPI(io.ComfyNode):
    """GPT4oImage_ImagesAPI: one paid call, one to ten pictures of one size."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        config = schema.config_for_choices()
        return io.Schema(
            node_id="GPT4oImage_ImagesAPI",
            display_name="GPT-4o Image (Images API)",
            category="GPT-4o Image",
            description="Makes pictures through OpenAI's images.generate as AiHubMix offers it: exact sizes, "
            "no progress, no references. Every run that is sent is billed, failed and cancelled ones too.",
            inputs=[
                schema.prompt(),
                schema.model(config),
                io.Combo.Input(
                    "size",
                    options=list(SIZES),
                    default="auto",
                    tooltip="Sent, and written into the prompt as a ratio. auto leaves it to the model.",
                ),
                io.Int.Input(
                    "n",
                    default=1,
                    min=1,
                    max=MAX_N,
                    tooltip="Number of pictures. Those that moderation stops are left out.",
                ),
                schema.background(),
                schema.seed(),
                schema.gateway(config),
                schema.artist_names(),
                schema.on_failure(),
            ],
            outputs=schema.outputs(),
            hidden=schema.hidden(),
            not_idempotent=True,
            **schema.found_by(),
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None) -> bool | str:
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
        size: str = "auto",
        n: int = 1,
        background: str = "auto",
        seed: int = 0,
        gateway: str = "default",
        artist_names: str = "stop",
        on_failure: str = "stop",
        **_: Any,
    ) -> io.NodeOutput:
        from .run_node import pay  # as in generate.py

        request = Request(
            prompt,
            model,
            background=background,
            seed=seed,
            artist_names=artist_names,
            endpoint="images",
            size=size,
            n=n,
        )
        return await pay(cls, lambda _: request, gateway, on_failure)
