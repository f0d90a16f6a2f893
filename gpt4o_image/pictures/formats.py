"""Picture formats by their first bytes: mime types, file extensions, names for people. Decodes nothing."""

from __future__ import annotations

from dataclasses import dataclass


class PictureError(ValueError):
    """Bytes that are no picture, or a picture that is broken, cut off, too large or of a format not decoded here."""


class PictureTooLarge(PictureError):
    """A picture with more pixels than are decoded."""


@dataclass(frozen=True)
class Format:
    """`name` is for people; `plugin` names the Pillow module of a format that is decoded here, None for others."""

    mime: str
    name: str
    extension: str
    plugin: str | None = None


_KNOWN = (
    Format("image/png", "PNG", ".png", "Png"),
    Format("image/jpeg", "JPEG", ".jpg", "Jpeg"),
    Format("image/webp", "WebP", ".webp", "WebP"),
    Format("image/gif", "GIF", ".gif", "Gif"),
    Format("image/avif", "AVIF", ".avif", "Avif"),
    Format("image/bmp", "BMP", ".bmp", "Bmp"),
    Format("image/tiff", "TIFF", ".tiff", "Tiff"),
    Format("image/heic", "HEIC", ".heic"),
    Format("image/heif", "HEIF", ".heif"),
    Format("image/jxl", "JPEG XL", ".jxl"),
    Format("image/jp2", "JPEG 2000", ".jp2"),
    Format("image/vnd.ms-photo", "JPEG XR", ".jxr"),
    Format("image/x-icon", "ICO", ".ico"),
    Format("image/vnd.adobe.photoshop", "PSD", ".psd"),
    Format("image/x-xcf", "XCF", ".xcf"),
    Format("image/x-canon-cr3", "CR3", ".cr3"),
    Format("image/x-fuji-raf", "RAF", ".raf"),
    Format("image/x-exr", "OpenEXR", ".exr"),
    Format("image/qoi", "QOI", ".qoi"),
    Format("image/svg+xml", "SVG", ".svg"),
)
_BY_MIME = {each.mime: each for each in _KNOWN}
DECODED_EXTENSIONS = (*(each.extension for each in _KNOWN if each.plugin), ".jpeg", ".tif")
DECODED_NAMES = "PNG, JPEG, WebP, GIF, AVIF, BMP or TIFF"

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),  # BigTIFF
    (b"MM\0+", "image/tiff"),
    (b"\xff\x0a", "image/jxl"),  # a bare codestream
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),  # a bare codestream
    (b"II\xbc\x01", "image/vnd.ms-photo"),
    (b"\0\0\1\0", "image/x-icon"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"gimp xcf ", "image/x-xcf"),
    (b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (b"\x76\x2f\x31\x01", "image/x-exr"),
    (b"qoif", "image/qoi"),
)
# Brands of ISO/IEC 14496-12 files, the more telling ones first: an AVIF file may name "mif1" as well.
_BRANDS = (
    ("image/avif", (b"avif", b"avis")),
    ("image/heic", (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")),
    ("image/x-canon-cr3", (b"crx ",)),
    ("image/heif", (b"mif1", b"msf1", b"mif2", b"j2ki")),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # lengths of the second header, one for each version


def sniff(data: bytes) -> str | None:
    """The mime type by the first bytes, also of formats that are not decoded here; None where no format is known."""
    for beginning, mime in _BEGINNINGS:
        if data.startswith(beginning):
            return mime
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if data[4:8] == b"ftyp":
        brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        return next((mime for mime, known in _BRANDS if any(brand in brands for brand in known)), None)
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<svg", b"<!DOCTYPE svg")) or (text.startswith(b"<?xml") and b"<svg" in text):
        return "image/svg+xml"
    return None


def format_of(data: bytes) -> Format | None:
    """The format that `sniff` finds."""
    mime = sniff(data)
    return None if mime is None else _BY_MIME[mime]


def extension(mime: str | None) -> str:
    """The file extension, dot included, for what `sniff` found; `.bin` where that is nothing."""
    found = _BY_MIME.get(mime or "")
    return found.extension if found else ".bin"
