"""Pixels and files to upload parts: exact where promised, inside their budgets, and nothing in silence."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.pictures import encode as encoding
from gpt4o_image.pictures import references
from gpt4o_image.pictures import scale as scaling
from gpt4o_image.pictures.batch import flatten
from gpt4o_image.pictures.decode import decode
from gpt4o_image.pictures.frames import Frame
from gpt4o_image.pictures.references import PartCache, Policy, check_count, fair_share, prepare, too_large_advice
from gpt4o_image.pictures.scale import fitted

RNG = np.random.default_rng(20261101)
PNG = Policy(format="png")


def never():
    return False


def send(*pixels, policy=PNG, **options):
    frames = [Frame(f"image_{number:02}", each) for number, each in enumerate(pixels, 1)]
    return prepare(frames, policy, **{"cancelled": never, **options})


def smooth(height, width, channels=3, seed=0):
    """Like a picture: waves, and a little noise."""
    rows, columns = np.ogrid[:height, :width]
    rng = np.random.default_rng(seed)
    planes = [np.sin(rows / (9 + c + seed)) * np.cos(columns / (11 - c)) for c in range(channels)]
    picture = np.dstack(planes) * 0.4 + 0.5 + rng.normal(0, 0.01, (height, width, channels))
    return np.clip(picture, 0, 1).astype(np.float32)


def noise(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def disc(height, width):
    """RGBA with soft edges: yellow inside, and blue hidden where nothing is to be seen."""
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = np.clip(4 - 5 * np.hypot(rows, columns), 0, 1)
    colour = np.where(alpha[..., None] > 0, (0.9, 0.8, 0.1), (0.0, 0.0, 1.0))
    return np.dstack([colour, alpha]).astype(np.float32)


def clamped(pixels):
    return np.clip(np.asarray(pixels, np.float64), 0, 1) * 255


def shown(part):
    assert decode(part.data).mime == part.mime
    return decode(part.data).pixels


def problem(*pixels, policy=PNG):
    with pytest.raises(GPT4oImageError) as caught:
        send(*pixels, policy=policy)
    assert (caught.value.kind, caught.value.billed) == ("reference", "no")
    return caught.value.message


@pytest.fixture
def encoded(monkeypatch):
    """What was encoded at all, as (size, mime, quality)."""
    calls, real = [], encoding.encode

    def counting(image, mime, quality, *, resized):
        calls.append((image.size, mime, quality))
        return real(image, mime, quality, resized=resized)

    monkeypatch.setattr(encoding, "encode", counting)
    return calls


# Values

FLOATS = st.floats(-2, 3, width=32) | st.sampled_from(
    [float(np.float32(value)) for value in (-0.01, 1.0005, 1.4, -0.0, 1, 3e38, -3e38)]
)


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))


@given(arrays.arrays(np.float32, SHAPES, elements=FLOATS))
@settings(deadline=None, max_examples=60)
def test_floats_are_clamped_and_rounded(pixels):
    (part,) = send(pixels)
    assert np.abs(shown(part) - np.broadcast_to(clamped(pixels), (*pixels.shape[:2], 3))).max() <= 0.5001


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3, 4]))))
@settings(deadline=None, max_examples=60)
def test_bytes_are_sent_as_they_are(pixels):
    """As uint8 and as any float, RGBA with the colours under alpha 0 too."""
    levels = np.arange(256, dtype=np.float64) / 255
    expected = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    if pixels.shape[2] == 4 and pixels[..., 3].min() == 255:
        expected = pixels[..., :3]
    for dtype in (np.float16, np.float32, np.float64):
        assert np.array_equal(shown(send(levels[pixels].astype(dtype))[0]), expected)
    assert np.array_equal(shown(send(pixels)[0]), expected)


@given(
    st.integers(513, 1400),
    st.integers(1, 20),
    st.sampled_from([1, 3]),
    st.sampled_from([-0.01, 0.25, 1.0005, 1.4]),
)
@settings(deadline=None, max_examples=20)
def test_one_value_outside_changes_nothing_else(height, width, channels, value):
    """Scaled as well; and never is the range guessed."""
    pixels = smooth(height, width, channels)
    pixels[height // 2, width // 2] = value
    (part,) = send(pixels, policy=Policy(max_side_px=512, format="png"))
    (same,) = send(np.clip(pixels, 0, 1), policy=Policy(max_side_px=512, format="png"))
    assert part.data == same.data
    assert abs(shown(part).mean() - clamped(pixels).mean()) < 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_no_number_is_refused(value, dtype):
    pixels = smooth(600, 40).astype(dtype)
    pixels[-1, -1, -1] = value
    assert problem(smooth(4, 4), pixels).startswith("image_02 contains NaN or infinity")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((0, 5, 3), np.float32), "[height, width, channels] and not empty"),
        (np.zeros((5, 0, 3), np.float32), "(5, 0, 3)"),
        (np.zeros((5, 5), np.float32), "(5, 5)"),
        (np.zeros((1, 5, 5, 3), np.float32), "(1, 5, 5, 3)"),
        (np.zeros((5, 5, 2), np.float32), "2 channels; a picture has 1 (grey), 3 (RGB) or 4 (RGBA)"),
        (np.zeros((5, 5, 3), np.int64), "int64"),
        (np.zeros((5, 5, 3), bool), "bool"),
    ],
)
def test_what_is_no_picture_is_named(pixels, words):
    message = problem(smooth(4, 4), pixels)
    assert message.startswith("image_02 ")
    assert words in message


def test_any_layout_is_read():
    pixels = smooth(700, 30)
    for same in (np.asfortranarray(pixels), pixels[::-1][::-1], pixels.astype(">f4")):
        assert send(same)[0].data == send(pixels)[0].data


# Size


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize(("height", "width"), [(64, 80), (64, 87), (131, 67), (175, 175), (75, 351)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_scaling_in_strips_is_scaling(height, width, channels, dtype, monkeypatch):
    """Against Pillow's Lanczos of the whole picture: odd sizes, with and without the boxes before it."""
    monkeypatch.setattr(scaling, "_STRIP_SAMPLES", 2000)
    monkeypatch.setattr(scaling, "_BLOCK_SAMPLES", 700)
    levels = (smooth(height, width, channels) * 255).round().astype(np.uint8)
    pixels = levels if dtype == np.uint8 else levels / np.float32(255)
    with ThreadPoolExecutor(2) as pool:
        got = scaling.scale(pixels, 64, pool).image
    whole = Image.fromarray(levels.squeeze()).resize(got.size, Image.Resampling.LANCZOS).convert(got.mode)
    got, whole = (np.asarray(each, np.float64) for each in (got, whole))
    if channels == 4:  # what is nearly transparent has hardly a colour
        got, whole = (np.dstack([each[..., :3] * each[..., 3:] / 255, each[..., 3]]) for each in (got, whole))
    lanczos_alone = max(height, width) < 2 * 1.3 * 64
    assert np.abs(got - whole).max() <= (2 if lanczos_alone else 20)
    assert np.abs(got - whole).mean() < (0.5 if lanczos_alone else 2)


