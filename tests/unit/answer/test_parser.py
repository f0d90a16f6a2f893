"""Transcripts -> events, chunked anyhow. The fixtures are what gateways document, or sent in public transcripts."""

import codecs
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpt4o_image.answer.events import Generating, Progress, Queued
from gpt4o_image.answer.parser import StreamParser
from gpt4o_image.answer.reader import AnswerReader
from gpt4o_image.answer.transcript import Transcript
from gpt4o_image.urls import Link, Picture, unescaped

STREAMS = {path.stem: path.read_bytes().decode() for path in (Path(__file__).parents[2] / "fixtures/streams").iterdir()}
CDN = "https://filesystem.site/cdn"
FOXES = ("u8gWJhFdJY1hOzj0Qi9sN7VX3TpEaB", "Qm2kCzRrXyB5nLw8VtDfG4sKeHjP6a")
PICTURE = "https://x.test/a.png"
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def parse(pieces, *, cut=False):
    said = Transcript()
    parser = StreamParser(said)
    for piece in pieces:
        parser.feed(piece)
    parser.finish(cut=cut)
    said.close()
    return said.take(), said, said.prose


def feeder():
    """A function that feeds a parser and gives what that completes."""
    said = Transcript()
    parser = StreamParser(said)

    def feed(text):
        parser.feed(text)
        return said.take()

    return feed


def events_of(text):
    return parse([text])[0]


def told(text):
    return [event.percent for event in events_of(text) if isinstance(event, Progress)]


def shown(text):
    return [event.address for event in events_of(text) if isinstance(event, Picture)]


def linked(text):
    return [event.address for event in events_of(text) if isinstance(event, Link)]


def brief(events):
    """A sequence as words: what a failing test should show."""
    names = {Queued: "queued", Generating: "generating"}

    def one(event):
        match event:
            case Progress(percent):
                return f"{percent}%"
            case Picture(index):
                return f"picture {index}"
            case Link(after=after):
                return f"link after {after}"
        return names[type(event)]

    return [one(event) for event in events]


# Sequences


def documented(*numbers):
    between = ["picture 0", "link after 1", "picture 1", "link after 2"]
    return ["queued", "generating", *(f"{number}%" for number in numbers), "link after 0", *between]


SEQUENCES = {
    "b_en": documented(11, 19, 27, 34, 42, 50, 57, 64, 100),
    "b_cn": documented(9, 22, 36, 44, 61, 100),
    "b_ja": documented(11, 19, 27, 34, 100),
    "a_cn": ["queued", "generating", "14%", "27%", "83%", "picture 0"],
    "a_en": ["queued", "generating", "13%", "45%", "picture 0"],
    "c_cn": ["queued", "generating", "8%", "26%", "100%", "link after 0", "picture 0", "link after 1"],
    "failed_cn": ["queued"],
    "refused": [],
    "plan_limit": [],
    "postponed": [],
    "odd": [
        *("queued", "generating", "37%", "50%", "77%", "picture 0", "link after 1"),
        *("picture 1", "picture 2", "link after 3", "picture 3", "link after 4", "picture 4"),
    ],
}


@pytest.mark.parametrize("name", STREAMS)
def test_sequence(name):
    assert brief(events_of(STREAMS[name])) == SEQUENCES[name]


@pytest.mark.parametrize("name", ["b_en", "b_cn", "b_ja"])
def test_documented_pictures_and_transcript(name):
    events, said, prose = parse([STREAMS[name]])
    assert [event.address for event in events if isinstance(event, Picture)] == [
        f"{CDN}/20250424/{fox}.png" for fox in FOXES
    ]
    assert [link.address for link in said.links[1:]] == [f"{CDN}/download/20250424/{fox}.png" for fox in FOXES]
    assert said.links[0].label == "100"
    assert said.links[0].address.endswith("sig=M0vJ2%2BqZ1l8%3D&az=oaivgprodscus")
    assert (said.done, said.failed, prose) == (True, False, [])
    assert said.gen_ids == ["gen_01jsmmv8yxfq0tzr1t3zcg6b8d"]


