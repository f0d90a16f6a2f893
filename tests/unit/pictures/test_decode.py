"""Every mode and format that Pillow can be given, exact at 8 bit."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from gpt4o_image.pictures.batch import canvas
from gpt4o_image.pictures.decode import Decoded, decode
from gpt4o_image.pictures.formats import PictureError
from gpt4o_image.pictures.opening import MAX_PIXELS

HEIGHT, WIDTH = 5, 7
RNG = np.random.default_rng(20260801)
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GREY = RNG.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
ALPHA = RNG.integers(0, 255, (HEIGHT, WIDTH), np.uint8)
ALPHA[0, :3] = 0, 255, 1
RGBA = np.dstack([RGB, ALPHA])
Image.init()
HAS_AVIF = "AVIF" in Image.SAVE
AVIF = pytest.mark.skipif(not HAS_AVIF, reason="this Pillow has no AVIF")


def saved(img: Image.Image, name: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    img.save(file, name, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(depth: int, colour: int, rows: list[bytes], width: int, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG as the specification has it, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = b"".join(chunk(*each) for each in extra)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png16(colour: int, samples: np.ndarray, *extra: tuple[bytes, bytes]) -> bytes:
    return png(16, colour, [row.astype(">u2").tobytes() for row in samples], samples.shape[1], *extra)


def grey_as_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def check(data: bytes, expected: np.ndarray, mime: str = "image/png") -> Decoded:
    got = decode(data)
    height, width, channels = expected.shape
    assert (got.height, got.width, got.mode, got.mime) == (height, width, {3: "RGB", 4: "RGBA"}[channels], mime)
    assert got.pixels.dtype == np.uint8
    assert got.pixels.flags.c_contiguous
    np.testing.assert_array_equal(got.pixels, expected)
    return got


class TestPng:
    def test_rgb(self):
        check(saved(Image.fromarray(RGB)), RGB)

    def test_rgba_keeps_the_colours_under_alpha_0(self):
        data = saved(Image.fromarray(RGBA))
        assert (RGBA[ALPHA == 0][:, :3] > 0).any()
        check(data, RGBA)
        np.testing.assert_array_equal(np.rint(canvas([decode(data)]).image[0] * 255), RGBA)

    def test_grey(self):
        check(saved(Image.fromarray(GREY)), grey_as_rgb(GREY))

    def test_grey_with_alpha(self):
        img = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
        check(saved(img), np.dstack([grey_as_rgb(GREY), ALPHA]))

    def test_one_bit(self):
        bits = GREY > 127
        check(saved(Image.fromarray(bits)), grey_as_rgb(np.where(bits, 255, 0).astype(np.uint8)))

    @pytest.mark.parametrize("depth", [1, 2, 4, 8])
    @pytest.mark.parametrize("key", [None, 0, 1])
    def test_grey_of_few_bits(self, depth, key):
        most = (1 << depth) - 1
        values = np.array([[0, 1, most, 1, 0, most, 1, 0]])
        bits = "".join(f"{value:0{depth}b}" for value in values[0])
        row = int(bits, 2).to_bytes(depth, "big")
        extra = [] if key is None else [(b"tRNS", struct.pack(">H", key))]
        expected = grey_as_rgb((values * 255 // most).astype(np.uint8))
        if key is not None:
            expected = np.dstack([expected, np.where(values == key, 0, 255).astype(np.uint8)])
        check(png(depth, 0, [row], 8, *extra), expected)

    @pytest.mark.parametrize("alphas", [None, [0], [255, 0], [255, 128, 0, 7], [255, 255]])
    def test_palette(self, alphas):
        palette = RNG.integers(0, 256, (4, 3), np.uint8)
        indices = RNG.integers(0, 4, (HEIGHT, WIDTH), np.uint8)
        indices[0, :4] = range(4)
        extra = [(b"PLTE", palette.tobytes())]
        expected = palette[indices]
        if alphas is not None:
            extra.append((b"tRNS", bytes(alphas)))
            if min(alphas) < 255:
                full = np.array(alphas + [255] * (4 - len(alphas)), np.uint8)
                expected = np.dstack([expected, full[indices]])
        check(png(8, 3, [row.tobytes() for row in indices], WIDTH, *extra), expected)

    def test_rgb_with_a_transparent_colour(self):
        rgb = RGB.copy()
        rgb[1, 2] = rgb[3, 4] = 12, 34, 56
        alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
        alpha[1, 2] = alpha[3, 4] = 0
        extra = (b"tRNS", struct.pack(">3H", 12, 34, 56))
        check(png(8, 2, [row.tobytes() for row in rgb], WIDTH, extra), np.dstack([rgb, alpha]))

    def test_a_transparent_colour_that_does_not_occur(self):
        rgb = np.maximum(RGB, 1)
        extra = (b"tRNS", struct.pack(">3H", 0, 0, 0))
        check(png(8, 2, [row.tobytes() for row in rgb], WIDTH, extra), rgb)

    def test_16_bit_grey_is_rounded(self):
        samples = np.arange(65536, dtype=np.uint32).reshape(256, 256)
        exact = (samples * 2 * 255 + 65535) // (2 * 65535)
        check(png16(0, samples), grey_as_rgb(exact.astype(np.uint8)))

    def test_16_bit_grey_with_a_transparent_value(self):
        samples = np.array([[0, 300, 301, 65535]])
        got = check(
            png16(0, samples, (b"tRNS", struct.pack(">H", 301))),
            np.array([[[0, 0, 0, 255], [1, 1, 1, 255], [1, 1, 1, 0], [255, 255, 255, 255]]], np.uint8),
        )
        assert got.mode == "RGBA"

    @pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
    def test_16_bit_colours_are_right_to_one_level(self, colour, channels):
        samples = RNG.integers(0, 65536, (HEIGHT, WIDTH, channels))
        exact = np.rint(samples * 255 / 65535)
        got = decode(png16(colour, samples)).pixels
        if channels == 2:
            exact = np.dstack([exact[..., 0]] * 3 + [exact[..., 1]])
        assert np.abs(got - exact).max() <= 1

    def test_16_bit_rgb_with_a_transparent_colour(self):
        samples = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3))
        key = samples[2, 3]
        alpha = decode(png16(2, samples, (b"tRNS", struct.pack(">3H", *key)))).pixels[..., 3]
        assert alpha[2, 3] == 0
        assert (alpha == 0).sum() == 1

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_an_opaque_alpha_channel_gives_rgb(self, mode):
        img = Image.fromarray(RGB).convert(mode)
        check(saved(img), np.asarray(img.convert("RGB")))

    @pytest.mark.parametrize("alpha", [0, 254, 255])
    def test_one_pixel_that_is_not_opaque(self, alpha):
        rgba = np.dstack([RGB, np.full((HEIGHT, WIDTH), 255, np.uint8)])
        rgba[2, 3, 3] = alpha
        check(saved(Image.fromarray(rgba)), rgba if alpha < 255 else RGB)

    def test_first_frame_of_an_animation(self):
        frames = [Image.fromarray(RGBA), Image.fromarray(RGBA[::-1].copy())]
        check(saved(frames[0], save_all=True, append_images=frames[1:]), RGBA)


class TestOtherFormats:
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    @pytest.mark.parametrize("subsampling", [0, 2])
    def test_jpeg(self, mode, subsampling):
        data = saved(Image.fromarray(RGB).convert(mode), "JPEG", subsampling=subsampling, quality=90)
        check(data, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), "image/jpeg")

    @pytest.mark.parametrize("transform", [0, 2], ids=["CMYK", "YCCK"])
    def test_four_colour_jpeg(self, transform):
        data = saved(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=100, subsampling=0)
        adobe = data.index(b"Adobe")
        assert data[adobe + 11] == 0
        data = data[: adobe + 11] + bytes([transform]) + data[adobe + 12 :]
        img = Image.open(io.BytesIO(data))
        assert img.mode == "CMYK"
        check(data, np.asarray(img.convert("RGB")), "image/jpeg")
        if transform == 0:
            assert np.abs(decode(data).pixels.astype(int) - RGB).mean() < 4

    @pytest.mark.parametrize("pixels", [RGB, RGBA], ids=["RGB", "RGBA"])
    def test_webp(self, pixels):
        check(saved(Image.fromarray(pixels), "WEBP", lossless=True, exact=True), pixels, "image/webp")

    def test_opaque_webp_with_alpha(self):
        opaque = np.dstack([RGB, np.full((HEIGHT, WIDTH), 255, np.uint8)])
        check(saved(Image.fromarray(opaque), "WEBP", lossless=True), RGB, "image/webp")

    @pytest.mark.parametrize("key", [None, 2])
    def test_gif(self, key):
        palette = RNG.integers(0, 256, (4, 3), np.uint8)
        indices = RNG.integers(0, 4, (HEIGHT, WIDTH), np.uint8)
        img = Image.fromarray(indices)
        img.putpalette(palette.tobytes())
        expected = palette[indices]
        options = {"optimize": False}
        if key is not None:
            options["transparency"] = key
            expected = np.dstack([expected, np.where(indices == key, 0, 255).astype(np.uint8)])
        check(saved(img, "GIF", **options), expected, "image/gif")

    def test_grey_gif_with_a_transparent_value(self):
        grey = RNG.permutation(np.arange(256, dtype=np.uint8)).reshape(16, 16)
        expected = np.dstack([grey_as_rgb(grey), np.where(grey == 40, 0, 255).astype(np.uint8)])
        check(saved(Image.fromarray(grey), "GIF", transparency=40, optimize=False), expected, "image/gif")

    @pytest.mark.parametrize("name", ["GIF", "WEBP"])
    def test_first_frame_of_an_animation(self, name):
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#0000ff")]
        data = saved(frames[0], name, save_all=True, append_images=frames[1:], lossless=True)
        check(data, np.asarray(frames[0]), f"image/{name.lower()}")

    @AVIF
    @pytest.mark.parametrize("pixels", [RGB, RGBA], ids=["RGB", "RGBA"])
    def test_avif(self, pixels):
        data = saved(Image.fromarray(pixels), "AVIF", quality=100)
        check(data, np.asarray(Image.open(io.BytesIO(data))), "image/avif")


UPRIGHT = RGB[:2, :3]
ORIENTED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.transpose(1, 0, 2),
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(UPRIGHT, -1),
}


class TestOrientation:
    @pytest.mark.parametrize("name", ["PNG", "WEBP"])
    @pytest.mark.parametrize("orientation", ORIENTED)
    def test_turned_upright(self, orientation, name):
        exif = Image.Exif()
        exif[0x0112] = orientation
        img = Image.fromarray(np.ascontiguousarray(ORIENTED[orientation]))
        check(saved(img, name, exif=exif, lossless=True), UPRIGHT, f"image/{name.lower()}")

    def test_jpeg(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        got = decode(saved(Image.new("RGB", (20, 10)), "JPEG", exif=exif))
        assert (got.width, got.height) == (10, 20)

    @pytest.mark.parametrize("exif", [b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0"])
    def test_broken_exif_is_ignored(self, exif):
        check(saved(Image.fromarray(RGB), exif=exif), RGB)

    @pytest.mark.parametrize("value", [0, 9, 65535])
    def test_senseless_orientation_is_ignored(self, value):
        exif = Image.Exif()
        exif[0x0112] = value
        check(saved(Image.fromarray(RGB), exif=exif), RGB)

    @pytest.mark.parametrize("entry", [struct.pack("<HI4s", 2, 2, b"6"), struct.pack("<HI2H", 3, 2, 6, 6)])
    def test_orientation_of_another_type_or_count(self, entry, recwarn):
        exif = b"Exif\0\0II*\0" + struct.pack("<IHH", 8, 1, 0x0112) + entry + bytes(4)
        decode(saved(Image.fromarray(RGB), exif=exif))
        assert not recwarn.list


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """sRGB whose red and green primaries have changed places."""
    return srgb_profile().replace(b"rXYZ", b"????", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"????", b"gXYZ", 1)


def grey_profile() -> bytes:
    """A gray profile with gamma 1."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 12)
    head = struct.pack(">I4sI4s4s4s", 188, b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + tags + white + curve


def managed(img: Image.Image, profile: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(ImageCms.profileToProfile(img, source, ImageCms.createProfile("sRGB"), outputMode="RGB"))


class TestColourProfile:
    @pytest.mark.parametrize("name", ["PNG", "WEBP"])
    def test_srgb_leaves_the_pixels_alone(self, name):
        data = saved(Image.fromarray(RGB), name, icc_profile=srgb_profile(), lossless=True)
        check(data, RGB, f"image/{name.lower()}")

    @pytest.mark.parametrize("name", ["PNG", "WEBP"])
    def test_another_profile_is_applied(self, name):
        expected = managed(Image.fromarray(RGB), swapped_profile())
        assert np.abs(expected.astype(int) - RGB).max() > 50
        data = saved(Image.fromarray(RGB), name, icc_profile=swapped_profile(), lossless=True)
        check(data, expected, f"image/{name.lower()}")

    def test_a_profile_that_is_near_srgb_is_applied_too(self):
        profile = bytearray(srgb_profile())
        place = profile.index(b"rXYZ") + 4
        first = struct.unpack_from(">I", profile, place)[0] + 8
        struct.pack_into(">i", profile, first, int(struct.unpack_from(">i", profile, first)[0] * 0.93))
        expected = managed(Image.fromarray(RGB), bytes(profile))
        assert 1 < np.abs(expected.astype(int) - RGB).max() < 60
        check(saved(Image.fromarray(RGB), icc_profile=bytes(profile)), expected)

    def test_alpha_is_kept(self):
        expected = np.dstack([managed(Image.fromarray(RGB), swapped_profile()), ALPHA])
        check(saved(Image.fromarray(RGBA), icc_profile=swapped_profile()), expected)

    def test_palette(self):
        img = Image.fromarray(RGB).quantize(8)
        check(saved(img, icc_profile=swapped_profile()), managed(img.convert("RGB"), swapped_profile()))

    def test_grey(self):
        expected = managed(Image.fromarray(GREY), grey_profile())
        assert (expected[..., 0] >= GREY).all()
        assert (expected[..., 0] > GREY).any()
        check(saved(Image.fromarray(GREY), icc_profile=grey_profile()), expected)

    def test_grey_with_a_colour_profile(self):
        expected = managed(Image.fromarray(GREY).convert("RGB"), swapped_profile())
        check(saved(Image.fromarray(GREY), icc_profile=swapped_profile()), expected)

    @pytest.mark.parametrize(
        "profile",
        [b"broken", bytes(200), srgb_profile()[:180], swapped_profile()[:300], grey_profile()],
        ids=["short", "zeros", "cut", "cut tags", "for grey"],
    )
    def test_a_profile_that_is_broken_or_does_not_fit_is_ignored(self, profile):
        check(saved(Image.fromarray(RGB), icc_profile=profile), RGB)

    def test_a_lab_profile_is_ignored(self):
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        check(saved(Image.fromarray(RGB), icc_profile=lab), RGB)


def bomb(width: int, height: int) -> bytes:
    row = zlib.compress(b"")
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


NOISE = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8))


