"""ComfyUI's way in. Nothing runs here; the nodes are listed in nodes/extension.py."""

if __package__:  # pytest meets this file as a module without a package
    from .nodes.extension import comfy_entrypoint

    WEB_DIRECTORY = "./web"
    __all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