def test_the_preamble_is_a_revised_prompt_and_nothing_else():
    said = parse([STREAMS["b_ja"]])[1]
    assert said.revised_prompt.endswith("\n> 98%")
    assert said.count == 2
    assert "> 99%" in parse([STREAMS["b_en"]])[1].revised_prompt


def test_ids_are_kept_once_and_no_more_than_any_answer_has():
    ids = [f"gen_{number:026}" for number in range(1500)]
    assert parse([f"{each} {each}\n" for each in ids])[1].gen_ids == ids[:1000]


def test_ids():
    said = parse([STREAMS["a_cn"]])[1]
    assert said.task_id == "task_01jr7hcvmdf6etw79b1c2dz6mp"
    assert said.gen_ids == ["gen_01jr7hgkg5f7rvqfznfzt6pmb3"]
    assert parse([STREAMS["c_cn"]])[1].task_id == "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_a_failure_keeps_its_reasons():
    said = parse([STREAMS["failed_cn"]])[1]
    assert said.failed
    assert said.reasons[1].endswith("input_moderation")
    assert said.terminal["code"] == "other"
    assert said.task_id == "task_01jsabcdefghjkmnpqrstvwxyz"


# Chunked anyhow


def cuts_of(text, places):
    places = sorted({place % (len(text) + 1) for place in places})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def through_bytes(text):
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [decoder.decode(bytes([byte])) for byte in text.encode()]


def through_sse(text, size):
    chunks = [text[start : start + 3] for start in range(0, len(text), 3)]
    data = [json.dumps({"choices": [{"index": 0, "delta": {"content": chunk}}]}) for chunk in chunks]
    wire = "".join(f"data: {line}\r\n\r\n" for line in [*data, "[DONE]"]).encode()
    reader = AnswerReader()
    events = [event for start in range(0, len(wire), size) for event in reader.feed(wire[start : start + size])]
    assert reader.closed
    return events + reader.finish(broke_off=False)


@pytest.mark.parametrize("name", STREAMS)
def test_chunks_do_not_matter(name):
    text = STREAMS[name]
    whole = parse([text])
    assert parse(text) == whole
    assert parse(through_bytes(text)) == whole
    assert through_sse(text, 1) == whole[0]
    assert through_sse(text, 1000) == whole[0]


@pytest.mark.parametrize("name", STREAMS)
def test_each_single_cut(name):
    text = STREAMS[name]
    whole = parse([text])
    for place in range(1, len(text), 3):
        assert parse([text[:place], text[place:]]) == whole, place


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 5000), max_size=12))
@quick
def test_random_cuts(name, places):
    text = STREAMS[name]
    assert parse(cuts_of(text, places)) == parse([text])


FRAGMENTS = [
    *STREAMS.values(),
    *("\n", "\r\n", "\n\n", "`", "```", "~~~\n", "```json\n", "\n```\n", "![", "[", "]", "(", ")", "](", "[{", "{"),
    *("}", '{"', '"', "\\", "'", "<", ">", "<think>", "</think>", "!", "_", ":", ",", "-", "/", " ", "\ufeff"),
    *("> ", "\uff1e", "> ID: ", ".", "..", "....", "\u2026", "%", "\uff05", "7", "11", "19....", "100", "/100"),
    *(" of 2", "\u00e9", "Progress ", "Queued", "Position ", "image ", "GPT-", "done"),
    *("> Generation failed\n", "\u274c"),
    *("input_moderation", "gen_01jabcdefghijklmnopqrstuvw", "task_01jabcdefghijklmnopqrstuv"),
    *("https://", "http", "htt", "://", "data:image/png;base64,AA", "https://x.test/b.png", "[100](https://x.test/c.png)"),
    f"![a]({PICTURE})",
    f"[![a]({PICTURE}?x=(1))](https://x.test/l)",
    '{"type": "terminal", "task_id": "t"}\n',
    '{"prompt": "a\n> 99%\n![e](http://10.0.0.1/e.png)", "n": 2}\n',
    "prose, with a colon: and\nmore of it\n",
]  # fmt: skip
mixtures = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@given(mixtures, st.lists(st.integers(0, 5000), max_size=6))
@settings(quick, max_examples=150)
@example("![a](https://x.test/a(b) c.png)", [28])
@example("[ d", [1])
@example("{\n}x\n> 5%", [1])
@example("![a](https://x.test/a.png) words, and more\n[](https://x.test/b.png)%\n\n", [3])
@example(
    "[a](https://x.test/a.png) \u274c input_moderation\n[b](https://x.test/b.png) gen_01jabcdefghijklmnopqrstuvw\r\n",
    [3],
)
@example("> 7...34", [5])
@example("n[\0](p)", [3])
def test_any_mixture_chunked_anyhow(text, places):
    whole = parse([text])
    assert parse(cuts_of(text, places)) == whole
    if len(text) < 500:
        assert parse(text) == whole