class TestRefusals:
    @pytest.mark.parametrize("size", [(8000, 8001), (12000, 9000), (30000, 30000), (64_000_001, 1)])
    def test_too_many_pixels(self, size, recwarn):
        before = Image.MAX_IMAGE_PIXELS
        with pytest.raises(PictureError, match=r"too large|64 megapixels"):
            decode(bomb(*size))
        assert before == Image.MAX_IMAGE_PIXELS
        assert not recwarn.list

    def test_the_limit_itself_is_allowed(self):
        assert MAX_PIXELS == 8000 * 8000
        with pytest.raises(PictureError, match="cut off"):  # it goes on to the pixels, which are not there
            decode(bomb(8000, 8000))

    @pytest.mark.parametrize("lenient", [False, True])
    @pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
    @pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", pytest.param("AVIF", marks=AVIF)])
    def test_cut_off(self, name, share, lenient, monkeypatch):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)  # as other node packs do
        data = saved(NOISE, name)
        with pytest.raises(PictureError):
            decode(data[: int(len(data) * share)])

    @pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_bytes_after_the_end_do_no_harm(self, name):
        data = saved(NOISE, name)
        np.testing.assert_array_equal(decode(data + b"\xff\xda trailer").pixels, decode(data).pixels)

    def test_jpeg_cut_behind_its_thumbnail(self, monkeypatch):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        thumbnail = b"\xff\xe1" + struct.pack(">H", 2 + 9) + b"\xff\xda\0\0\0\0\0\xff\xd9"
        data = saved(NOISE, "JPEG")
        data = data[:2] + thumbnail + b"\xff\xff" + data[2:]
        assert decode(data).width == 64
        with pytest.raises(PictureError, match="cut off"):
            decode(data[:-100])

    @pytest.mark.parametrize("data", [b"", b"\x89PNG", b"<html>", b"BM" + bytes(60)])
    def test_other_data(self, data):
        with pytest.raises(PictureError, match="is not a PNG, JPEG"):
            decode(data)

    def test_formats_that_are_not_accepted(self):
        for name in ("PPM", "ICO"):
            with pytest.raises(PictureError):
                decode(saved(NOISE, name))

    @settings(max_examples=150, deadline=None)
    @given(
        name=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF"]),
        damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    )
    def test_damage_is_a_picture_error_or_a_picture(self, name, damage):
        data = bytearray(DAMAGED[name])
        for place, value in damage:
            data[int(place * len(data))] = value
        with contextlib.suppress(PictureError):
            decode(bytes(data))


def _damaged() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    names = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", *(["AVIF"] if HAS_AVIF else [])]
    img = Image.fromarray(RGB)
    made = {name: saved(img, name, exif=exif, icc_profile=swapped_profile()) for name in names}
    return {"AVIF": made["PNG"], **made}


DAMAGED = _damaged()
