"""The node "Prepare References": prepares the upload by the user's settings, and shows it. Costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..gpt4o_image.errors import GPT4oImageError
from . import host, schema
from .tensors import to_tensors

if TYPE_CHECKING:
    from ..gpt4o_image.pictures.references import Policy
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
                schema.picture_sockets("images", "A picture or a batch; every frame is sent."),
                io.Int.Input("max_side", default=1536, min=512, max=2048, step=64,
                             tooltip="Longest side in pixels. Smaller pictures stay as they are."),
                io.Combo.Input("format", options=["auto", "jpeg", "webp", "png"], default="auto",
                               tooltip="auto: JPEG for opaque pictures, WebP with exact alpha for transparent ones. "
                               "jpeg lays transparent ones over white."),
                io.Int.Input("quality", default=92, min=1, max=100,
                             tooltip="JPEG and WebP quality. The budget may lower it."),
                io.Int.Input("budget_kib", default=1024, min=16, max=8192,
                             tooltip="Largest upload of one picture in KiB: quality goes down first, then size."),
            ],
            outputs=[
                schema.References.Output("references", tooltip="For the input prepared of GPT-4o Image."),
                io.Image.Output("image", tooltip="The pictures as the gateway will see them."),
                io.String.Output("report", tooltip="What was done to each picture, as JSON."),
            ],
            hidden=schema.hidden(),
            is_output_node=True,
            **schema.found_by("upload", "compress", "resize", "reference images"),
        )  # fmt: skip

    @classmethod
    async def execute(
        cls,
        max_side: int = 1536,
        format: str = "auto",  # noqa: A002 - the input's name is fixed
        quality: int = 92,
        budget_kib: int = 1024,
        images: dict[str, Any] | None = None,
        **_: Any,
    ) -> io.NodeOutput:
        # As in generate.py: what ComfyUI's start need not wait for.
        from ..gpt4o_image.pictures.references import Policy
        from .browser_events import NodeOutcome

        told = NodeOutcome(cls.hidden.unique_id, cls.hidden.extra_pnginfo)
        told.begin()
        schema.check_names(cls)
        policy = Policy(max_side_px=max_side, format=format, quality=quality, budget_bytes=budget_kib * 1024)
        try:
            parts, image = await host.run_in_thread(lambda cancelled: _prepared(images, policy, cancelled))
        except GPT4oImageError as error:
            if error.kind == "cancelled":
                host.raise_interrupt()
            raise
        lines = [_in_words(part) for part in parts]
        host.show_text(cls.hidden.unique_id, "\n".join(lines))
        told.end({"lines": lines})
        shown = ui.PreviewImage(image, cls=cls).as_dict()
        report = json.dumps([part.as_report() for part in parts], ensure_ascii=False, indent=1)
        return io.NodeOutput(parts, image, report, ui={**shown, "text": lines})


def _prepared(
    sockets: dict[str, Any] | None, policy: Policy, cancelled: host.Cancelled
) -> tuple[tuple[Part, ...], Any]:
    """What is sent, and the IMAGE [B,H,W,C] of how the gateway sees it. Raises `reference`."""
    from ..gpt4o_image.pictures.batch import canvas
    from ..gpt4o_image.pictures.decode import decode
    from ..gpt4o_image.pictures.references import prepare
    from .reference_inputs import CACHE, frames_of

    frames = frames_of(sockets)
    if not frames:
        raise GPT4oImageError("reference", "No picture is connected. Connect one to image_01.")
    parts = tuple(prepare(frames, policy, cancelled=cancelled, cache=CACHE))
    image, _, _ = to_tensors(canvas([decode(part.data) for part in parts]))
    return parts, image


def _in_words(part: Part) -> str:
    width, height = part.source
    kib = len(part.data) / 1024
    kind = part.mime.removeprefix("image/")
    return f"{part.name}: {width} x {height} -> {part.width} x {part.height}, {kind}, {kib:.0f} KiB"
