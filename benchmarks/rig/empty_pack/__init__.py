"""A node pack without a node: what ComfyUI's own loading costs."""

from comfy_api.latest import ComfyExtension  # noqa: TID251 - a pack


class Extension(ComfyExtension):
    async def get_node_list(self):  # noqa: ANN201
        return []


async def comfy_entrypoint():  # noqa: ANN201
    return Extension()
