"""Prompts in four scripts, and how pictures are read, for the tests of the painter."""

import io

import numpy as np
from PIL import Image

ENGLISH = 'A caf\u00e9 sign that reads "Open 24/7" \u2013 50% off, isn\u2019t it?'
JAPANESE = (
    "\u96e8\u306e\u6771\u4eac\u99c5\u524d\u3001\u30cd\u30aa\u30f3\u304c\u6ef2\u3080\u77f3\u7573\u3092\u3001"
    "\u8d64\u3044\u5098\u306e\u5973\u306e\u5b50\u304c\u300c\u30ab\u30d5\u30a7\u300d\u3078\u8d70\u3063\u3066\u3044\u304f\u3002"
)
SIMPLIFIED = (
    "\u4e00\u53ea\u6234\u7740\u5b87\u822a\u5458\u5934\u76d4\u7684\u67f4\u72ac\uff0c"
    "\u80cc\u666f\u662f\u68a6\u5e7b\u7684\u661f\u4e91\uff0c\u8d5b\u535a\u670b\u514b\u98ce\u683c"
)
TRADITIONAL = "\u53f0\u5317\u7684\u591c\u5e02\uff0c\u971c\u6dc7\u6dcb\u8207\u73cd\u73e0\u5976\u8336\uff01"
SAMPLES = [ENGLISH, JAPANESE, SIMPLIFIED, TRADITIONAL, f"Poster: {JAPANESE} {ENGLISH}"]
RED = (222, 30, 30)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def encoded(image, kind="PNG"):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def count(picture, color, tolerance=6):
    return int((np.abs(picture[..., :3].astype(int) - color).max(axis=-1) <= tolerance).sum())
