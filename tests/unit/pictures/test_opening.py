"""Files that are damaged, hostile or unusual: what is repaired with a warning, what is refused before it costs much."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin

from gpt4o_image.pictures import decode as decoding
from gpt4o_image.pictures import opening
from gpt4o_image.pictures.decode import Decoded, decode
from gpt4o_image.pictures.formats import PictureError, PictureTooLarge

RNG = np.random.default_rng(20260801)
HEIGHT, WIDTH = 50, 70
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
SMOOTH = np.dstack([ROWS * 5, COLUMNS * 3, ROWS + COLUMNS]).astype(np.uint8)
TALL = np.tile(SMOOTH, (2, 1, 1))[:66]  # nine rows of blocks: of restart markers there are eight
NOISE = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
RGBA = np.dstack([NOISE, RNG.integers(0, 255, (HEIGHT, WIDTH), np.uint8)])
Image.init()
AVIF = pytest.mark.skipif("AVIF" not in Image.SAVE, reason="this Pillow has no AVIF")
MEBI = 1 << 20


def saved(pixels: np.ndarray, name: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, name, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(data: bytes, added: bytes, *, behind: bool = False) -> bytes:
    place = data.index(b"IEND") - 4 if behind else data.index(b"IDAT") - 4
    return data[:place] + added + data[place:]


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + data[2:]


def mended(data: bytes, pixels: np.ndarray, remark: str) -> Decoded:
    """`data` gives `pixels`, and one warning that holds `remark`."""
    got = decode(data)
    np.testing.assert_array_equal(got.pixels, pixels)
    assert len(got.warnings) == 1
    assert remark in got.warnings[0]
    return got


LARGE = {
    "iCCP": b"display\0\0" + zlib.compress(bytes(2 * MEBI)),
    "zTXt": b"workflow\0\0" + zlib.compress(bytes(2 * MEBI)),
    "iTXt": b"prompt\0\1\0\0\0" + zlib.compress(b"x" * 2 * MEBI),
}


class TestMetadataOfPng:
    @pytest.mark.parametrize("lenient", [False, True])
    @pytest.mark.parametrize("behind", [False, True])
    @pytest.mark.parametrize("kind", LARGE)
    def test_large(self, kind, behind, lenient, monkeypatch):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)  # as other node packs do
        data = with_chunk(saved(RGBA), chunk(kind.encode(), LARGE[kind]), behind=behind)
        got = decode(data)
        np.testing.assert_array_equal(got.pixels, RGBA)
        assert lenient or "metadata" in got.warnings[0] or (kind, behind) == ("iCCP", True)

    def test_more_text_than_pillow_keeps(self):
        texts = b"".join(chunk(b"zTXt", b"%d\0\0" % n + zlib.compress(bytes(MEBI - 9))) for n in range(70))
        mended(with_chunk(saved(NOISE), texts), NOISE, "metadata")

    def test_a_wrong_checksum(self):
        broken = chunk(b"tEXt", b"Comment\0words")[:-1] + b"?"
        mended(with_chunk(saved(RGBA), broken), RGBA, "metadata")

    @pytest.mark.parametrize("pixels", [b"IHDR", b"PLTE"])  # the compressed pixels have a checksum of their own
    def test_a_wrong_checksum_of_pixels_is_an_error(self, pixels):
        data = bytearray(saved(NOISE) if pixels != b"PLTE" else saved_palette())
        place = data.index(pixels)
        data[place + 4 + int.from_bytes(data[place - 4 : place], "big")] ^= 1
        with pytest.raises(PictureError):
            decode(bytes(data))

    def test_the_orientation_stays(self):
        exif = Image.Exif()
        exif[0x0112] = 3
        data = with_chunk(saved(NOISE, exif=exif), chunk(b"zTXt", LARGE["zTXt"]))
        mended(data, NOISE[::-1, ::-1], "metadata")

    def test_transparency_stays(self):
        data = saved(NOISE, transparency=tuple(int(level) for level in NOISE[0, 0]))
        got = decode(with_chunk(data, chunk(b"zTXt", LARGE["zTXt"])))
        assert got.mode == "RGBA"

    def test_an_animation_stays_one(self):
        more = [Image.fromarray(SMOOTH)]
        data = with_chunk(saved(NOISE, save_all=True, append_images=more), chunk(b"zTXt", LARGE["zTXt"]))
        assert len(decode(data).warnings) == 2

    def test_pillows_limits_stay(self):
        from PIL import PngImagePlugin

        limits = (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY, Image.MAX_IMAGE_PIXELS)
        decode(with_chunk(saved(NOISE), chunk(b"zTXt", LARGE["zTXt"])))
        assert limits == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY, Image.MAX_IMAGE_PIXELS)


def saved_palette() -> bytes:
    file = io.BytesIO()
    Image.fromarray(NOISE).quantize(16).save(file, "PNG")
    return file.getvalue()


class TestMetadataOfOthers:
    @pytest.mark.parametrize(
        ("marker", "body"),
        [(0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xED, b"Photoshop 3.0\x008BIM\4\4"), (0xEE, b"Adobe")],
    )
    def test_segments_that_pillow_stumbles_over(self, marker, body):
        exif = Image.Exif()
        exif[0x0112] = 3
        whole = saved(SMOOTH, "JPEG", exif=exif)
        mended(with_segment(whole, marker, body), decode(whole).pixels, "metadata")

    @pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
    def test_broken_exif(self, name):
        whole = saved(SMOOTH, name)
        broken = saved(SMOOTH, name, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
        mended(broken, decode(whole).pixels, "EXIF")

    @pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF"])
    def test_a_broken_profile(self, name):
        mended(saved(SMOOTH, name, icc_profile=bytes(200)), decode(saved(SMOOTH, name)).pixels, "colour profile")

    def test_a_profile_whose_compression_is_broken(self):
        mended(with_chunk(saved(NOISE), chunk(b"iCCP", b"name\0\0broken")), NOISE, "colour profile")

    def test_a_profile_of_which_a_part_is_missing(self):
        whole = saved(SMOOTH, "JPEG")
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        first = with_segment(whole, 0xE2, b"ICC_PROFILE\0\1\2" + profile[:200])
        mended(first, decode(whole).pixels, "colour profile")

    def test_a_sound_profile_and_orientation_give_no_warning(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for name in ("PNG", "JPEG", "WEBP", "TIFF"):
            got = decode(saved(SMOOTH, name, exif=exif, icc_profile=profile))
            assert (got.warnings, got.width, got.height) == ((), HEIGHT, WIDTH)


KINDS = [
    {},
    {"subsampling": 0},
    {"progressive": True},
    {"restart_marker_blocks": 5},
    {"restart_marker_rows": 1},
    {"progressive": True, "restart_marker_rows": 1},
]


class TestEndMark:
    @pytest.mark.parametrize("lenient", [False, True])
    @pytest.mark.parametrize("options", KINDS, ids=str)
    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("pixels", [NOISE, SMOOTH, TALL], ids=["noise", "smooth", "tall"])
    def test_a_jpeg_without_it_is_whole_or_refused(self, pixels, mode, options, lenient, monkeypatch):
        """However much is cut off: no picture comes of which something is missing."""
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
        data = file.getvalue()
        whole = decode(data).pixels
        for missing in range(1, 40):
            try:
                got = decode(data[:-missing])
            except PictureError:
                assert missing > 2
            else:
                np.testing.assert_array_equal(got.pixels, whole)
                assert "end mark" in got.warnings[0]

    def test_a_progressive_jpeg_without_its_last_scans(self):
        data = saved(NOISE, "JPEG", progressive=True)
        with pytest.raises(PictureError, match="cut off"):
            decode(data[: data.rindex(b"\xff\xda")])

    def test_bytes_behind_a_missing_end_mark(self):
        data = saved(SMOOTH, "JPEG")
        assert "end mark" in decode(data[:-2] + b"\xff\xff").warnings[0]

    @pytest.mark.parametrize("lenient", [False, True])
    def test_a_png_without_it(self, lenient, monkeypatch):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
        data = saved(NOISE)
        for missing in (1, 4, 8, 12):
            mended(data[:-missing], NOISE, "end mark")
        for missing in range(30, 60):
            with pytest.raises(PictureError, match="cut off"):
                decode(data[:-missing])

    @pytest.mark.parametrize("lenient", [False, True])
    @pytest.mark.parametrize("name", ["GIF", "BMP", "TIFF"])
    def test_formats_without_one_that_are_cut_off(self, name, lenient, monkeypatch):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
        data = saved(NOISE, name)
        with pytest.raises(PictureError):
            decode(data[: len(data) * 3 // 4])


class TestAvif:
    @AVIF
    def test_two_association_boxes(self):
        data = saved(RGBA, "AVIF", quality=100)
        expected = decode(data).pixels
        split = with_two_associations(data)
        with pytest.raises(OSError, match="cannot identify"):
            Image.open(io.BytesIO(split))
        mended(split, expected, "AVIF standard")

    @AVIF
    def test_other_damage_stays_an_error(self):
        data = with_two_associations(saved(RGBA, "AVIF"))
        with pytest.raises(PictureError):
            decode(data.replace(b"iprp", b"iprq"))
        with pytest.raises(PictureError):
            decode(data[: data.index(b"ipma") + 20])


def with_two_associations(avif: bytes) -> bytes:
    """As link-u's samples are: the properties of the colours and those of the alpha stand in boxes of their own."""
    start = avif.index(b"ipma") - 4
    end = start + int.from_bytes(avif[start : start + 4], "big")
    head, entries = avif[start + 8 : start + 12], avif[start + 16 : end]
    first = entries[: 3 + entries[2]]  # item (2 bytes), how many, one byte each

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + kind + body

    both = [box(b"ipma", head + struct.pack(">I", 1) + each) for each in (first, entries[len(first) :])]
    added = 16
    data = bytearray(avif[:start] + b"".join(both) + avif[end:])
    for kind in (b"meta", b"iprp"):
        place = data.index(kind) - 4
        data[place : place + 4] = struct.pack(">I", struct.unpack(">I", data[place : place + 4])[0] + added)
    place = data.index(b"iloc") + 12  # version 0: item, data reference, one extent with offset and length of 4 bytes
    for _ in range(2):
        offset = struct.unpack(">I", data[place + 6 : place + 10])[0]
        data[place + 6 : place + 10] = struct.pack(">I", offset + added)
        place += 14
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("GIF", "frame"),
        ("PNG", "frame"),
        ("WEBP", "frame"),
        pytest.param("AVIF", "frame", marks=AVIF),
        ("TIFF", "page"),
    ],
)
def test_the_first_of_several(name, word):
    more = [Image.fromarray(NOISE), Image.fromarray(SMOOTH)]
    got = decode(saved(SMOOTH, name, save_all=True, append_images=more, lossless=True))
    assert np.abs(got.pixels.astype(int) - SMOOTH).mean() < 9  # the next frame is as far as 80
    assert word in got.warnings[0]
    assert not decode(saved(SMOOTH, name)).warnings