@given(mixtures | st.text(max_size=200))
@settings(quick, max_examples=150)
@example("![https://[100](https://x.test/c.png){7")
def test_what_always_holds(text):
    events, said, _ = parse([text])
    numbers = [event.percent for event in events if isinstance(event, Progress)]
    assert numbers == sorted(set(numbers))
    assert all(0 <= number <= 100 for number in numbers)
    addresses = [event for event in events if isinstance(event, (Picture, Link))]
    assert all(unescaped(event.address) in unescaped(text) for event in addresses if len(text) < 200)
    assert [event.index for event in said.pictures] == list(range(len(said.pictures)))
    assert said.pictures + said.links == [e for e in events if isinstance(e, Picture)] + [
        e for e in events if isinstance(e, Link)
    ]
    assert events.count(Queued()) <= 1
    assert events.count(Generating()) <= 1


@given(st.text(alphabet=st.characters(blacklist_characters="`\r\n\ufeff"), max_size=60), st.lists(mixtures, max_size=3))
@quick
def test_nothing_in_a_fence_is_an_event(line, inner):
    body = "\n".join([f"x {line}", *inner]).replace("`", "").replace("~", "")
    assert events_of(f"```text\n{body}\n```\n") == []


# Events as soon as they are sure


def test_progress_comes_with_the_character_after_the_number():
    feed = feeder()
    assert feed(">\u26a1 Progress 1") == []
    assert feed("1..") == [Progress(11)]
    assert feed("..[10") == []
    assert feed("0](https://x.test/a") == [Progress(100)]
    assert feed(".png)") == [Link("https://x.test/a.png", "100", 0)]


def test_a_picture_comes_with_its_parenthesis():
    feed = feeder()
    assert feed(f"![a]({PICTURE}") == []
    assert feed(")") == [Picture(0, PICTURE, "a")]


def test_states_come_with_their_dots():
    feed = feeder()
    assert feed("> Queuing.") == []
    assert feed(".") == [Queued()]
    assert feed(".\n> Generating") == []
    assert feed("\n") == [Generating()]


def test_an_odd_quote_in_the_preamble_does_not_hold_back_the_stream():
    feed = feeder()
    feed('{"prompt": "a 5" tall figure",\n"ratio": "1:1"\n}\n\n')
    assert feed("> Progress 14%\n") == [Progress(14)]


