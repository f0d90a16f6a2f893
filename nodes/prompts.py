"""The node "Prompts from a List": lines of a text, or rows of a file, as lists that other nodes run for one by one."""

from __future__ import annotations

import hashlib
from typing import Any

from comfy_api.latest import io

from . import host, schema
from .prompt_lists import TEXT, file_names, lists_of, read_file


class Prompts(io.ComfyNode):
    """GPT4oImage_Prompts: prompts, seeds and names, as many of each."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPT4oImage_Prompts",
            display_name="Prompts from a List",
            category="GPT-4o Image",
            description="One prompt a line, or the rows of a CSV or TXT file in ComfyUI's input folder. GPT-4o Image "
            "makes them side by side, one call each. Costs nothing by itself.",
            inputs=[
                io.String.Input(
                    "text",
                    multiline=True,
                    default="",
                    tooltip="One prompt a line. Blank lines and lines that begin with # are left out.",
                ),
                io.Combo.Input(
                    "file",
                    options=[TEXT, *file_names()],
                    default=TEXT,
                    tooltip="text: the prompts above. A file is used in their place: TXT with one prompt a line, or "
                    "CSV with the columns prompt and, optionally, seed and name.",
                ),
            ],
            outputs=[
                io.String.Output("prompt", is_output_list=True, tooltip="For the input prompt of GPT-4o Image."),
                io.Int.Output("seed", is_output_list=True, tooltip="The column seed; 0 where there is none."),
                io.String.Output("name", is_output_list=True, tooltip="The column name, else the row's number: 001."),
            ],
            hidden=schema.hidden(),
            **schema.found_by("batch", "list", "csv", "many prompts", "queue"),
        )

    @classmethod
    def validate_inputs(cls, file: str | None) -> bool | str:
        """In place of the host's check against the choices: a file that came after the page was loaded will do."""
        return True if file is None or file == TEXT or file in file_names() else f'There is no "{file}" in input.'

    @classmethod
    def fingerprint_inputs(cls, file: str | None, **_: Any) -> str:
        """Changes with the file."""
        if file in (None, TEXT) or file not in file_names():
            return ""
        return hashlib.sha256(read_file(file)).hexdigest()

    @classmethod
    async def execute(cls, text: str = "", file: str = TEXT, **_: Any) -> io.NodeOutput:
        schema.check_names(cls)
        lists = await host.run_in_thread(lambda _: lists_of(text, file))
        count = len(lists[0])
        host.show_text(cls.hidden.unique_id, f"{count} prompt{'' if count == 1 else 's'}")
        return io.NodeOutput(*lists)