def test_never_larger_and_at_least_one_pixel():
    sizes = {(4, 3): (4, 3), (1536, 10): (1536, 10), (3072, 10): (1536, 5), (9000, 1): (1536, 1), (1, 9000): (1, 1536)}
    for (width, height), expected in sizes.items():
        assert fitted((width, height), 1536) == expected
        (part,) = send(np.full((height, width, 3), 7, np.uint8))
        assert (part.width, part.height, part.source) == (*expected, (width, height))
        assert np.all(shown(part) == 7)


# Formats


def test_auto_is_jpeg_without_and_webp_with_alpha():
    opaque = np.dstack([smooth(64, 80), np.ones((64, 80))])
    parts = send(smooth(64, 80), opaque, disc(64, 80), smooth(64, 80, 1), policy=Policy())
    assert [part.mime.removeprefix("image/") for part in parts] == ["jpeg", "jpeg", "webp", "jpeg"]
    assert [part.quality for part in parts] == [92, 92, None, 92]
    assert [part.steps for part in parts] == [(), (), ("without loss",), ()]
    with Image.open(io.BytesIO(parts[0].data)) as image:
        assert {sampling[1:3] for sampling in image.layer} == {(1, 1)}  # 4:4:4


@pytest.mark.parametrize("policy", [Policy(), PNG])
def test_alpha_is_exact(policy):
    alpha = RNG.integers(0, 256, (64, 96), np.uint8)
    pixels = np.dstack([(smooth(64, 96) * 255).astype(np.uint8), alpha])
    (part,) = send(pixels, policy=policy)
    assert np.array_equal(shown(part)[..., 3], alpha)


