"""The help pages against the nodes of this ComfyUI, fetched as the front end fetches them."""

import json
import re
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

LOCALES = Path(__file__).parents[2] / "locales"
NODES = (
    "GPT4oImage_Generate",
    "GPT4oImage_ImagesAPI",
    "GPT4oImage_References",
    "GPT4oImage_LoadResult",
    "GPT4oImage_Prompts",
)
LANGUAGES = ("en", "ja", "zh", "zh-TW", "ko")


@pytest.fixture(scope="module")
def served(host):
    def get(path):
        with build_opener(ProxyHandler({})).open(
            f"{host.server.origin}/extensions/gpt4o-image/docs/{path}"
        ) as response:
            return response.read(), response.headers["Content-Type"]

    return get


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_every_input_and_output_is_named_as_on_the_node(host, served, node, language):
    text = served(f"{node}/{language}.md")[0].decode()
    words = json.loads((LOCALES / language / "nodeDefs.json").read_text("utf-8"))[node]
    told = host.server.object_info(node)[node]
    rows = [line.split("|")[1].strip() for line in text.split("\n") if line.startswith("|")]
    names = {id_: words["inputs"][id_]["name"] for id_ in told["input_order"]["required"]}
    names |= {id_: words["inputs"][id_]["name"] for id_ in told["input_order"].get("optional", [])}
    names |= {id_: words["outputs"][str(index)]["name"] for index, id_ in enumerate(told["output_name"])}
    for id_, name in names.items():
        assert (f"`{id_}`" if language == "en" else f"{name} `{id_}`") in rows, id_
    assert text.startswith(f"# {words['display_name']}\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_the_front_end_gets_text_and_pictures(served, node, language):
    """It takes a page of type text/html for a missing one, and looks for pictures under docs/ (nodeHelpService.ts)."""
    for path in (f"{node}.md", f"{node}/{language}.md"):
        body, kind = served(path)
        assert "html" not in kind
        pictures = re.findall(rb"\]\(([^)]+\.jpg)\)", body)
        assert pictures
        for picture in pictures:
            assert served(picture.decode())[1] == "image/jpeg"
