"""The node "GPT-4o Image (Images API)": images.generate, without a stream."""

from __future__ import annotations

from comfy_api.latest import io

from ..gpt4o_image.request import ARTIST_NAMES, BACKGROUNDS, MAX_N, MAX_SEED, SIZES, Request
from .pictures import config_for_choices, outputs, pay, prompt_problem


class ImagesAPI(io.ComfyNode):
    """GPT4oImage_ImagesAPI: one paid call, one to ten pictures of one size."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        config = config_for_choices()
        return io.Schema(
            node_id="GPT4oImage_ImagesAPI",
            display_name="GPT-4o Image (Images API)",
            category="GPT-4o Image",
            description="Makes pictures through OpenAI's images.generate as AiHubMix offers it: exact sizes, "
            "no progress, no references. Every run that is sent is billed, failed and cancelled ones too.",
            inputs=[
                io.String.Input("prompt", multiline=True, tooltip="What to draw, in any language."),
                io.Combo.Input("model", options=config.models(), default="gpt-4o-image-vip",
                               tooltip="vip: 0.009 US dollars a call, faster and steadier; plain: 0.005."),
                io.Combo.Input("size", options=list(SIZES), default="auto",
                               tooltip="Sent, and said in the prompt as a ratio. auto leaves it to the model."),
                io.Int.Input("n", default=1, min=1, max=MAX_N,
                             tooltip="Number of pictures. Those that moderation stops are left out."),
                io.Combo.Input("background", options=list(BACKGROUNDS), default="auto",
                               tooltip="Said in the prompt. transparent gives a picture with an alpha channel."),
                io.Int.Input("seed", default=0, min=0, max=MAX_SEED, control_after_generate=True,
                             tooltip="Not sent: the models have no seed. A new value buys a new picture."),
                io.Combo.Input("gateway", options=config.gateway_names(), default="default",
                               tooltip="Where the call goes. simulator is free and draws test pictures."),
                io.Combo.Input("artist_names", options=list(ARTIST_NAMES), default="stop",
                               tooltip="The gateway bills and refuses living artists' names: stop before sending, "
                               "send with a warning, or do not look."),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id],
            not_idempotent=True,
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, prompt: str | None) -> bool | str:
        return prompt_problem(prompt) or True

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
    ) -> io.NodeOutput:
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
        return await pay(lambda _: request, gateway, cls.hidden.unique_id)
