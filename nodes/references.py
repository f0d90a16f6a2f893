"""The node "Prepare References": what will be uploaded, with its dials in the user's hands. Costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..gpt4o_image.errors import GPT4oImageError
from ..gpt4o_image.pictures.batch import canvas
from ..gpt4o_image.pictures.decode import decode
from . import host
from .schema import References, picture_sockets
from .tensors import to_tensors

if TYPE_CHECKING:
    from ..gpt4o_image.request import Part


class PrepareReferences(io.ComfyNode):
    """GPT4oImage_References: pictures -> upload parts, and the pictures as the gateway will see them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPT4oImage_References",
            display_name="Prepare References",
            category="GPT-4o Image",
            description="Scales and compresses reference pictures and shows what will really be uploaded.",
            inputs=[
                picture_sockets("images", "A picture or a batch; every frame is sent."),
                io.Int.Input("max_side", default=1536, min=512, max=2048, step=64,
                             tooltip="Longest side in pixels. Smaller pictures stay as they are."),
                io.Combo.Input("format", options=["auto", "jpeg", "webp", "png"], default="auto",
                               tooltip="auto: JPEG for opaque pictures, WebP with exact alpha for transparent ones. "
                               "jpeg lays transparent ones over white."),
                io.Int.Input("quality", default=92, min=1, max=100, tooltip="Of JPEG and WebP, before the budget."),
                io.Int.Input("budget_kib", default=1024, min=16, max=8192,
                             tooltip="Largest upload of one picture in KiB: quality goes down first, then size."),
            ],
            outputs=[
                References.Output("references", tooltip="For the input prepared of GPT-4o Image."),
                io.Image.Output("image", tooltip="The pictures as the gateway will see them."),
                io.String.Output("report", tooltip="What was done to each picture, as JSON."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    async def execute(
        cls,
        max_side: int = 1536,
        format: str = "auto",  # noqa: A002 - the input's name is fixed
        quality: int = 92,
        budget_kib: int = 1024,
        images: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        # As in generate.py: what ComfyUI's start need not wait for.
        from ..gpt4o_image.pictures.references import Policy, prepare
        from .reference_inputs import CACHE, frames_of

        frames = frames_of(images)
        if not frames:
            raise GPT4oImageError("reference", "No picture is connected. Connect one to image_01.")
        policy = Policy(max_side_px=max_side, format=format, quality=quality, budget_bytes=budget_kib * 1024)
        try:
            parts = await host.run_in_thread(
                lambda cancelled: tuple(prepare(frames, policy, cancelled=cancelled, cache=CACHE))
            )
        except GPT4oImageError as error:
            if error.kind == "cancelled":
                host.raise_interrupt()
            raise
        image, _, _ = to_tensors(canvas([decode(part.data) for part in parts]))
        report = json.dumps([part.as_report() for part in parts], ensure_ascii=False, indent=1)
        lines = [_in_words(part) for part in parts]
        host.show_text(cls.hidden.unique_id, "\n".join(lines))  # the browser shows no other text on a plain node
        shown = ui.PreviewImage(image, cls=cls).as_dict()
        return io.NodeOutput(parts, image, report, ui={**shown, "text": lines})


def _in_words(part: Part) -> str:
    width, height = part.source
    kib = len(part.data) / 1024
    kind = part.mime.removeprefix("image/")
    return f"{part.name}: {width} x {height} -> {part.width} x {part.height}, {kind}, {kib:.0f} KiB"
