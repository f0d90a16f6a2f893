"""The documents match the code: what they name is there, and both READMEs have the same parts."""

import re
from pathlib import Path

import pytest
from templates import TEMPLATES

ROOT = Path(__file__).parents[2]
PLACES = (ROOT, ROOT / "gpt4o_image", ROOT / "tests")
OF_THE_USER = {"config.toml"}
# `vault/claims.py`, `locales/<code>/`, `web/docs/<node>*.md`; not `/gpt4o_image/`, which is a route.
PATH = re.compile(r"`([\w.<*][\w./<>*-]*(?:\.(?:py|json|md|toml)|/))`")
# In the tree of docs/architecture.md: `nodes/    one node per file; host.py the only import of ...`.
OF_THE_TREE = re.compile(r"^(?:[\w/]+(?:\.py|/)(?:  |$))+", re.MULTILINE)
READMES = ("README.md", "README.ja.md")


def text_of(name):
    return (ROOT / name).read_text("utf-8")


def is_there(path):
    pattern = re.sub(r"<\w+>\*?", "*", path).rstrip("/")
    return any(next(place.glob(pattern), None) for place in PLACES)


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_paths_it_names_are_there(document):
    paths = set(PATH.findall(text_of(document))) - OF_THE_USER
    assert len(paths) >= 10
    assert [path for path in sorted(paths) if not is_there(path)] == []


def test_the_tree_is_that_of_the_package():
    tree = text_of("docs/architecture.md").split("```")[1]
    named = {name.rstrip("/") for line in OF_THE_TREE.findall(tree) for name in line.split()}
    package = {path.name for path in (ROOT / "gpt4o_image").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert named == {name for name in package if name[0] not in "_."} | {"nodes"}


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_every_template(readme):
    rows = re.findall(r"^\| `(\d\d [^`]+)` \|", text_of(readme), re.MULTILINE)
    assert rows == [template.stem for template in TEMPLATES]


@pytest.mark.parametrize("part", [r"^## ", r"^### ", r"^ *```\w*$", r"^\|", r"^ *- "])
def test_the_readmes_have_the_same_parts(part):
    english, japanese = (len(re.findall(part, text_of(readme), re.MULTILINE)) for readme in READMES)
    assert english == japanese > 0


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_is_read_elsewhere_too(readme):
    """The registry's page shows it without the repository around it."""
    links = re.findall(r"\]\(([^)]+)\)", text_of(readme))
    assert [link for link in links if not link.startswith(("https://", "#")) and link != "LICENSE"] == []


@pytest.mark.parametrize("readme", READMES)
def test_its_links_to_sections_have_a_section(readme):
    text = text_of(readme)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