def test_what_is_hidden_under_alpha_stays_here():
    """It would be noise in lossy WebP, and dark or foreign fringes once scaled."""
    pixels = disc(600, 600)
    blue = shown(*send(pixels, policy=Policy()))[..., 2][pixels[..., 3] == 0]
    assert blue.max() < 60
    for policy in (Policy(quality=88), Policy(format="webp"), Policy(max_side_px=512, format="png")):
        (part,) = send(pixels, policy=policy)
        got = shown(part).astype(int)
        assert got[..., 3].min() == 0
        assert np.abs(got[..., :3] - (230, 204, 26)).max() < 40
        visible = got[..., 3] > 8
        assert np.abs(got[visible][:, :3] - (230, 204, 26)).mean() < 3


def grainy(height, width):
    """RGBA that is smaller with loss: noise, and an edge of alpha."""
    alpha = np.clip(np.linspace(-1, 9, width), 0, 1) * np.ones((height, 1))
    return np.dstack([RNG.random((height, width, 3)), alpha]).astype(np.float32)


def exact(part, pixels):
    """Whether what is visible of `pixels` came without loss."""
    wanted = (pixels * 255).round().astype(np.uint8)
    visible = wanted[..., 3] > 0
    got = shown(part)
    return np.array_equal(got[..., 3], wanted[..., 3]) and np.array_equal(got[visible], wanted[visible])


def test_small_art_with_alpha_goes_without_loss():
    for pixels in (disc(512, 512), disc(64, 48), grainy(300, 300)):
        (part,) = send(pixels, policy=Policy())
        assert (part.mime, part.quality, part.steps) == ("image/webp", None, ("without loss",))
        assert exact(part, pixels)


def test_larger_art_goes_without_loss_where_that_is_smaller():
    flat = np.zeros((900, 700, 4), np.float32)
    flat[100:800, 100:600] = 0.8, 0.2, 0, 1
    (part,) = send(flat, policy=Policy())
    assert exact(part, flat)
    (part,) = send(grainy(900, 700), policy=Policy())
    assert (part.mime, part.quality) == ("image/webp", 90)


def test_without_loss_only_within_the_bytes(encoded):
    pixels = grainy(300, 300)
    (part,) = send(pixels, policy=Policy(budget_bytes=200_000))
    assert (part.quality, len(part.data) <= 200_000) == (90, True)
    cache = PartCache()
    many = send(*(grainy(300, 300) for _ in range(16)), cache=cache, policy=Policy())
    assert sum(len(part.data_url()) for part in many) <= 4 << 20
    assert {part.quality for part in many} == {90}
    shares = send(pixels, grainy(300, 300), cache=cache, policy=Policy(request_base64_bytes=500_000))
    assert {part.quality for part in shares} == {90}
    assert send(pixels, cache=cache, policy=Policy(request_base64_bytes=500_000))[0].quality is None  # a larger share


def test_who_lowers_the_quality_wishes_for_fewer_bytes():
    assert send(grainy(300, 300), policy=Policy(quality=80))[0].quality == 78
    flat = np.zeros((64, 48, 4), np.float32)
    flat[20:40, 10:30] = 1, 0, 0, 1
    assert send(flat, policy=Policy(quality=80))[0].quality is None  # fewer than with loss


@pytest.mark.parametrize("form", ["webp", "png", "jpeg"])
def test_a_format_that_was_chosen_stays(form):
    (part,) = send(disc(64, 48), policy=Policy(format=form))
    assert (part.mime, part.quality) == (f"image/{form}", None if form == "png" else 92)


