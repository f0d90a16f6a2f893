"""The command `gpt4o-image`. Must not know ComfyUI's modules: it only starts ComfyUI as a process."""
