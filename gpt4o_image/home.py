"""Where config and vault are, outside ComfyUI. Reads the environment; makes nothing."""

from __future__ import annotations

import os
from pathlib import Path

from .gateway.config import HOME_VARIABLE


def home() -> Path:
    """GPT4O_IMAGE_HOME, else the user's data folder."""
    import platformdirs

    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("gpt4o_image", appauthor=False)
