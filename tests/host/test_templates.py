"""Every template runs in this ComfyUI as it is, but for the gateway: the tests' simulator is quicker."""

import json

import numpy as np
import pytest
from PIL import Image
from templates import (
    CSV,
    GOES_ON,
    LIST,
    NEEDS_A_CHECKPOINT,
    NEEDS_AN_UPSCALER,
    TEMPLATES,
    UPSCALER,
    at_the_quick_gateway,
    each_of,
    named,
)

from gpt4o_image.command.workflow import to_prompt

# Two need files of their own, two are looked at more closely below.
RUN_ELSEWHERE = (NEEDS_A_CHECKPOINT, NEEDS_AN_UPSCALER, LIST, CSV)


@pytest.fixture(scope="module")
def upscalers(host, make_upscaler):
    """The folder of the upscale models: x2.pth, x4.pth and the file that the template names."""
    folder = host.server.base_directory / "models" / "upscale_models"
    for name, scale in (("x2.pth", 2), ("x4.pth", 4), (UPSCALER, 4)):
        make_upscaler(folder / name, scale)


@pytest.fixture
def graph_of(host):
    def graph(template):
        return at_the_quick_gateway(to_prompt(json.loads(template.read_text("utf-8")), host.server.object_info()))

    return graph


@each_of(TEMPLATES)
def test_it_has_only_what_this_comfyui_has(graph_of, template):
    assert any(node["class_type"].startswith("GPT4oImage_") for node in graph_of(template).values())


@each_of([template for template in TEMPLATES if template.stem not in RUN_ELSEWHERE])
def test_it_runs(host, graph_of, template, generate, all_outputs):
    if template.stem == GOES_ON:  # it goes on from what was paid for before
        assert host.run(all_outputs(generate("paid before", count="1", background="transparent"))).failure is None
    graph = graph_of(template)
    run = host.run(graph, timeout_s=240)
    assert run.failure is None
    savers = [node for node in graph if graph[node]["class_type"] == "SaveImage"]
    assert savers
    for node in savers:
        assert run.images(node)


def test_a_list_names_its_files_by_the_line(host, graph_of):
    assert file_names(host, graph_of(named(LIST))) == ["001", "002", "003", "004"]


def test_a_csv_names_its_files_by_the_row(host, graph_of):
    graph = graph_of(named(CSV))
    sheet = host.server.base_directory / "input" / "products.csv"
    sheet.write_text("name,prompt,seed\nmug,image 1 on a mug,7\nnote book,image 1 on a notebook,8\n", "utf-8")
    try:
        (prompts,) = [node for node in graph.values() if node["class_type"] == "GPT4oImage_Prompts"]
        prompts["inputs"]["file"] = sheet.name
        assert file_names(host, graph) == ["mug", "note book"]
    finally:
        sheet.unlink()


def file_names(host, graph):
    """What the template's Save Image has named its files, without ComfyUI's counter."""
    run = host.run(graph, timeout_s=240)
    assert run.failure is None
    (saver,) = [node for node in graph if graph[node]["class_type"] == "SaveImage"]
    return [file["filename"].rsplit("_", 2)[0] for file in run.entry["outputs"][saver]["images"]]


@pytest.mark.usefixtures("upscalers")
@pytest.mark.parametrize("scale", [2, 4])
@each_of([template for template in TEMPLATES if template.stem == NEEDS_AN_UPSCALER])
def test_an_upscaled_picture_keeps_its_transparency(host, graph_of, template, scale):
    graph = graph_of(template)
    (loader,) = [node for node in graph.values() if node["class_type"] == "UpscaleModelLoader"]
    assert loader["inputs"]["model_name"] == UPSCALER
    loader["inputs"]["model_name"] = f"x{scale}.pth"
    run = host.run(graph, timeout_s=240)
    (saver,) = [node for node in graph if graph[node]["class_type"] == "SaveImage"]
    (large,) = run.images(saver)
    assert (large.mode, large.size) == ("RGBA", (1024 * scale, 1024 * scale))
    alpha = np.asarray(large)[..., 3]
    assert (alpha.min(), alpha.max()) == (0, 255)
    assert ((alpha > 0) & (alpha < 255)).mean() > 0.01


@pytest.mark.usefixtures("upscalers")
@pytest.mark.parametrize("scale", [2, 4])
def test_the_nodes_compute_what_the_fringe_benchmark_takes_for_them(host, save, fringe, scale):
    alpha = np.rint(255 * fringe.drawn(fringe.hair, fringe.SIDE)).astype(np.uint8)
    rgb = fringe.stored(np.rint(fringe.colours(fringe.SIDE)).astype(np.uint8), alpha)[-1]
    folder = host.server.base_directory / "input"
    Image.fromarray(np.dstack([rgb, alpha])).save(folder / "fringe.png")
    graph = {
        "load": {"class_type": "LoadImage", "inputs": {"image": "fringe.png"}},
        "model": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": f"x{scale}.pth"}},
        "up": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["model", 0], "image": ["load", 0]}},
        "join": {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["up", 0], "alpha": ["load", 1]}},
        "save": save("join"),
    }
    (large,) = host.run(graph).images("save")
    wanted = [fringe.doubling(rgb[..., channel].astype(float), scale) for channel in range(3)]
    wanted.append(fringe.bilinear(alpha.astype(float), scale))
    assert np.abs(np.asarray(large) - np.dstack(wanted)).max() <= 1  # SaveImage cuts off, it does not round