# Progress


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("> 14 %", [14]),
        (">\u8fdb\u5ea6\uff1a37%", [37]),
        ("> 45.5%", [45]),
        ("> 45,5 %", [45]),
        ("> \uff13\uff17\uff05", [37]),
        ("\uff1e 37%", [37]),
        ("> 50/100", [50]),
        ("> Progress 11....64....100", [11, 64, 100]),
        ("> 50 / 100 done", [50]),
        ("> [=====>    ] 40%", [40]),
        ("> [40%] of it", [40]),
        ("> Progress: 12", [12]),
        ("> Progress 12 19 27", [12, 19, 27]),
        ("> Progress 101....", [100]),
        ("> 20% .. 10% .. 30%", [20, 30]),
        ("> \u041f\u0440\u043e\u0433\u0440\u0435\u0441\u0441 11....19....", [11, 19]),
        ("> xyz 11\u2026 19\u2026", [11, 19]),
        ("> Marca 11....19....", [11, 19]),
        ("> Fila 11....19....", [11, 19]),
        ("> Fila 11....19....[100](https://x.test/c.png)", [11, 19, 100]),
        ("> Fila 19....11....", []),
        ("> Fila 11....\n> Fila 19....", []),
        ("> Queued [100](https://x.test/c.png)", [100]),
        ("> ![100](https://x.test/c.png)", []),
        ("> Generating... Progress 11....19....", [11, 19]),
        ("> Progress 11....\r", [11]),
        ("> > 14%", [14]),
        ("> **14%**", [14]),
        ("> Progress image 1 of 2", []),
        ("> Progress: 1/2", []),
        ("> Progress: 1 of 2....", []),
        ("> GPT-4o", []),
        ("> Starting GPT-4...", []),
        ("> Image 2....", []),
        ("> Queue position 57...", []),
        ("> Position: 57....", []),
        ("> Waited 12s..", []),
        ("> 2025-04-21.. 10:30..", []),
        ("> id 1234567%", []),
        ("> `57%` [57](https://x.test/57%)", []),
        ("> `a`57%", []),
        ("> Progress 11...19", [11, 19]),
        ("> https://x.test/57%", []),
        ("> v2....", []),
        ("1. 50% done", []),
        ("50%", []),
    ],
)
def test_progress(line, numbers):
    assert told(line) == numbers
    assert told(line + "\n") == numbers