def test_a_single_pixel_that_is_not_quite_opaque_keeps_its_alpha():
    for alpha, mime in ((254, "image/webp"), (255, "image/jpeg")):
        pixels = np.dstack([noise(64), np.full((64, 64), 255, np.uint8)])
        pixels[9, 9, 3] = alpha
        (part,) = send(pixels, policy=Policy())
        assert part.mime == mime
        assert alpha == 255 or shown(part)[9, 9, 3] == 254


@pytest.mark.parametrize("form", ["auto", "jpeg", "webp", "png"])
def test_flattening_is_said(form):
    pixels = disc(64, 64)
    (part,) = send(pixels, policy=Policy(format=form, flatten_on=(0, 0, 255)))
    wanted = flatten((pixels * 255).round().astype(np.uint8), (0, 0, 255)).astype(int)
    assert part.mime == ("image/jpeg" if form == "auto" else f"image/{form}")
    assert np.abs(shown(part).astype(int) - wanted).mean() < 6
    assert part.as_report()["flattened"] == [0, 0, 255]
    assert part.steps == ("flattened on #0000ff",)


def test_jpeg_takes_white_and_leaves_opaque_pictures():
    flat, opaque = send(disc(64, 64), smooth(64, 64), policy=Policy(format="jpeg"))
    assert (flat.flattened, opaque.flattened) == ((255, 255, 255), None)
    assert shown(flat)[0, 0].min() > 250


def test_black_is_a_colour():
    assert send(disc(64, 64), policy=Policy(flatten_on=(0, 0, 0)))[0].flattened == (0, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_side_px": 511},
        {"max_side_px": 2049},
        {"format": "gif"},
        {"quality": 0},
        {"quality": 101},
        {"budget_bytes": 1},
        {"request_base64_bytes": 1},
        {"flatten_on": (0, 0, 256)},
    ],
)
def test_a_policy_is_checked(wrong):
    with pytest.raises(GPT4oImageError) as caught:
        Policy(**wrong)
    assert caught.value.kind == "reference"


# Budgets


