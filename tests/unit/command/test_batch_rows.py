"""Rows of a sheet as requests and file names."""

import argparse
import io

import pytest
from PIL import Image

from gpt4o_image.command.batch_rows import batch_rows, safe_stem, unknown_columns
from gpt4o_image.command.reference_files import ReferenceFiles
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.sheet import read_sheet

DEFAULTS = argparse.Namespace(
    model="gpt-4o-image-vip", ratio="auto", background="auto", count="auto", artist_names="stop"
)
MODELS = ("gpt-4o-image-vip", "gpt-4o-image")


def png(colour):
    data = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def rows(tmp_path):
    for name in ("a.png", "b.png", "c; d.png"):
        (tmp_path / name).write_bytes(png(name[0].replace("c", "red").replace("a", "green").replace("b", "blue")))

    def read(text, gateway="aihubmix", **changed):
        defaults = argparse.Namespace(**{**vars(DEFAULTS), **changed})
        return batch_rows(read_sheet(text.encode(), "list.csv"), ReferenceFiles(tmp_path), gateway, MODELS, defaults)

    return read


def test_cells_and_defaults(rows):
    first, second = rows(
        "prompt,name,seed,ratio,background,model,references\n"
        'a fox,fox,-3,3:2,transparent,gpt-4o-image,"a.png; b.png"\na cat,,,,,,\n',
        ratio="2:3",
        count="1",
    )
    assert (first.request.aspect_ratio, first.request.background, first.request.model, first.request.seed) == (
        "3:2", "transparent", "gpt-4o-image", -3,
    )  # fmt: skip
    assert [path.name for path in first.references] == ["a.png", "b.png"]
    assert (first.stem, second.stem) == ("fox", "row-0002")
    assert (second.request.aspect_ratio, second.request.count, second.request.seed) == ("2:3", "1", 0)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("c; d.png", ["c; d.png"]),
        ("a.png|b.png", ["a.png", "b.png"]),
        ('"a.png\nb.png\n"', ["a.png", "b.png"]),
        ("; a.png ;", ["a.png"]),
        (";".join(["a.png"] * 16), ["a.png"] * 16),
    ],
)
def test_several_references_in_a_cell(rows, cell, names):
    assert [path.name for path in rows(f"prompt,references\nx,{cell}\n")[0].references] == names


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        ("ratio\nx,16:9", "bad_request", "Row 1: The aspect ratio"),
        ("background\nx,blue", "bad_request", "Row 1: The background"),
        ("model\nok,\nx,gpt-4", "bad_model", "Row 2: "),
        ("references\nx,missing.png", "reference", "Row 1: There is no file"),
        ("references\nx," + ";".join(["a.png"] * 17), "reference", "Row 1: There are 17"),
        ("references\nx,.", "reference", "is a folder"),
    ],
)
def test_a_row_that_cannot_be_sent_is_named(rows, cells, kind, words):
    with pytest.raises(GPT4oImageError, match=words) as caught:
        rows(f"prompt,{cells}\n")
    assert (caught.value.kind, caught.value.billed) == (kind, "no")


def test_what_makes_a_row_another_one(rows, tmp_path):
    def ids(text, **changed):
        return [row.id for row in rows(f"prompt,name,seed,references\n{text}\n", **changed)]

    (same,) = ids("x,n,1,a.png")
    assert ids("y,,,\nx,n,1,a.png")[1] == same  # wherever it stands
    for other in ("y,n,1,a.png", "x,m,1,a.png", "x,n,2,a.png", "x,n,1,b.png", "x,n,1,"):
        assert ids(other) != [same]
    assert ids("x,n,1,a.png", gateway="other") != [same]
    assert ids("x,n,1,a.png", model="gpt-4o-image") != [same]
    assert len(set(ids("x,n,1,a.png\nx,n,1,a.png"))) == 2
    (tmp_path / "a.png").write_bytes(png("yellow"))
    assert ids("x,n,1,a.png") != [same]


def test_columns_that_mean_nothing():
    sheet = read_sheet(b"prompt,Sku,rato,name\nx,1,,n\ny,2,3:2,\n", "list.csv")
    assert unknown_columns(sheet) == ["rato", "sku"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a paper boat", "a paper boat"),
        ("boat.PNG", "boat"),
        ("v1.2", "v1.2"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("/absolute", "_absolute"),
        ("C:\\boats\\one", "C_boats_one"),
        ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
        ("line\nbreak\x00\x1b[2J", "line_break_[2J"),
        ("...hidden", "hidden"),
        ("ends in dots. . .", "ends in dots"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("console", "console"),
        (".png", ""),
        ("", ""),
        (" . ", ""),
        ("\u72d0" * 100, "\u72d0" * 50),
        ("e\u0301", "\u00e9"),
        ("half \udc80", "half"),
    ],
)
def test_names_fit_every_file_system(name, stem):
    assert safe_stem(name) == stem