# Pictures and links


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (f"![a]({PICTURE})", [PICTURE]),
        (f"![]( {PICTURE} )", [PICTURE]),
        ("![a](<https://x.test/a (1).png>)", ["https://x.test/a (1).png"]),
        (f'![a]({PICTURE} "a title :)")', [PICTURE]),
        (f"![a]({PICTURE} =300x200)", [PICTURE]),
        (f"[![a]({PICTURE})](https://x.test/page)", ["https://x.test/page"]),
        (f"[![a]({PICTURE})](https://x.test/)", [PICTURE]),
        (f"[![a]({PICTURE})](https://x.test/page.html)", [PICTURE]),
        ("[![a](https://x.test/1.png) b](https://x.test/2.png) c", [2]),
        (f"[![a]({PICTURE}) [b](https://x.test/b)", [PICTURE]),
        (f"[see ![a]({PICTURE}) there](https://x.test/page)", [PICTURE]),
        (f"![a b\nc]({PICTURE})", [PICTURE]),
        (f"![a](\n{PICTURE})", [PICTURE]),
        (f"![a](\r\n  {PICTURE}\r\n)", [PICTURE]),
        (f'![a]({PICTURE}\n"b")', [PICTURE]),
        (f"![a]({PICTURE}\nand (b)\n![b](https://x.test/2.png)", [2]),
        (f"![a](\n\n![b]({PICTURE})", [PICTURE]),
        (f"![a b\n\nc]({PICTURE})", []),
        (f"![a b\n> 5%\nc]({PICTURE})", []),
        (f"> ![1]({PICTURE})", [PICTURE]),
        (f"![a [b] c]({PICTURE})", [PICTURE]),
        (f"<img src='{PICTURE}' alt='a'>", [PICTURE]),
        (f'<a href="https://x.test/2.png"><img src="{PICTURE}"></a>', [2]),
        (f"Here: <a target=_blank href=https://x.test/2.png> <IMG src={PICTURE}></a>", [2]),
        (f'<a href="https://x.test/"><img src="{PICTURE}"></a>', [PICTURE]),
        (f'<a name="top"><img src="{PICTURE}"></a>', [PICTURE]),
        (f'<a href="https://x.test/2.png">text</a> <abbr> ![a]({PICTURE})', [PICTURE]),
        (f'text <IMG width=3 src="{PICTURE}"/> text', [PICTURE]),
        (f"<img alt=x> ![a]({PICTURE}) <img", [PICTURE]),
        ("![a](data:image/png;base64,iVBOR\nw0KGgo=\n)", ["data:image/png;base64,iVBORw0KGgo="]),
        ("![a](data:image/png;base64,iVBOR\nHello, world\n![b](https://x.test/2.png)", [2]),
        ("![a](https://x.test/a_(1).png)", ["https://x.test/a_(1).png"]),
        ("![a](https://x.test/a(1.png) ok", ["https://x.test/a(1.png"]),
        ("![a](https://x.test/a (1).png), and", ["https://x.test/a (1).png"]),
        (f'![a]({PICTURE} "b >"c :)")', [PICTURE]),
        ("![a](https://x.test/1.png)![b](https://x.test/2.png) | ![c](https://x.test/3.png)", [1, 2, 3]),
        ("![a](https://x.test/(1.png) ![b](https://x.test/2.png)", ["https://x.test/(1.png", 2]),
        ("![a](https://x.test/1.png?a=1&amp;b=%2F%20x)", ["https://x.test/1.png?a=1&amp;b=%2F%20x"]),
        (f"see [1](note and ![b]({PICTURE}) end", [PICTURE]),
        (f"It`s done: ![b]({PICTURE})", [PICTURE]),
        (f"a [stray bracket and ![b]({PICTURE})", [PICTURE]),
        (f"> ![b]({PICTURE})", [PICTURE]),
        (f"1. ![b]({PICTURE})", [PICTURE]),
        ("![a](data:image/png;base64,iVBORw0KGgo=)", ["data:image/png;base64,iVBORw0KGgo="]),
        (f"![a]({PICTURE}?x=1) ![b]({PICTURE}?x=2)", [f"{PICTURE}?x=1"]),
        ("![a](https://x.test/get?id=1) ![b](https://x.test/get?id=2)", [f"https://x.test/get?id={n}" for n in (1, 2)]),
        (f"`![a]({PICTURE})`", []),
        ("![a](/cdn/a.png)", []),
        ("![a](https://pro.asyncdata.net/web/1.png)", []),
        ("![a](data:text/html;base64,AA)", []),
        ("![a](https://x.test/a", []),
        ("![a](https://x.test/a(b)", ["https://x.test/a(b"]),
        ("![a](https://[x)", []),
        (f"![a](see {PICTURE})", []),
        ("![a](sandbox:/mnt/data/a.png)", []),
    ],
)
def test_pictures(text, addresses):
    expected = [f"https://x.test/{one}.png" if isinstance(one, int) else one for one in addresses]
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("[Click](https://x.test/a)", ["https://x.test/a"]),
        ("https://x.test/a.png, and", ["https://x.test/a.png"]),
        ("(https://x.test/a_(1).png).", ["https://x.test/a_(1).png"]),
        ("<https://x.test/a.png>", ["https://x.test/a.png"]),
        ("[https://x.test/a_(1).png]", ["https://x.test/a_(1).png"]),
        ("see https://x.test/a_(1).png here", ["https://x.test/a_(1).png"]),
        ("[a](see https://x.test/a.png)", ["https://x.test/a.png"]),
        ("**https://x.test/a.png**", ["https://x.test/a.png"]),
        ("[a\nb](https://x.test/a)", ["https://x.test/a"]),
        ("\u56fe\u7247\uff1ahttps://x.test/a.png\uff1b\u8bf7", ["https://x.test/a.png"]),
        ("\u3010https://x.test/a.png\u3011", ["https://x.test/a.png"]),
        ("\u300chttps://x.test/a?b=1\u300d\uff01", ["https://x.test/a?b=1"]),
        ("https://x.test/a.png\u8bf7\u4fdd\u5b58", ["https://x.test/a.png"]),
        ("https://x.test/\u732b.png \u8bf7", ["https://x.test/\u732b.png"]),
        ("![a](https://x.test/a.png", ["https://x.test/a.png"]),
        (f"x iVBORw0KGgo{'A' * 200} y", [f"data:image/png;base64,iVBORw0KGgo{'A' * 200}"]),
        ("x iVBORw0KGgo y", []),
        ("HTTPS://X.test/a.png", ["HTTPS://X.test/a.png"]),
        ("\u89c1https://x.test/a.png\u3002", ["https://x.test/a.png"]),
        ("https://x.test/a.png,https://x.test/b.png", ["https://x.test/a.png", "https://x.test/b.png"]),
        ("[see https://x.test/a.png]", ["https://x.test/a.png"]),
        ("it is data:image/png;base64,AAAA", ["data:image/png;base64,AAAA"]),
        ("[a](https://pro.asyncdata.net/web/1) [b](https://x.test/source/1)", []),
        ("`https://x.test/a.png` and https:// x", []),
    ],
)
def test_links(text, addresses):
    assert linked(text) == addresses


