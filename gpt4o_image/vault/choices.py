"""The text of a result in a list of choices, the same on the node and in the sidebar. Pure."""

from __future__ import annotations

from ..errors import shorten

# Stands for an id: the newest result.
LATEST = "latest"
# Between the id and the prompt; ids have none of it.
_SEPARATOR = " | "
_PROMPT_CHARS = 80


def label(result_id: str, prompt: str) -> str:
    """The text of a choice: the id, then the beginning of the prompt on one line, without what reads as markup.

    ComfyUI 0.10.0 puts it into innerHTML.
    """
    words = " ".join(prompt.replace("<", "").split())
    return f"{result_id}{_SEPARATOR}{shorten(words, _PROMPT_CHARS)}"


def id_of(choice: str) -> str:
    """The id, or `latest`, of a choice; a bare id is one too."""
    return LATEST if choice.strip() == LATEST else choice.partition(_SEPARATOR)[0].strip()
