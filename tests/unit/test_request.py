"""What can be asked for."""

import pytest

from gpt4o_image.errors import KINDS, GPT4oImageError, error_from_json
from gpt4o_image.request import MAX_SEED, MIN_SEED, Request, check_request

MODELS = ("gpt-4o-image-vip", "gpt-4o-image")


def test_a_good_request_passes():
    check_request(Request("x", "gpt-4o-image", "3:2", "opaque", "2", MAX_SEED, "allow"), MODELS)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"prompt": " \n"}, "bad_request", "prompt is empty"),
        ({"model": "gpt-4"}, "bad_model", "gpt-4o-image-vip, gpt-4o-image"),
        ({"aspect_ratio": "16:9"}, "bad_request", "auto, 1:1, 2:3, 3:2"),
        ({"background": "blue"}, "bad_request", "auto, transparent, opaque"),
        ({"count": "3"}, "bad_request", "auto, 1, 2, 4"),
        ({"artist_names": "ask"}, "bad_request", "stop, warn, allow"),
        ({"seed": MAX_SEED + 1}, "bad_request", "seed"),
        ({"seed": MIN_SEED - 1}, "bad_request", "seed"),
        ({"size": "512x512", "endpoint": "images"}, "bad_request", "auto, 1024x1024"),
        ({"n": 11, "endpoint": "images"}, "bad_request", "between 1 and 10"),
        ({"aspect_ratio": "1:1", "endpoint": "images"}, "bad_request", "Choose size instead"),
        ({"count": "2", "endpoint": "images"}, "bad_request", "Choose n instead"),
        ({"size": "1024x1024"}, "bad_request", "Choose the aspect ratio instead"),
        ({"n": 2}, "bad_request", "Choose count instead"),
    ],
)
def test_a_bad_one_says_what_is_possible(change, kind, said):
    with pytest.raises(GPT4oImageError, match=said) as stopped:
        check_request(Request(**{"prompt": "x"} | change), MODELS)
    assert (stopped.value.kind, stopped.value.billed) == (kind, "no")


@pytest.mark.parametrize("seed", [MIN_SEED, -1, 0, 2**50, MAX_SEED])
def test_every_64_bit_number_is_a_seed(seed):
    check_request(Request("x", seed=seed), MODELS)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("fox \udc80 hunt", "fox \ufffd hunt"),
        ("\ud83d", "\ufffd"),
        ("\udc8a\ud83e", "\ufffd\ufffd"),
        ("\ud83e\udd8a", "\U0001f98a"),
        ("\ufeffplain \U0001f98a\n", "\ufeffplain \U0001f98a\n"),
    ],
)
def test_half_a_surrogate_pair_is_read_as_u_fffd(given, read):
    assert Request(given).prompt == read


def test_the_number_of_pictures():
    assert Request("x").expected is None
    assert Request("x", count="4").expected == 4


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_its_json(kind):
    error = GPT4oImageError(kind, "m", billed="yes", gateway_text="g", request_id="1")
    assert error_from_json(error.as_json()).as_json() == error.as_json()


def test_an_error_tells_all_it_knows():
    text = str(GPT4oImageError("refused", "It was declined.", billed="yes", gateway_text="No.", request_id="77"))
    assert text.splitlines() == [
        "It was declined.",
        "This call was billed. (refused)",
        "Request id: 77",
        "The gateway said: No.",
    ]


def test_a_long_answer_is_cut_at_four_thousand_characters_and_shorter_in_the_text():
    error = GPT4oImageError("refused", "m", gateway_text="x" * 5000)
    assert len(str(error)) < 1000
    assert len(error.gateway_text) == 4000