@pytest.mark.parametrize(
    "text", ["https://x.test/b", "![a](https://x.test/b", "![a](https://x.test/b(c)", "![a](data:image/png;base64,AA"]
)
def test_half_an_address_is_none(text):
    assert parse([text], cut=True)[0] == []
    assert parse([f"{text}\n"], cut=True)[0] != [] or "data" in text


def test_half_an_address_is_none_in_a_block_that_broke_off_either():
    said = Transcript()
    parser = StreamParser(said)
    parser.feed("```markdown\n![a](https://x.test/a.png)\n![b](https://x.t")
    parser.break_off()
    parser.finish(cut=True)
    said.close()
    assert [event.address for event in said.take()] == ["https://x.test/a.png"]


def test_an_ampersand_that_was_escaped():
    events = events_of("![a](https://x.test/a?b=1&amp;c=2)")
    assert events == [Picture(0, "https://x.test/a?b=1&amp;c=2", "a"), Link("https://x.test/a?b=1&c=2", "a", 1)]


def test_a_thumbnail_is_the_mirror_of_what_it_links_to():
    events = events_of("[![a](https://x.test/s.png)](https://x.test/l.png)")
    assert events == [Picture(0, "https://x.test/l.png", "a"), Link("https://x.test/s.png", "a", 1)]


def test_an_html_thumbnail_is_the_mirror_of_what_it_links_to():
    events = events_of("<a href='https://x.test/l.png'><img alt=a src='https://x.test/s.png'></a>")
    assert events == [Picture(0, "https://x.test/l.png", "a"), Link("https://x.test/s.png", "a", 1)]


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    "text",
    [
        "<a href='https://x.test/l.png'>\n  <img alt=a\n  src='https://x.test/s.png'>\n</a>\n",
        "[![a](https://x.test/s.png)\n](https://x.test/l.png)\n",
        "[\n![a](https://x.test/s.png)](https://x.test/l.png)\n",
    ],
)
def test_a_thumbnail_over_several_lines(text, size):
    events = parse([text[at : at + size] for at in range(0, len(text), size)])[0]
    assert events == [Picture(0, "https://x.test/l.png", "a"), Link("https://x.test/s.png", "a", 1)]


def test_a_tag_that_is_open_at_the_end_of_a_line_hides_nothing():
    assert told("<a href=x>\n> 5%\n") == [5]
    assert shown("<img\n\n![a](https://x.test/a.png)\n") == ["https://x.test/a.png"]
    assert linked("see <a href='https://x.test/p'>\nthe page</a>\n") == ["https://x.test/p"]


@pytest.mark.parametrize("size", [1, 7, 4096, 10**6])
@pytest.mark.parametrize("start", ["", "\n"])
def test_data_over_many_lines(start, size):
    data = "iVBORw0KGgo" + "A" * 30_000
    lines = "\n".join(data[at : at + 76] for at in range(0, len(data), 76))
    text = f"![a](data:image/png;base64,{start}{lines}{start})\n> 5%\n"
    events = parse([text[at : at + size] for at in range(0, len(text), size)])[0]
    assert events == [Picture(0, f"data:image/png;base64,{data}", "a"), Progress(5)]