def test_first_quality_then_size(encoded):
    picture = noise(512)
    whole = len(encoding.encode(Image.fromarray(picture), "image/jpeg", 92, resized=False))
    (part,) = send(picture, policy=Policy(budget_bytes=whole - 1))
    assert (part.width, part.quality, part.steps[0][:16]) == (512, 85, "quality 92 to 85")
    encoded.clear()
    (part,) = send(picture, policy=Policy(budget_bytes=whole // 4))
    assert len(part.data) <= whole // 4
    assert part.width < 512
    assert part.quality == 85
    assert [step.split(" ")[0] for step in part.steps] == ["scaled", "quality", "side"]
    assert encoded[:2] == [((512, 512), "image/jpeg", 92), ((512, 512), "image/jpeg", 85)]
    assert len(encoded) <= 4


def test_a_low_quality_is_never_raised(encoded):
    (part,) = send(noise(512), policy=Policy(quality=60, budget_bytes=20_000))
    assert {quality for _, _, quality in encoded} == {60}
    assert part.quality == 60


@pytest.mark.parametrize(("form", "channels"), [("png", 3), ("webp", 3), ("auto", 4), ("jpeg", 4)])
def test_every_format_keeps_its_budget(form, channels):
    pixels = RNG.integers(0, 256, (512, 512, channels), np.uint8)
    (part,) = send(pixels, policy=Policy(format=form, budget_bytes=30_000))
    assert len(part.data) <= 30_000


def test_what_fits_nowhere_is_named(monkeypatch):
    monkeypatch.setattr(encoding, "_SMALLEST_SIDE_PX", 400)
    message = problem(noise(512), policy=Policy(format="png", budget_bytes=16 << 10))
    assert message.startswith("image_01 takes ")
    assert "400 x 400; it may take 16 KiB" in message


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=16), st.integers(1 << 14, 1 << 22))
def test_shares_are_fair(wishes, total):
    share = fair_share(wishes, total)
    taken = [min(wish, share) for wish in wishes]
    assert sum(-(-each // 3) * 4 for each in taken) <= total
    cut = sum(wish > share for wish in wishes)
    if cut:  # nothing worth sharing is left
        assert total - sum(-(-each // 3) * 4 for each in taken) < 4 * (cut + 1)


def test_the_request_keeps_its_budget_and_small_ones_leave_their_share():
    policy = Policy(request_base64_bytes=200_000)
    large = [noise(512, seed) for seed in range(2)]
    small = [np.full((40, 40, 3), level, np.uint8) for level in range(14)]
    parts = send(large[0], *small, large[1], policy=policy)
    assert sum(len(part.data_url().partition(",")[2]) for part in parts) <= 200_000
    equal = 200_000 * 3 / 4 / 16
    assert min(len(parts[0].data), len(parts[-1].data)) > 3 * equal
    assert all(part.steps == () for part in parts[1:-1])


def test_a_guess_leads_to_what_the_search_finds(monkeypatch):
    """Where the share is small, a sample says at which side to begin."""
    frames = [smooth(600, 560, seed=seed) for seed in range(3)]
    policy = Policy(request_base64_bytes=120_000)
    guessed = send(*frames, policy=policy)
    assert all("side" in part.steps[-1] for part in guessed)
    monkeypatch.setattr(references, "sample", lambda pixels: pixels[:0])
    for one, other in zip(guessed, send(*frames, policy=policy), strict=True):
        assert abs(np.log(one.width / other.width)) < 0.17  # one step at most
        assert one.quality == other.quality == 85
        assert max(len(one.data), len(other.data)) <= 120_000 // 4


def test_the_hard_limits_come_before_the_post(monkeypatch):
    picture = noise(64)
    (part,) = send(picture)
    monkeypatch.setattr(references, "MAX_PART_BYTES", len(part.data) - 1)
    assert problem(picture).startswith("image_01 takes 13 KiB; a picture may take")
    monkeypatch.setattr(references, "MAX_PART_BYTES", 20 * 10**6)
    monkeypatch.setattr(references, "MAX_REQUEST_BYTES", 2 * len(part.data_url().partition(",")[2]) - 1)
    assert len(send(picture)) == 1
    message = problem(picture, picture)
    assert message.startswith("A request may take")
    assert "image_01 (13 KiB, 64 x 64); image_02" in message


# Many


def test_order_is_kept():
    frames = [np.full((8, 8 + number, 3), number * 10, np.uint8) for number in range(16)]
    frames[3] = np.zeros((1600, 900, 3))
    parts = send(*frames)
    assert [part.name for part in parts] == [f"image_{number:02}" for number in range(1, 17)]
    assert [part.width for part in parts if part.name != "image_04"] == [8 + n for n in range(16) if n != 3]
    assert all(np.all(shown(part) == n * 10) for n, part in enumerate(parts) if n != 3)


def test_frames_too_many_are_named():
    check_count([f"image_{number:02}" for number in range(1, 17)])
    names = [f"image_{number:02}, frame {frame}" for number in range(1, 10) for frame in (1, 2)]
    with pytest.raises(GPT4oImageError, match=r"18 reference.*Leave out 2: image_09, frame 1; image_09, frame 2\."):
        check_count(names)
    with pytest.raises(GPT4oImageError, match="; and 74 more"):
        check_count(["x"] * 100)
    pulled = []
    with pytest.raises(GPT4oImageError):
        prepare([Frame("x", lambda: pulled.append(1))] * 17, PNG, cancelled=never)
    assert pulled == []


def test_no_frame_is_no_part():
    assert send() == []


def test_frames_are_pulled_one_at_a_time():
    pulled, threads = [], set()

    def pull():
        deadline = time.monotonic() + 1  # a worker may still be letting go of its last strip
        while any(ref() is not None for ref in pulled) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert all(ref() is None for ref in pulled)
        threads.add(threading.get_ident())
        pixels = np.full((600, 600, 3), len(pulled) / 9, np.float32)
        pulled.append(weakref.ref(pixels))
        return pixels

    assert len(prepare([Frame(str(number), pull) for number in range(6)], PNG, cancelled=never)) == 6
    assert threads == {threading.get_ident()}


def test_an_error_of_the_caller_passes():
    def pull():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        prepare([Frame("x", pull)], PNG, cancelled=never)


def test_the_same_input_gives_the_same_bytes():
    frames = [smooth(700, 600), disc(600, 700), noise(300)] * 2
    policy = Policy(request_base64_bytes=100_000)
    first = [part.data for part in send(*frames, policy=policy)]
    assert first == [part.data for part in send(*frames, policy=policy, workers=1)]
    assert first[:3] == first[3:]


def test_cancelled_between_frames():
    pulled = []

    def pull(number):
        pulled.append(number)
        return smooth(40, 40)

    frames = [Frame(str(number), lambda number=number: pull(number)) for number in range(8)]
    started = time.monotonic()
    with pytest.raises(GPT4oImageError) as caught:
        prepare(frames, PNG, cancelled=lambda: len(pulled) >= 3)
    assert (caught.value.kind, caught.value.billed) == ("cancelled", "no")
    assert pulled == [0, 1, 2]
    assert time.monotonic() - started < 1


def test_cancelled_while_encoding(monkeypatch):
    begun = threading.Event()
    real = encoding.encode

    def slow(image, mime, quality, *, resized):
        begun.set()
        time.sleep(0.3)
        return real(image, mime, quality, resized=resized)

    monkeypatch.setattr(encoding, "encode", slow)
    with pytest.raises(GPT4oImageError, match="Cancelled before anything was sent"):
        send(smooth(40, 40), cancelled=begun.is_set)


# The key of the pixels


def keys(*pictures, **options):
    return [part.pixels_key for part in send(*pictures, **options)]


def test_another_encoder_makes_no_other_key(monkeypatch):
    pictures = [smooth(700, 900), noise(300), np.dstack([smooth(60, 80), smooth(60, 80)[..., 0]])]
    before = send(*pictures, policy=Policy())
    encode = encoding.encode

    def other(image, mime, quality, *, resized):
        return encode(image, "image/png", None, resized=resized)

    monkeypatch.setattr(encoding, "encode", other)
    after = send(*pictures, policy=Policy())
    assert all(old.data != new.data for old, new in zip(before, after, strict=True))
    assert [part.pixels_key for part in before] == [part.pixels_key for part in after]


def test_the_other_references_make_no_other_key():
    """They take their share of the bytes, so that a picture is scaled down, by what encoding a sample gives."""
    grainy = noise(1100) / np.float32(255)
    (alone,) = send(grainy, policy=Policy())
    (beside, *_) = send(grainy, *(noise(600, seed=seed) for seed in range(6)), policy=Policy())
    less = send(grainy, policy=Policy(request_base64_bytes=64 << 10))
    assert beside.width < alone.width
    assert less[0].width < beside.width
    assert alone.pixels_key == beside.pixels_key == less[0].pixels_key


def test_pixels_and_choices_make_the_key():
    picture = smooth(64, 96)
    near = picture.copy()
    near[5, 5, 0] = 1 - near[5, 5, 0].round()
    (key,) = keys(picture)
    assert keys(picture.copy()) == [key]
    others = [
        *keys(near),
        *keys(picture[:, ::-1]),
        *keys(picture.reshape(96, 64, 3)),
        *keys(np.dstack([picture, np.ones((64, 96), np.float32)])),
        *(key for policy in CHOICES for key in keys(picture, policy=policy)),
    ]
    assert len({key, *others}) == 1 + len(others)


CHOICES = [
    Policy(max_side_px=1024),
    Policy(format="webp"),
    Policy(quality=91),
    Policy(budget_bytes=1 << 19),
    Policy(flatten_on=(0, 0, 0)),
]


def test_the_key_is_the_one_that_vaults_hold():
    """A change of it pays again for what was paid for; the pixels are made of integers, so that all machines agree."""
    large = (np.arange(3 * 40 * 2100, dtype=np.int64).reshape(2100, 40, 3) * 7919 % 256).astype(np.uint8)
    (of_bytes,) = keys(large, policy=Policy(max_side_px=512))
    (of_floats,) = keys(large.astype(np.float32) / 255, policy=Policy(max_side_px=512))
    assert of_bytes[:16] == "6d34986561988d1a"
    assert of_floats[:16] == "187844d7f1757c22"


# Cache


def test_the_same_frame_is_encoded_once(encoded):
    picture = smooth(90, 80)
    cache = PartCache()
    first = send(picture, picture, picture.copy(), cache=cache)
    again = send(picture, cache=cache)
    assert len(encoded) == 1
    assert len({part.data for part in (*first, *again)}) == 1
    assert [part.name for part in first] == ["image_01", "image_02", "image_03"]
    send(picture)
    assert len(encoded) == 2  # nothing is kept beside the cache


def test_other_pixels_policies_and_caps_are_encoded(encoded):
    picture, cache = smooth(90, 80), PartCache()
    near = picture.copy()
    near[5, 5, 0] += 0.1
    send(picture, near, cache=cache)
    send(picture, cache=cache, policy=Policy())
    send(picture, cache=cache, policy=Policy(quality=80))
    assert len(encoded) == 4
    grainy = noise(300)
    for budget in (300_000, 60_000, 30_000):
        (part,) = send(grainy, cache=cache, policy=Policy(budget_bytes=budget))
        assert len(part.data) <= budget


def test_parts_that_were_not_cut_serve_any_share(encoded):
    """Another socket more makes every share smaller; what fits all the same is not encoded again."""
    cache = PartCache()
    frames = [smooth(90, 80, seed=seed) for seed in range(6)]
    send(*frames[:3], cache=cache, policy=Policy())
    send(*frames[:5], cache=cache, policy=Policy())
    send(*frames, cache=cache, policy=Policy())
    assert len(encoded) == 6


def test_two_sources_of_one_part_keep_their_names():
    cache = PartCache()
    (small,) = send(np.full((512, 512, 3), 9, np.uint8), cache=cache, policy=Policy(max_side_px=512))
    (large,) = send(np.full((1024, 1024, 3), 9, np.uint8), cache=cache, policy=Policy(max_side_px=512))
    assert (small.source, small.steps) == ((512, 512), ())
    assert (large.source, large.steps) == ((1024, 1024), ("scaled from 1024 x 1024 to 512 x 512",))


def test_the_cache_has_bounds(encoded):
    frames = [np.full((8, 8, 3), level, np.uint8) for level in range(5)]
    size = max(len(part.data) for part in send(*frames))
    encoded.clear()
    cache = PartCache(max_bytes=3 * size)
    for frame in frames:
        send(frame, cache=cache)
    send(*frames[2:], cache=cache)
    assert len(encoded) == 5
    send(frames[0], cache=cache)
    send(frames[2], cache=cache)  # the longest unused of the three
    assert len(encoded) == 7
    tiny = PartCache(max_bytes=10)
    send(frames[0], cache=tiny)
    send(frames[0], cache=tiny)
    assert len(encoded) == 9


def test_the_cache_is_safe_between_threads():
    cache = PartCache(max_bytes=3000)
    frames = [np.full((8, 8, 3), level, np.uint8) for level in range(8)]
    wrong = []

    def work(seed):
        for index in np.random.default_rng(seed).integers(0, 8, 20):
            (part,) = send(frames[index], cache=cache)
            if not np.array_equal(shown(part), frames[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# What is told


def test_a_part_says_what_it_is():
    pixels = smooth(1600, 800)
    (part,) = send(pixels, policy=Policy(max_side_px=512))
    assert part.as_report() == {
        "name": "image_01",
        "source": [800, 1600],
        "sent": [256, 512],
        "bytes": len(part.data),
        "format": "jpeg",
        "quality": 92,
        "flattened": None,
        "steps": ["scaled from 800 x 1600 to 256 x 512"],
    }
    assert part.digest == hashlib.sha256(part.data).hexdigest()
    head, _, body = part.data_url().partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(body) == part.data


def test_advice_names_the_largest_first():
    parts = send(np.zeros((9, 9, 3), np.uint8), noise(300), noise(100))
    advice = too_large_advice(parts)
    assert advice.startswith("The references take 392 KiB as base64.")
    assert advice.index("image_02 (") < advice.index("image_03 (") < advice.index("image_01 (")
    assert "300 x 300" in advice
