"""All of the pack that runs without ComfyUI and without torch."""
