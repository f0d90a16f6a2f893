"""Colours spread under the transparent part, so that upscaling them makes no halo. Knows no files.

The method is pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996), begun at a quarter of the size: so much finer
than any upscaler looks that nothing is lost by it, and 16 times less work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .pixels import Pixels

if TYPE_CHECKING:
    from PIL import Image

Planes = npt.NDArray[np.float32]
_Words = Any  # npt.NDArray[np.uint32], which the stubs lose at each operation with a plain integer

# Below this alpha the stored colour fades into the spread one: a file made from premultiplied colours holds
# them to 255 / (2 * alpha) levels, which at alpha 8 is 16. Measured with Lanczos x4 on such files, 16 takes up
# to a third off the colour error at the edge; on clean files it adds less than 0.01 of a level.
NOISY_BELOW = 16
_BOX = 4  # pixels a side that `weigh` sums up

_TINY = np.float32(1e-6)
_WHOLE = np.float32(15)  # the weight of an opaque pixel
_STRIP_PIXELS = 1 << 18


def bleed(rgba: Pixels) -> Pixels:
    """The colours [H,W,3] uint8 of `rgba` [H,W,4] uint8, spread from what is visible over all of it.

    Opaque pixels stay as they are, bit for bit; colours stored under alpha 0 do not matter at all. A picture
    without a visible pixel is black.
    """
    return _without_alpha(bleed_under(rgba, NOISY_BELOW))


def strips_of(height: int, width: int) -> list[slice]:
    """The rows to work on at a time: more fall out of the cache, with fewer the threads wait for each other."""
    step = max(_BOX, _STRIP_PIXELS // width // _BOX * _BOX)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def bleed_under(rgba: Pixels, below: int) -> Pixels:
    """`rgba` [H,W,4] uint8 with its own alpha, and spread colours where that is less than `below`."""
    strips = strips_of(*rgba.shape[:2])
    colours = spread([weigh(rgba[each]) for each in strips], lambda: [weigh(rgba[each], faint=True) for each in strips])
    out = np.empty_like(rgba)
    for each in strips:
        out[each] = _bled(rgba[each], each.start, colours, below)
    out[..., 3] = rgba[..., 3]
    return out


def weigh(rows: Pixels, *, faint: bool = False) -> Planes:
    """Sums [4,h,w] over boxes of 4 x 4 pixels of `rows` [H,W,4] uint8: colours times weight 0..1, and weight.

    What is NOISY_BELOW has no weight, unless `faint`: for pictures that have nothing else.
    """
    words = _words(_boxed(rows))
    weights = words >> 24 & 15 if faint else words >> 28
    red_blue, green_one = words & 0x00FF00FF, words & 0x0000FF00
    green_one |= 1
    red_blue *= weights  # in place: twice as fast as into new arrays
    green_one *= weights
    # Two sums to a word: 16 pixels * weight 15 are less than 1 << 8, and times level 255 less than 1 << 16.
    red_blue, green_one = _box_sums(red_blue), _box_sums(green_one)
    sums = np.stack([red_blue & 0xFFFF, green_one >> 8, red_blue >> 16, green_one & 0xFF])
    return np.divide(sums, _WHOLE, dtype=np.float32)


def spread(strips: Sequence[Planes], faint: Callable[[], Sequence[Planes]]) -> Image.Image:
    """The colours of `weigh`'s sums where there is weight, and spread from there: RGBX, a pixel for each box.

    `strips` lie below each other; `faint` gives them anew where nothing in them has weight.
    """
    from PIL import Image

    sums = np.concatenate(strips, axis=1)
    if not sums[3].any():
        sums = np.concatenate(faint(), axis=1)
    colours = np.rint(_fill(sums)).astype(np.uint8)
    return Image.merge("RGBX", [Image.fromarray(plane) for plane in (*colours, colours[0])])


def bled(rows: Pixels, top: int, spread_colours: Image.Image) -> Pixels:
    """`rows` [h,W,4] uint8, of which the first is row `top` of its picture, as [h,W,3]: where alpha lacks, spread."""
    return _without_alpha(_bled(rows, top, spread_colours, NOISY_BELOW))


def _bled(rows: Pixels, top: int, spread_colours: Image.Image, below: int) -> Pixels:
    """[h,W,4], whose alpha is of no use: colours fade into the spread ones from alpha `below` on."""
    words = _words(rows)
    solid = words >= below << 24
    if solid.all():
        return rows
    under = _enlarged(spread_colours, top, *solid.shape)
    out = _pixels(np.where(solid, words, under))
    faint: npt.NDArray[np.intp] = np.flatnonzero(words - (1 << 24) < below - 1 << 24)  # alpha 0 turns into 255
    if len(faint):
        stored, colours = (np.reshape(each, (-1, 4))[faint].astype(np.uint16) for each in (rows, _pixels(under)))
        shares = stored[:, 3:] * 255 // below
        mixed = (stored * shares + colours * (255 - shares) + 127) // 255
        np.reshape(out, (-1, 4))[faint, :3] = mixed[:, :3]
    return out


def _without_alpha(rows: Pixels) -> Pixels:
    out = np.empty((*rows.shape[:2], 3), np.uint8)
    for channel in range(3):  # plane by plane: numpy copies rows[..., :3] five times slower
        out[..., channel] = rows[..., channel]
    return out


def _words(pixels: Pixels) -> _Words:
    """`pixels` [..,4] as one integer each, red in the lowest byte and alpha in the highest."""
    return cast("Any", pixels).view("<u4")[..., 0]


def _pixels(words: _Words) -> Pixels:
    return words.astype("<u4", copy=False)[..., None].view(np.uint8)


def _box_sums(words: _Words) -> _Words:
    rows = np.add(words[0::4] + words[1::4], words[2::4] + words[3::4])
    return np.add(rows[:, 0::4] + rows[:, 1::4], rows[:, 2::4] + rows[:, 3::4])


def _boxed(rows: Pixels) -> Pixels:
    """`rows` with rows and columns of zeros added to whole boxes; zeros have no weight."""
    lacking = [(0, -size % _BOX) for size in rows.shape[:2]]
    return np.pad(rows, (*lacking, (0, 0))) if any(end for _, end in lacking) else np.ascontiguousarray(rows)


def _enlarged(colours: Image.Image, top: int, height: int, width: int) -> _Words:
    """Rows from `top` on of `colours` at four times its size, [height,width]: twice bilinear, then each one doubled."""
    from PIL.Image import Resampling

    first, end = top // _BOX, -(-(top + height) // _BOX)
    size, box = (colours.width * 2, (end - first) * 2), (0, first, colours.width, end)
    twice = _words(np.asarray(colours.resize(size, Resampling.BILINEAR, box)))
    out = np.empty((size[1] * 2, size[0] * 2), np.uint32)
    out[::2, ::2] = out[::2, 1::2] = twice
    out[1::2] = out[::2]
    return out[top % _BOX : top % _BOX + height, :width]


def _fill(sums: Planes) -> Planes:
    """Colours [3,h,w] 0..255 for weighted sums [4,h,w]: where weight lacks, the coarser level fills in."""
    levels = [_saturated(sums)]
    while levels[-1].shape[1:] != (1, 1):
        levels.append(_saturated(_halved(levels[-1])))
    last = levels.pop()
    colours = last[:3] / np.maximum(last[3], _TINY)
    for level in reversed(levels):
        colours = _doubled(_doubled(colours, 1), 2)[:, : level.shape[1], : level.shape[2]]
        colours *= 1 - level[3]
        colours += level[:3]
    return colours


def _saturated(sums: Planes) -> Planes:
    """`sums` with the weight cut to 1: one visible pixel then counts as much as several, so near ones win."""
    sums *= np.minimum(sums[3], 1) / np.maximum(sums[3], _TINY)
    return sums


def _halved(sums: Planes) -> Planes:
    lacking = [(0, size % 2) for size in sums.shape[1:]]
    if any(end for _, end in lacking):
        sums = np.pad(sums, ((0, 0), *lacking))
    rows: Planes = sums[:, 0::2] + sums[:, 1::2]
    return np.add(rows[..., 0::2], rows[..., 1::2])


def _doubled(planes: Planes, axis: int) -> Planes:
    """Twice as long along `axis`, bilinear: each half lies a quarter pixel from its old centre."""
    sizes = list(planes.shape)
    sizes[axis] *= 2
    twice = np.empty(sizes, np.float32)  # in the order of `planes`: what comes next is three times as fast on it
    out, old = np.moveaxis(twice, axis, 0), np.moveaxis(planes, axis, 0)
    near = np.moveaxis(planes * np.float32(0.75), axis, 0)
    far = np.moveaxis(planes * np.float32(0.25), axis, 0)
    out[0], out[-1] = old[0], old[-1]
    np.add(near[1:], far[:-1], out=out[2::2])
    np.add(near[:-1], far[1:], out=out[1:-1:2])
    return twice
