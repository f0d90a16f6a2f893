"""What is sent: the user's words untouched, and one line for each choice."""

from gpt4o_image.prompt import chat_body, prompt_text
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
    body = chat_body(Request("x", model="gpt-4o-image", seed=7))
    assert body == {
        "model": "gpt-4o-image",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    }