def test_a_photograph_with_a_second_picture_is_no_animation():
    """Telephones add a gain map or a depth map to a JPEG; the picture is the first."""
    got = decode(saved(SMOOTH, "MPO", save_all=True, append_images=[Image.fromarray(NOISE)]))
    assert (got.mime, got.warnings) == ("image/jpeg", ())


# Bounds


def scans(count: int, *, side: int = 64) -> bytes:
    """A grey progressive JPEG whose scans hold next to nothing: end-of-band runs over all blocks."""
    blocks = ((side + 7) // 8) ** 2

    def bits(text: str) -> bytes:
        text += "1" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")

    run = bits(("0" + "1" * 14) * (blocks // 32767 + 1))
    table = b"\xff\xc4\0\x14%c" + bytes([1] + [0] * 15)
    head = b"\xff\xd8\xff\xdb\0\x43\0" + b"\1" * 64 + b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, side, side, 1)
    head += b"\1\x11\0" + table % 0 + b"\0" + table % 16 + b"\xe0"
    scan = b"\xff\xda\0\x08\x01\x01\0"
    parts = [head, scan + b"\0\0\0", bits("0" * blocks), (scan + b"\1\x3f\0" + run) * (count - 1), b"\xff\xd9"]
    return b"".join(parts)


class TestBounds:
    def test_scans(self):
        assert decode(scans(opening.MAX_SCANS)).width == 64
        with pytest.raises(PictureError, match="100 scans"):
            decode(scans(opening.MAX_SCANS + 1))

    def test_the_most_scans_beside_bytes_that_look_like_some(self):
        assert decode(with_segment(scans(opening.MAX_SCANS), 0xEF, b"\xff\xda" * 9)).width == 64

    def test_scans_are_refused_before_anything_is_decoded(self, monkeypatch):
        monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", lambda _: pytest.fail("it was decoded"))
        with pytest.raises(PictureError, match="more than 20 scans"):  # of 62 megapixels
            decode(scans(21, side=7900))

    def test_a_picture_that_is_not_kept_is_decoded_again(self, monkeypatch):
        got = decode(saved(NOISE), kept_pixels=HEIGHT * WIDTH - 1)
        assert (got.width, got.height, got.mode) == (WIDTH, HEIGHT, "RGB")
        np.testing.assert_array_equal(got.pixels, NOISE)
        assert got.image is not got.image
        kept = decode(saved(NOISE), kept_pixels=HEIGHT * WIDTH)
        assert kept.image is kept.image

    def test_bytes_that_look_like_scans(self):
        """In metadata they are none."""
        data = saved(SMOOTH, "JPEG")
        for _ in range(3):
            data = with_segment(data, 0xEF, b"\xff\xda" * 100)
        assert decode(data).warnings == ()

    @pytest.mark.parametrize("name", ["BMP", "TIFF", "GIF", "WEBP", "JPEG"])
    def test_pixels(self, name, monkeypatch):
        monkeypatch.setattr(opening, "MAX_PIXELS", HEIGHT * WIDTH - 1)
        with pytest.raises(PictureTooLarge, match=f"{WIDTH} x {HEIGHT} pixels"):
            decode(saved(NOISE, name))

    @pytest.mark.parametrize(
        ("name", "mode", "options"),
        [
            ("WEBP", "RGB", {}),
            pytest.param("AVIF", "RGB", {}, marks=AVIF),
            ("JPEG", "RGB", {"progressive": True}),
            ("JPEG", "CMYK", {}),
            ("PNG", "LA", {}),
        ],
    )
    def test_memory(self, name, mode, options, monkeypatch):
        """Formats differ in what their decoders hold beside the picture, by the header."""
        monkeypatch.setattr(opening, "_MAX_BYTES", 7 * HEIGHT * WIDTH)
        assert decode(saved(NOISE)).width == decode(saved(NOISE, "JPEG")).width == WIDTH
        file = io.BytesIO()
        Image.fromarray(NOISE).convert(mode).save(file, name, **options)
        with pytest.raises(PictureTooLarge, match="at most 0 megapixels"):
            decode(file.getvalue())

    def test_large_ones_are_decoded_one_by_one(self, monkeypatch):
        monkeypatch.setattr(opening, "_LARGE_PIXELS", HEIGHT * WIDTH - 1)
        lock, loaded, seen = threading.Lock(), decoding._loaded, []

        def watched(*args, alone):
            if alone:
                seen.append(lock.acquire(blocking=False))
                time.sleep(0.02)
            try:
                return loaded(*args, alone=alone)
            finally:
                if alone and seen[-1]:
                    lock.release()

        monkeypatch.setattr(decoding, "_loaded", watched)
        with ThreadPoolExecutor(4) as pool:
            assert {got.width for got in pool.map(decode, [saved(NOISE)] * 4)} == {WIDTH}
        assert seen == [True] * 4

    def test_a_frame_that_is_larger_than_its_picture(self):
        head = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0)
        frame = b"," + struct.pack("<HHHHB", 0, 0, 20_000, 20_000, 0) + b"\2\1\0\0;"
        with pytest.raises(PictureTooLarge, match="too many pixels"):
            decode(head + frame)

    def test_pixels_of_a_tile(self):
        data = bytearray(saved(NOISE, "TIFF", compression="tiff_lzw"))
        # Instead of rows per strip (278) and the strips (273, 279): tiles of 65,520 x 65,520.
        replaced = {278: (322, 65520), 273: (324, None), 279: (325, None), 284: (323, 65520)}
        first = struct.unpack_from("<I", data, 4)[0]
        for number in range(struct.unpack_from("<H", data, first)[0]):
            place = first + 2 + 12 * number
            tag = struct.unpack_from("<H", data, place)[0]
            if tag in replaced:
                new, value = replaced[tag]
                struct.pack_into("<H", data, place, new)
                if value:
                    struct.pack_into("<HII", data, place + 2, 4, 1, value)
        with pytest.raises(PictureError):
            decode(bytes(data))

    def test_a_jpeg_that_is_too_large_comes_smaller(self, monkeypatch):
        monkeypatch.setattr(opening, "MAX_PIXELS", 1000)
        monkeypatch.setattr(opening, "_MAX_PIXELS_READ", 4000)
        got = decode(saved(SMOOTH, "JPEG"), enough_px=30)
        assert (got.width, got.height) == (35, 25)
        with pytest.raises(PictureTooLarge):
            decode(saved(SMOOTH, "JPEG"))
        with pytest.raises(PictureTooLarge):
            decode(saved(SMOOTH, "JPEG"), enough_px=60)

    @pytest.mark.parametrize("pixels", [NOISE, np.tile(NOISE, (2, 2, 1))])
    def test_but_not_one_whose_coefficients_are_all_kept(self, pixels, monkeypatch):
        monkeypatch.setattr(opening, "MAX_PIXELS", 1000)
        monkeypatch.setattr(opening, "_MAX_PIXELS_READ", 4000)
        with pytest.raises(PictureTooLarge):
            decode(saved(pixels, "JPEG", progressive=len(pixels) == HEIGHT), enough_px=30)

    def test_time(self, monkeypatch):
        released = threading.Event()
        monkeypatch.setattr(decoding, "open_mended", lambda *_, **__: released.wait())
        with pytest.raises(PictureError, match=r"longer than 0\.1 s"):
            decode(saved(NOISE), timeout_s=0.1)
        released.set()

    def test_reading_ends_at_the_deadline(self):
        with pytest.raises(TimeoutError):
            opening._Source(b"data", time.monotonic() - 1).read(1)

    def test_a_raw_picture_is_not_its_thumbnail(self):
        file = io.BytesIO()
        Image.fromarray(NOISE).save(file, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
        with pytest.raises(PictureError, match="camera's raw picture"):
            decode(file.getvalue())

    @pytest.mark.parametrize("mode", ["I", "F"])
    def test_samples_without_a_known_range(self, mode):
        file = io.BytesIO()
        Image.fromarray(NOISE).convert("L").convert(mode).save(file, "TIFF")
        with pytest.raises(PictureError, match="samples"):
            decode(file.getvalue())


@pytest.mark.parametrize("broken", [chunk(b"acTL", b"a"), chunk(b"acTL", b"\0\0\0\2" * 2) + chunk(b"fcTL", b"a")])
def test_a_png_whose_animation_is_damaged_gives_its_first_frame(broken):
    mended(with_chunk(saved(NOISE), broken), NOISE, "animation is damaged")