def test_labels_stand_in_the_prose():
    assert parse(["Sorry, see our [policy](https://x.test/policy)."])[2] == ["Sorry, see our policy."]


# Blocks


@pytest.mark.parametrize(
    "preamble",
    [
        '{"prompt": "x"}\n',
        '{\n  "prompt": "x"\n}\n\n',
        '{"prompt": "a 5" tall figure", "n": 1}\n\n',
        '{\n  "prompt": "a 5" tall figure",\n  "n": 1\n}\n\n',
        '```json\n{"prompt": "a 5" tall figure"}\n```\n',
        '```\n{"prompt": "x"}\n```\n',
        '~~~\n{"prompt": "x"}\n~~~\n',
        '```json {"prompt": "x"}\n```\n',
        '```json\n{"prompt": "a\n```\n![e](http://10.0.0.1/e.png)\n> 99%\n```\nz"}\n```\n',
        '{"prompt": "a\n> 99%\n![e](http://10.0.0.1/e.png)\n\u274c\n"}\n',
        '{"prompt": "cut off\n\n',
        '```json\n{"prompt": "x"}\n\n',
        "```\nnot closed\n\n",
        "<think>\n> 99%\n![e](http://10.0.0.1/e.png)\n</think>\n",
        "> ```json\n> {\"prompt\": \"> 99%\"}\n> ```\n",
        "Sure! This is what I send:\n\n{\"prompt\": \"99%\"}\n",
        '[{"prompt": "https://x.test/echo.png"}]\n',
        "{curly} words\n",
        "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [f"> 14%\n![a]({PICTURE})\n", f"\n>\u26a1 14%\n\n![a]({PICTURE})"])
def test_preambles(preamble, stream):
    assert brief(events_of(preamble + stream)) == ["14%", "picture 0"]


@pytest.mark.parametrize("size", [1, 1000])
def test_an_id_in_prose_is_noted(size):
    text = "Please retry, id=a48cca56-e6da-484e-a814-9c849652bcb3 says why.\nOr not.\n"
    _, said, _ = parse([text[at : at + size] for at in range(0, len(text), size)])
    assert said.task_id == "a48cca56-e6da-484e-a814-9c849652bcb3"


@pytest.mark.parametrize("end", ["\ufeff", "\r\ufeff", " \ufeff\t"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_byte_order_mark_behind_a_fence_hides_nothing(end, size):
    """It is blank; found by fuzzing. What came whole was read, what came in pieces was a block without an end."""
    text = f'```json\n{{"prompt": "a fox"}}{end}\n```{end}\n> Progress 14%{end}\n'
    events, said, _ = parse([text[at : at + size] for at in range(0, len(text), size)])
    assert (events, said.revised_prompt) == ([Progress(14)], "a fox")


@pytest.mark.parametrize(
    "preamble", ['{"prompt": "x"}\n\n', '```json\n{"prompt": "a 5" tall"}\n```\n\n', '{"prompt": "a 5" tall"}\n\n', ""]
)
def test_no_status_lines_at_all(preamble):
    assert brief(events_of(preamble + f"Here it is:\n![a]({PICTURE})")) == ["picture 0"]


def test_a_cut_preamble_tells_nothing():
    assert events_of('```json\n{"prompt": "x ![e](http://10.0.0.1/e.png)') == []
    assert events_of('{"prompt": "x\n![e](http://10.0.0.1/e.png)\n') == []


def test_json_after_the_pictures():
    text = f'![a]({PICTURE})\n{{"data": [{{"url": "https://x.test/z.png"}}]}}\n```json\n{{"n": "3"}}\n```'
    events, said, _ = parse([text])
    assert brief(events) == ["picture 0"]
    assert said.count == 3
    said.note_leftovers()
    assert said.unused == ["https://x.test/z.png"]


# Failures


@pytest.mark.parametrize(
    "text",
    [
        "> \u751f\u6210\u5931\u8d25 \u274c\n",
        "> Generation failed",
        "Generation failed \u274c",
        "\u751f\u6210\u5931\u8d25\n\u5931\u8d25\u539f\u56e0\uff1ainput_moderation",
        "> Reason: `output_moderation`",
        "> \u00c9chec de la g\u00e9n\u00e9ration",
        '{"type": "terminal"}',
        '{\n  "error": {\n    "message": "boom"\n  }\n}',
        '```json\n{"error": "boom"}\n```',
        '{"status": "failed", "message": "boom"}',
        "The sign says: Generation failed.",
        "Sorry, the image generation has failed: see [status](https://x.test/status)",
    ],
)
def test_failures(text):
    events, said, _ = parse([text])
    assert not any(isinstance(event, Picture) for event in events)
    assert said.failed
    assert said.reasons


@pytest.mark.parametrize(
    "text",
    [
        '{"prompt": "x", "error": null}',
        "Nothing fails here.",
        f"The sign says: Generation failed.\n![a]({PICTURE})",
        f"The sign says: Generation failed.\nHere it is: [a]({PICTURE})",
        f"> The sign says: Generation failed.\n\n[a]({PICTURE})",
        f"![generation failed]({PICTURE})",
        f"> ![generation failed]({PICTURE})",
        "> Terror in the abandoned house, undone",
        "",
        " \r\n\n\t",
    ],
)
def test_no_failures(text):
    events, said, _ = parse([text])
    assert all(isinstance(event, (Picture, Link)) for event in events)
    assert not said.failed
    assert not said.done


def test_what_follows_a_failure_is_its_reason():
    said = parse(["> \u274c\n> Motif : style\n> 5%\n"])[1]
    assert said.reasons == ["\u274c", "Motif : style"]


# States


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("> Queued for generation..", ["queued"]),
        ("> Queued [100](https://x.test/c.png)", ["queued", "100%", "link after 0"]),
        ("> Generating, please wait..", ["generating"]),
        ("> \u0416..\n> \u0428..\n", ["queued", "generating"]),
        ("> ID: `7`..\n", []),
        ("> Status: `Queued`\n", ["queued"]),
        ("> \u2705 Generation complete...", []),
        ("> Generation in progress...", ["generating"]),
        ("> 5%\n> Queued..\n> Generating..", ["5%"]),
        ("Queued..\nGenerating..", []),
        ("- > Queued..", []),
    ],
)
def test_states(text, events):
    assert brief(events_of(text)) == events


# Size


def test_work_grows_with_the_length_only():
    """Counted in calls, as time says little on a busy machine: 4 times the text is 4 times the calls, nearly."""

    def calls(text, size):
        count = 0

        def trace(_frame, event, _arg):
            nonlocal count
            count += event in ("call", "c_call")

        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        before = sys.getprofile()
        sys.setprofile(trace)
        try:
            parse(pieces)
        finally:
            sys.setprofile(before)
        return count

    for name in ("b_en", "odd"):
        for size in (1, 4096):
            once, four = (calls(STREAMS[name] * times, size) for times in (2, 8))
            assert four < once * 6, (name, size)


@pytest.mark.parametrize(
    "unit",
    [
        *("[", "![", "[a](", "[a]((", "[a](<)", "`x", '{"a":\n', '>\n{"a":\n', "```\n", "{}"),
        *("> 1", "> [1](x)", "https://x(", "> a.."),
    ],
)
def test_garbage_of_any_length_ends(unit):
    parse([unit * 20_000])
    parse(cuts_of(unit * 500, range(0, 2000, 7)))


def test_a_long_data_address_character_by_character():
    address = "data:image/png;base64," + "iVBORw0KGgo" * 4000
    assert [event.address for event in parse(f"![a]({address})")[0]] == [address]
