"""What is sent: the user's words untouched, and one line for each choice."""

from gpt4o_image.prompt import body, prompt_text
from gpt4o_image.request import Request

WORDS = "  A fox\n\twith  {braces} // and a comment "


def test_words_are_untouched_where_nothing_is_chosen():
    assert prompt_text(Request(WORDS)) == WORDS


def test_each_choice_is_a_line():
    request = Request(WORDS, aspect_ratio="2:3", background="transparent", count="4")
    assert prompt_text(request) == (WORDS + "\n\nAspect ratio: 2:3\nTransparent background.\nNumber of images: 4")


def test_an_opaque_background_is_said():
    assert prompt_text(Request("x", background="opaque")).endswith("Opaque background, no transparency.")


def test_the_body_holds_no_seed():
    sent = body(Request("x", model="gpt-4o-image", seed=7))
    assert sent == {
        "model": "gpt-4o-image",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "stream": True,
    }


def test_the_images_api_gets_the_ratio_twice_and_no_more_than_it_knows():
    request = Request("x", endpoint="images", size="1536x1024", n=3, background="transparent", seed=7)
    assert body(request) == {
        "model": "gpt-4o-image-vip",
        "prompt": "x\n\nAspect ratio: 3:2\nTransparent background.",
        "n": 3,
        "size": "1536x1024",
    }
    assert body(Request("x", endpoint="images")) == {"model": "gpt-4o-image-vip", "prompt": "x", "n": 1}
