"""References to upload parts, and results to tensors. numpy arrays stand for CPU tensors, which give them uncopied.

`a`: one RGB frame of 4096x4096, `b`: one RGBA frame of 1536x1024, `c`: fourteen frames of 2048x2048 in a process of
their own, `d`: a result of 1024x1536 to image, rgb and mask: opaque, fading out from side to side, and a sticker, `e`:
one RGBA frame of 2048x2048, its memory in a process of its own. `floor` is copying the frame and encoding it at the
size that is sent; `plain` is what other packs do: Lanczos to 2048, PNG, base64.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpt4o_image.pictures.batch import canvas
from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.encode import encode
from gpt4o_image.pictures.frames import Frame
from gpt4o_image.pictures.references import Policy, prepare
from gpt4o_image.request import Part

from .rig.figures import Report, in_turns
from .rig.memory import peak_bytes

Floats = npt.NDArray[np.float32]

ROOT = Path(__file__).parents[1]
FRAMES = 14
ROUNDS = 15
SLOW_ROUNDS = 3
GOALS = {
    "a.time_to_floor": (3.0, True),
    "a.plain_to_time": (10.0, False),
    "a.bytes_to_plain": (0.1, True),
    "a.psnr_db": (38.0, False),
    "b.alpha_differs": (0.0, True),
    "c.peak_in_frames": (1.5, True),
    "c.time_to_14_alone": (1.0, True),
    "d.opaque_to_pillow": (1.35, True),
    "d.fade_to_pillow": (1.6, True),
    "d.sticker_to_pillow": (1.6, True),
    "e.time_to_floor": (2.0, True),
    "e.peak_mib": (80.0, True),
}


def photograph(side: int, seed: int = 20261101) -> Floats:
    """[side,side,3] like a photograph: 1/f texture, partly out of focus, discs with sharp edges, sensor noise.

    Colour has less detail than light has and channels share most of their noise, as a camera's mosaic leaves them.
    """
    rng = np.random.default_rng(seed)
    rows, columns = (axis.astype(np.float32) / side for axis in np.ogrid[:side, :side])
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)).astype(np.float32)
    frequency[0, 0] = 1

    def texture(fall: float, deviation: float) -> Floats:
        waves = rng.standard_normal(frequency.shape, np.float32) * np.exp(2j * np.pi * rng.random(frequency.shape))
        plane = np.fft.irfft2(waves / frequency**fall, (side, side)).astype(np.float32)
        return plane * np.float32(deviation / plane.std())

    focus = np.clip(texture(2.5, 1) + np.float32(0.5), 0, 1)
    light = texture(1.2, 0.15) * focus + texture(1.8, 0.15) * (1 - focus)
    light += np.float32(0.5) + np.float32(0.15) * (rows - np.float32(0.5))
    light += rng.standard_normal(light.shape, np.float32) * np.float32(0.008)
    picture = np.empty((side, side, 3), np.float32)
    for channel in range(3):
        picture[..., channel] = light + texture(1.6, 0.05)
        picture[..., channel] += rng.standard_normal(light.shape, np.float32) * np.float32(0.004)
    for _ in range(40):
        across, down, radius = rng.random(3)
        inside = (columns - across) ** 2 + (rows - down) ** 2 < (0.02 + 0.1 * radius) ** 2
        picture[inside] = picture[inside] * np.float32(0.4) + rng.random(3, np.float32) * np.float32(0.6)
    return np.clip(picture, 0, 1)


def upload(*frames: Floats) -> list[Part]:
    named = [Frame(f"frame {number}", frame) for number, frame in enumerate(frames, 1)]
    parts = prepare(named, Policy(), cancelled=lambda: False)
    for part in parts:
        part.data_url()
    return parts


def plain(pixels: Floats) -> bytes:
    """As other packs do it: clip, bytes, Lanczos to 2048, PNG, base64."""
    from PIL import Image

    image = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    if max(image.size) > 2048:
        image = image.resize((2048, 2048), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue())


def against(pixels: Floats, encode_scaled: Callable[[], object], prefix: str) -> tuple[Part, Report]:
    """The times that (a) and (b) have in common."""
    upload(pixels)
    took = in_turns({"copy": pixels.copy, "encode": encode_scaled, "ours": lambda: upload(pixels)}, ROUNDS)
    took["plain"] = in_turns({"plain": lambda: plain(pixels)}, SLOW_ROUNDS)["plain"]
    (part,) = upload(pixels)
    return part, {
        f"{prefix}.time_ms": took["ours"] * 1e3,
        f"{prefix}.floor_ms": (took["copy"] + took["encode"]) * 1e3,
        f"{prefix}.plain_ms": took["plain"] * 1e3,
        f"{prefix}.bytes": len(part.data),
        f"{prefix}.time_to_floor": took["ours"] / (took["copy"] + took["encode"]),
        f"{prefix}.plain_to_time": took["plain"] / took["ours"],
        f"{prefix}.bytes_to_plain": len(part.data_url()) / len(plain(pixels)),
    }


def large_rgb(picture: Floats) -> Report:
    """(a) 4096 x 4096 float32 RGB."""
    from PIL import Image

    levels = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    scaled = levels.resize((1536, 1536), Image.Resampling.LANCZOS)
    part, report = against(picture, lambda: encode(scaled, "image/jpeg", 92, resized=True), "a")
    sent, wanted = (np.asarray(each, np.float32) for each in (decode(part.data).pixels, scaled))
    report["a.psnr_db"] = float(10 * np.log10(255**2 / np.mean((sent - wanted) ** 2)))
    return report


def vignette(picture: Floats) -> Floats:
    """`picture` [H,W,3] with an alpha that falls off to nothing at the corners."""
    height, width = picture.shape[:2]
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -width / height : width / height : width * 1j]
    alpha = np.clip(2.4 - 2 * np.hypot(rows, columns), 0, 1).astype(np.float32)
    return np.ascontiguousarray(np.dstack([picture, alpha]))


def large_rgba(picture: Floats) -> Report:
    """(e) 2048 x 2048 float32 RGBA: time."""
    from PIL import Image

    pixels = vignette(picture[:2048, :2048])
    scaled = Image.fromarray((pixels * 255 + 0.5).astype(np.uint8)).resize((1536, 1536), Image.Resampling.LANCZOS)
    took = in_turns(
        {
            "copy": pixels.copy,
            "encode": lambda: encode(scaled, "image/webp", 90, resized=True),
            "ours": lambda: upload(pixels),
        },
        ROUNDS,
    )
    floor = took["copy"] + took["encode"]
    return {"e.time_ms": took["ours"] * 1e3, "e.floor_ms": floor * 1e3, "e.time_to_floor": took["ours"] / floor}


def rgba(picture: Floats) -> Report:
    """(b) 1536 x 1024 float32 RGBA, with soft edges and nothing around."""
    from PIL import Image

    pixels = vignette(picture[:1024, :1536])
    levels = (pixels * 255 + 0.5).astype(np.uint8)
    ready = Image.fromarray(levels)
    part, report = against(pixels, lambda: ready.save(io.BytesIO(), "WEBP", quality=90), "b")
    report["b.alpha_differs"] = int(np.count_nonzero(decode(part.data).pixels[..., 3] != levels[..., 3]))
    report["b.format"] = part.mime
    return report


def many(photo: Path) -> Report:
    """(c) 14 frames of 2048 x 2048, in a process of its own: what it needs at most above its input, and the time."""
    picture = np.load(photo, mmap_mode="r")
    frames = np.empty((FRAMES, *picture.shape), np.float32)
    for number, frame in enumerate(frames):
        frame[:] = np.roll(picture, number * 97, 0)
    upload(frames[0, :64, :64])
    before = peak_bytes(reset=True)
    upload(*frames)
    report: Report = {"c.peak_in_frames": (peak_bytes() - before) / frames[0].nbytes}
    took = in_turns({"all": lambda: upload(*frames), "alone": lambda: [upload(frame) for frame in frames]}, SLOW_ROUNDS)
    report |= {f"c.{name}_ms": seconds * 1e3 for name, seconds in took.items()}
    report["c.time_to_14_alone"] = took["all"] / took["alone"]
    return report


def peak_of_one(photo: Path) -> Report:
    """(e) In a process of its own: what it needs at most above its input."""
    pixels = vignette(np.load(photo))
    upload(pixels[:64, :64])
    before = peak_bytes(reset=True)
    upload(pixels)
    return {"e.peak_mib": (peak_bytes() - before) / 2**20}


def in_child(name: str, photo: Path) -> Report:
    command = [sys.executable, "-m", "benchmarks.references", name, str(photo)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def results(picture: Floats, rounds: int) -> Report:
    """(d) A PNG of 1024 x 1536 to image, rgb and mask, against Pillow's own decoding."""
    from PIL import Image

    levels = (picture[:1536, :1024] * 255 + 0.5).astype(np.uint8)
    fade = np.broadcast_to(np.linspace(0, 255, 1024).astype(np.uint8), levels.shape[:2])
    rows, columns = np.ogrid[-1:1:1536j, -1:1:1024j]
    disc = (np.clip(90 - 100 * np.hypot(rows, columns), 0, 1) * 255).astype(np.uint8)
    pictures = {
        "opaque": levels,
        "fade": np.dstack([levels, fade]),
        "sticker": np.dstack([levels * (disc > 0)[..., None], disc]).astype(np.uint8),
    }
    report: Report = {}
    for name, pixels in pictures.items():
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        data = file.getvalue()
        took = in_turns(
            {
                "ours": lambda data=data: canvas([decode(data)]),
                "pillow": lambda data=data: Image.open(io.BytesIO(data)).load(),
            },
            rounds,
        )
        report |= {f"d.{name}_ms": took["ours"] * 1e3, f"d.{name}_to_pillow": took["ours"] / took["pillow"]}
    return report


def measure(*, quick: bool = False) -> Report:
    """`quick` measures (d) alone."""
    if quick:
        return results(photograph(1536), 1)
    picture = photograph(4096)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.npy"
        np.save(photo, picture[1024:3072, 1024:3072])
        alone = in_child("many", photo) | in_child("peak_of_one", photo)
    return large_rgb(picture) | rgba(picture) | results(picture, ROUNDS) | large_rgba(picture) | alone


if __name__ == "__main__":
    measured = {"many": many, "peak_of_one": peak_of_one}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(measured))
