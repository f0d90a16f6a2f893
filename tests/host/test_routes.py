"""The routes of the browser side and its live event, in a real ComfyUI."""

import http.client
import io
import json
import os
import subprocess
import threading
import time
import urllib.request
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from gpt4o_image.command.headless import HeadlessComfyUI
from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.vault import NewResult, Vault

ITEM = {
    "id", "number", "created", "state", "kind", "message", "billed", "cost_usd", "gateway", "model", "prompt",
    "pictures", "stored", "percent", "has_graph", "choice", "has_answer", "machine",
}  # fmt: skip
DETAIL = ITEM | {"gateway_text", "links", "warnings", "revised_prompt", "sizes", "seconds"}
WHOLE = ["/status", "/check", "/results"]
OF_A_RESULT = ["", "/pictures/0", "/pictures/0/thumbnail", "/graph"]


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        assert self.headers["content-type"].startswith("application/json"), self
        return json.loads(self.body)

    @property
    def image(self):
        image = Image.open(io.BytesIO(self.body))
        image.load()
        return image

    @property
    def refusal(self):
        """(status, kind); the message is for people."""
        (error,) = self.json.values()
        assert len(error["message"]) > 10
        return self.status, error["kind"]


class Client:
    """Asks for exactly the path and headers given. No answer may ever hold one of `secrets`."""

    def __init__(self, server, secrets):
        self.server = server
        self.secrets = [secret.encode() for secret in secrets]

    def __call__(self, path, method="GET", **headers):
        answer = self.raw(f"/gpt4o_image{path}", method, **headers)
        told = answer.body + json.dumps(answer.headers).encode()
        assert [secret for secret in self.secrets if secret in told] == []
        return answer

    def raw(self, path, method="GET", **headers):
        at = urlsplit(self.server.origin)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def ask(host, key, gateway_home):
    return Client(host.server, [key, str(gateway_home), str(Path.home())])


@pytest.fixture(scope="module")
def vault(gateway_home):
    return Vault(gateway_home / "vault")


def a_workflow():
    """The graph as a browser sends it, never sent before."""
    return {"version": 0.4, "nodes": [{"id": 1, "title": '\u732b \U0001f408 "quoted"'}], "id": uuid.uuid4().hex}


@pytest.fixture(scope="module")
def workflow():
    return a_workflow()


@pytest.fixture(scope="module")
def run(host, generate, save, workflow):
    """A finished run of two transparent pictures, sent with its workflow."""
    graph = {"1": generate("a sticker of a fox", count="2", background="transparent"), "2": save("1")}
    return host.run(graph, workflow=workflow)


@pytest.fixture(scope="module")
def made(run):
    """Its id."""
    return told(run)[0]["id"]


def told(run):
    """What the live event said while `run` was listening."""
    return [event.data for event in run.browser.events() if event.type == "gpt4o_image.result"]


def wait_until_told(run, **wanted):
    return run.browser.wait_for(
        lambda event: event.type == "gpt4o_image.result" and wanted.items() <= event.data.items()
    ).data


def recorded(vault, prompt="put there", **error):
    """A call in the vault that no server has made; it failed where `error` is given, else it runs."""
    new = NewResult(uuid.uuid4().hex, "aihubmix", "gpt-4o-image", prompt, 0.005)
    entry = vault.claim(new, reuse=False, daily_budget_usd=None).result
    if error:
        vault.finish(entry.id, billed="yes", cost_usd=0.005, error=error, details={})
    return entry.id


# -- what there is -------------------------------------------------------------------------------------


def test_the_status_is_that_of_the_gateway_in_use(ask, vault, made):
    spent_today, spent = vault.spent()
    assert ask("/status").json == {
        "gateway": "aihubmix",
        "gateways": ["default", "aihubmix", "without_key", "simulator"],
        "has_key": True,
        "needs_key": True,
        "key_variable": "AIHUBMIX_API_KEY",
        "spent_today_usd": pytest.approx(spent_today),
        "spent_usd": pytest.approx(spent),
        "daily_budget_usd": None,
        "total": vault.count(),
        "problem": None,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("without_key", {"gateway": "without_key", "has_key": False, "needs_key": True, "key_variable": None}),
        ("simulator", {"gateway": "simulator", "has_key": True, "needs_key": False, "key_variable": None}),
    ],
)
def test_the_status_of_a_named_gateway(ask, name, expected):
    assert expected.items() <= ask(f"/status?gateway={name}").json.items()


def test_the_free_check(ask, host):
    before = host.simulator.posts()
    findings = {finding["name"]: finding for finding in ask("/check").json["findings"]}
    assert {"key", "host", "balance", "models"} <= findings.keys()
    assert all(finding["ok"] for finding in findings.values())
    assert host.simulator.posts() == before


def test_the_free_check_names_no_folder(ask):
    key = next(each for each in ask("/check?gateway=without_key").json["findings"] if each["name"] == "key")
    assert not key["ok"]
    assert "config.toml" in key["advice"]


def test_a_gateway_that_nobody_knows(ask):
    for route in ("/status", "/check"):
        assert ask(f"{route}?gateway=elsewhere").refusal == (400, "bad_request")


def test_the_list_shows_a_result(ask, run, made):
    page = ask("/results?limit=100").json
    assert page["total"] == len(page["results"])
    assert page["next"] is None
    (item,) = [item for item in page["results"] if item["id"] == made]
    assert item.keys() == ITEM
    assert (item["state"], item["kind"], item["message"], item["percent"]) == ("saved", None, None, None)
    assert (item["billed"], item["cost_usd"], item["gateway"]) == ("yes", 0.009, "aihubmix")
    assert (item["pictures"], item["stored"], item["has_graph"]) == (2, [0, 1], True)
    assert abs(item["created"] - time.time()) < 300


def test_the_list_is_paged_and_filtered(ask, vault):
    word = uuid.uuid4().hex
    ids = [recorded(vault, f"{word} {n}", kind="refused", message="no\nmore") for n in range(3)]
    first = ask(f"/results?text={word}&limit=2&state=failed").json
    assert ([item["id"] for item in first["results"]], first["total"]) == (ids[:0:-1], 3)
    assert first["results"][0]["message"] == "no"
    second = ask(f"/results?text={word}&limit=2&state=failed&before={first['next']}").json
    assert ([item["id"] for item in second["results"]], second["total"], second["next"]) == (ids[:1], 3, None)
    assert ask(f"/results?text={word}&state=saved").json == {"results": [], "total": 0, "next": None}


def test_all_that_is_known_of_a_result(ask, host, made, vault):
    entry = vault.result(made)
    detail = ask(f"/results/{made}").json
    assert detail.keys() == DETAIL
    assert detail["prompt"] == entry.prompt
    assert [links[0] for links in detail["links"]] == [picture.address for picture in entry.pictures]
    assert all(link.startswith(host.simulator.origin) for links in detail["links"] for link in links)
    assert detail["revised_prompt"].startswith("a sticker")
    assert len(detail["sizes"]) == 2
    assert detail["sizes"][0] == list(ask(f"/results/{made}/pictures/0").image.size)


def test_the_bytes_of_a_picture_are_those_of_the_gateway(ask, made, vault):
    for number, file in enumerate(vault.result(made).files):
        answer = ask(f"/results/{made}/pictures/{number}")
        assert answer.body == file.path.read_bytes()
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-disposition"].startswith("inline")


def test_a_thumbnail_is_small_and_transparent(ask, made, vault):
    answer = ask(f"/results/{made}/pictures/1/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]
    image, whole = answer.image, ask(f"/results/{made}/pictures/1").image
    assert (image.format, image.mode, max(image.size)) == ("WEBP", "RGBA", 256)
    assert image.width / image.height == pytest.approx(whole.width / whole.height, rel=0.01)
    assert image.getchannel("A").getextrema()[0] == 0
    assert answer.headers["etag"] == f'"{vault.result(made).files[1].sha256}"'


def test_a_thumbnail_that_the_browser_has_is_not_sent_again(ask, made):
    tag = ask(f"/results/{made}/pictures/0/thumbnail").headers["etag"]
    again = ask(f"/results/{made}/pictures/0/thumbnail", If_None_Match=tag)
    assert (again.status, again.body) == (304, b"")
    assert ask(f"/results/{made}/pictures/0/thumbnail", If_None_Match='"other"').status == 200


def test_latest_is_the_newest_that_has_pictures(ask, made, vault):
    recorded(vault, kind="refused", message="no picture here")
    newest, _ = vault.loadable(1)[0]
    assert ask("/results/latest").json["id"] == newest
    for path in ("/pictures/0", "/pictures/0/thumbnail"):
        answer = ask(f"/results/latest{path}")
        assert answer.body == ask(f"/results/{newest}{path}").body
        assert answer.headers["cache-control"] == "no-cache"  # tomorrow it is another one


def test_the_routes_are_there_under_api_too(ask, made):
    assert json.loads(ask.raw(f"/api/gpt4o_image/results/{made}").body)["id"] == made


# -- the graph -----------------------------------------------------------------------------------------


def test_the_graph_is_given_back(ask, made, workflow):
    answer = ask(f"/results/{made}/graph")
    assert answer.json == workflow


def test_a_failed_run_keeps_its_graph(ask, host, generate, save):
    workflow = a_workflow()
    run = host.run({"1": generate("[[fail_en]] a film"), "2": save("1")}, workflow=workflow)
    failed = told(run)[-1]["id"]
    assert ask(f"/results/{failed}").json["state"] == "failed"
    assert ask(f"/results/{failed}/graph").json == workflow


def test_without_a_graph_there_is_none(ask, host, generate, save):
    run = host.run({"1": generate("no browser sent this"), "2": save("1")})
    assert run.failure is None
    bare = told(run)[0]["id"]
    assert ask(f"/results/{bare}").json["has_graph"] is False
    assert ask(f"/results/{bare}/graph").refusal == (404, "no_graph")


def test_another_graph_around_it_does_not_run_a_node_again(host, generate, save):
    graph = {"1": generate("moved on the canvas"), "2": save("1")}
    assert host.run(graph, workflow=a_workflow()).failure is None
    again = host.run(graph, workflow=a_workflow())
    (cached,) = [event.data["nodes"] for event in again.events if event.type == "execution_cached"]
    assert "1" in cached
    assert told(again) == []


# -- live ----------------------------------------------------------------------------------------------


def test_the_events_of_a_run_come_in_order(run, made):
    events = told(run)
    assert {frozenset(event) for event in events} == {frozenset(["id", "percent", "ended"])}
    assert {event["id"] for event in events} == {made}
    assert [event["ended"] for event in events] == [False] * (len(events) - 1) + [True]
    percents = [event["percent"] for event in events]
    streamed = [percent for percent in run.percents("1") if percent]
    assert (percents[0], percents[-1]) == (None, None)
    assert percents[1:-1] == streamed
    assert len(streamed) >= 5


def test_a_running_call_shows_how_far_it_is_until_it_is_cancelled(ask, host, generate, save):
    run = host.start({"1": generate("[[slow]] to be watched"), "2": save("1")})
    running = wait_until_told(run, percent=11)["id"]
    item = next(item for item in ask("/results?state=running").json["results"] if item["id"] == running)
    assert item["state"] == "running"
    assert item["percent"] >= 11
    assert ask(f"/results/{running}").json["percent"] >= 11
    assert ask(f"/results/{running}/fetch", "POST").refusal == (409, "pending")
    host.server.interrupt()
    wait_until_told(run, id=running, ended=True)
    run.finish()
    item = ask(f"/results/{running}").json
    assert (item["state"], item["kind"], item["percent"]) == ("failed", "cancelled", None)


def test_pictures_that_come_after_cancel_are_told(ask, host, generate, save):
    run = host.start({"1": generate("[[download_slow]] left early", count="1"), "2": save("1")})
    run.wait_for("text", "1", text="downloading 0/1")
    host.server.interrupt()
    left = wait_until_told(run, ended=True)["id"]
    ended = run.browser.wait_for(lambda event: event.type == "gpt4o_image.result" and event.data["ended"])
    run.browser.wait_for(lambda event: event.type == "gpt4o_image.result" and event.at > ended.at)
    run.finish()
    item = ask(f"/results/{left}").json
    assert (item["state"], item["kind"], item["stored"]) == ("saved", "cancelled", [0])


def test_a_call_of_another_process_runs_without_a_percentage(ask, vault):
    item = ask(f"/results/{recorded(vault)}").json
    assert (item["state"], item["percent"], item["billed"]) == ("running", None, "unknown")


# -- fetch again ---------------------------------------------------------------------------------------


@pytest.fixture
def downloads(host):
    """`downloads(behaviour)` changes how every link that the gateway has given out answers from now on."""
    addresses = host.simulator._gateway.gallery._addresses

    def change(behaviour):
        from dataclasses import replace

        for target, address in list(addresses.items()):
            addresses[target] = replace(address, behaviour=behaviour, fetches=0)

    return change


@pytest.fixture
def unfetched(host, generate, save):
    """The run of a result whose pictures are made and paid for, and none of which could be downloaded."""
    run = host.run({"1": generate("[[download_all_fail]] far away", count="2"), "2": save("1")})
    assert "download_failed" in run.error["exception_message"]
    return run


def test_what_was_never_fetched_can_be_fetched(ask, host, unfetched, downloads, save):
    lost = told(unfetched)[-1]["id"]
    before = ask(f"/results/{lost}").json
    assert (before["state"], before["pictures"], before["stored"]) == ("links", 2, [])
    assert ask(f"/results/{lost}/pictures/0").refusal == (404, "unknown")

    still_lost = ask(f"/results/{lost}/fetch", "POST").json
    assert (still_lost["id"], still_lost["state"]) == (lost, "links")
    assert any("HTTP 403" in warning for warning in still_lost["warnings"])

    downloads("")
    posts, watching = host.simulator.posts(), host.start({"1": save("2"), "2": plain()})
    found = ask(f"/results/{lost}/fetch", "POST").json
    assert found.keys() == DETAIL
    assert (found["state"], found["stored"]) == ("saved", [0, 1])
    wait_until_told(watching, id=lost, ended=True)
    watching.finish()
    assert ask(f"/results/{lost}/pictures/1").image.width > 0
    assert host.simulator.posts() == posts


def plain():
    return {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}


def test_a_result_is_fetched_once_at_a_time(ask, host, unfetched, downloads):
    lost = told(unfetched)[-1]["id"]
    downloads("slow")
    asked_for = len(host.simulator.requests())
    answers = []
    first = threading.Thread(target=lambda: answers.append(ask(f"/results/{lost}/fetch", "POST")))
    first.start()
    end = time.monotonic() + 30
    while len(host.simulator.requests()) == asked_for and time.monotonic() < end:
        time.sleep(0.02)
    assert ask(f"/results/{lost}/fetch", "POST").refusal == (409, "pending")
    assert ask("/status").status == 200  # nothing else waits for it
    downloads("")
    first.join(90)
    assert [answer.json["state"] for answer in answers] == ["saved"]


def test_a_picture_whose_file_is_gone_is_fetched_again(ask, host, generate, save, vault):
    run = host.run({"1": generate("deleted by hand", count="2"), "2": save("1")})
    deleted = told(run)[0]["id"]
    (path, _) = [file.path for file in vault.result(deleted).files]
    data = path.read_bytes()
    path.unlink()
    for what in ("", "/thumbnail"):
        assert ask(f"/results/{deleted}/pictures/0{what}").refusal == (404, "no_image")
    assert ask(f"/results/{deleted}").json["stored"] == [1]
    assert ask(f"/results/{deleted}/fetch", "POST").json["stored"] == [0, 1]
    assert path.read_bytes() == data


def test_the_load_node_tells_what_it_fetches(host, unfetched, downloads, save):
    lost = told(unfetched)[-1]["id"]
    downloads("")
    loading = host.run({"1": {"class_type": "GPT4oImage_LoadResult", "inputs": {"result": lost}}, "2": save("1")})
    assert loading.failure is None
    assert told(loading) == [{"id": lost, "percent": None, "ended": True}]


# -- what is refused -----------------------------------------------------------------------------------

BAD_IDS = [
    "..%2f..%2fconfig.toml",
    "..",
    "%2e%2e",
    "%2Fetc%2Fpasswd",
    "..%5C..%5Cconfig.toml",
    "C:%5Cconfig.toml",
    "a.png",
    "a%00b",
    "%00",
    "a%0ab",
    "x" * 65,
    "x" * 4000,
    quote("\u732b"),
    quote("\uff11\uff12"),
    "%ff%fe",
    "-",
    "%27%20OR%201%3D1--",
    "%25",
]


@pytest.mark.parametrize("path", [*OF_A_RESULT, "/fetch"])
@pytest.mark.parametrize("bad", BAD_IDS)
def test_an_id_that_is_none(ask, bad, path):
    answer = ask(f"/results/{bad}{path}", "POST" if path == "/fetch" else "GET")
    assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize("path", ["/results/../../config.toml", "/results/%2e%2e/../config.toml", "/config.toml", "/"])
def test_a_path_that_leads_elsewhere(ask, path):
    assert ask(path).status in (400, 403, 404)


@pytest.mark.parametrize("path", [*OF_A_RESULT, "/fetch"])
def test_an_id_that_nobody_knows(ask, path):
    answer = ask(f"/results/20200101-000000-000000{path}", "POST" if path == "/fetch" else "GET")
    assert answer.refusal == (404, "unknown")


@pytest.mark.parametrize("number", ["2", "99", "100000000000000"])
def test_a_picture_that_the_result_has_not(ask, made, number):
    for what in ("", "/thumbnail"):
        assert ask(f"/results/{made}/pictures/{number}{what}").refusal == (404, "unknown")


@pytest.mark.parametrize("number", ["-1", "0.5", "x", "0x0", "%20", "..%2f0", "9" * 16, quote("\uff11"), "0%00"])
def test_a_picture_number_that_is_none(ask, made, number):
    for what in ("", "/thumbnail"):
        assert ask(f"/results/{made}/pictures/{number}{what}").refusal == (400, "bad_request")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=1e2", "limit=x", "before=-1", "before=x", f"before={9 * 10**18}",
     "state=gone", "state=saved%27", f"text={'x' * 201}", "limit=%ff", "text=%00"],
)  # fmt: skip
def test_a_list_that_cannot_be(ask, query):
    assert ask(f"/results?{query}").refusal == (400, "bad_request")


@pytest.mark.parametrize("query", ["text=%ff", "text=%25", "text=%ed%a0%80", "text='%20OR%201--", "before=0"])
def test_an_odd_list_that_is_empty(ask, query):
    assert ask(f"/results?{query}").json["results"] == []


def test_latest_cannot_be_fetched(ask):
    assert ask("/results/latest/fetch", "POST").refusal == (400, "bad_request")


STRANGERS = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "https://example.org"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "null"},
    {"Origin": "null", "Sec_Fetch_Site": "same-origin"},
    {"Origin": "http://"},
    {"Origin": "file://"},
]


def asked_by_strangers(ask, result, strangers=STRANGERS):
    for stranger in strangers:
        for path in [*WHOLE, *(f"/results/{result}{path}" for path in OF_A_RESULT)]:
            yield path, stranger, ask(path, **stranger)
        path = f"/results/{result}/fetch"
        yield path, stranger, ask(path, "POST", **stranger)


def test_other_origins_are_refused(ask, made):
    answers = list(asked_by_strangers(ask, made))
    assert [(path, who) for path, who, answer in answers if answer.status != 403] == []


def test_the_page_itself_is_not_refused(ask, made, host):
    own = {"Origin": host.server.origin, "Sec_Fetch_Site": "same-origin"}
    for path in [*WHOLE, *(f"/results/{made}{path}" for path in OF_A_RESULT)]:
        assert ask(path, **own).status == 200
        assert ask(path, Sec_Fetch_Site="none").status == 200
    assert ask(f"/results/{made}/fetch", "POST", **own).status == 200


def test_wrong_methods_are_refused(ask, made, vault):
    before = vault.result(made)
    reading = [*WHOLE, *(f"/results/{made}{path}" for path in OF_A_RESULT)]
    tried = [(path, method) for path in reading for method in ("POST", "PUT", "PATCH", "DELETE")]
    tried += [(f"/results/{made}/fetch", method) for method in ("GET", "PUT", "PATCH", "DELETE")]
    for path, method in tried:
        assert ask(path, method).status in (404, 405), (path, method)
    assert vault.result(made) == before


def test_a_file_that_is_no_picture_is_not_served(ask, vault, host):
    entry = recorded(vault)
    vault.add_links(entry, [Picture(0, f"{host.simulator.origin}/cdn/never.png", "a")])
    vault.add_file(entry, 0, b"<html><script>alert(1)</script>", None)
    for what in ("", "/thumbnail"):
        assert ask(f"/results/{entry}/pictures/0{what}").refusal == (404, "no_image")
    vault.add_file(entry, 1, b"\x89PNG\r\n\x1a\n and then nothing", None)
    assert ask(f"/results/{entry}/pictures/1/thumbnail").refusal == (404, "no_image")


def test_a_link_that_holds_the_picture_itself_is_not_listed(ask, vault):
    entry = recorded(vault)
    vault.add_links(
        entry, [Picture(0, "data:image/png;base64," + "A" * 1000, "a"), Link("https://h.test/a.png", "", 1)]
    )
    assert ask(f"/results/{entry}").json["links"] == [["https://h.test/a.png"]]


# -- many at once --------------------------------------------------------------------------------------


def test_many_thumbnails_at_once_need_few_threads(ask, vault, host):
    """Each is a picture of its own, so that none comes from memory."""
    process = Path(f"/proc/{host.server._process.pid}/task")
    if not process.exists():
        pytest.skip("threads are counted in /proc")
    count, entry = 60, recorded(vault)
    for number in range(count):
        out = io.BytesIO()
        Image.new("RGB", (1500, 1000), (number, 0, 0)).save(out, "PNG", compress_level=0)
        vault.add_file(entry, number, out.getvalue(), None)

    def threads():
        return len(list(process.iterdir()))

    ask("/status")
    before, most, answers = threads(), 0, []
    asking = [
        threading.Thread(target=lambda n=n: answers.append(ask(f"/results/{entry}/pictures/{n}/thumbnail")))
        for n in range(count)
    ]
    for each in asking:
        each.start()
    while any(each.is_alive() for each in asking):
        most = max(most, threads())
        time.sleep(0.01)
    assert [answer.status for answer in answers] == [200] * count
    assert most - before <= 8


# -- servers of other kinds ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_home(tmp_path_factory):
    return tmp_path_factory.mktemp("other_home")


@pytest.fixture(scope="module")
def other(comfyui, simulator, other_home, pack_root, key):
    """A ComfyUI that lets other origins in and keeps no metadata, with this pack installed twice."""
    env = {"GPT4O_IMAGE_HOME": str(other_home), "GPT4O_IMAGE_BASE_URL": simulator.base_url, "AIHUBMIX_API_KEY": key}
    packs = {"gpt4o-image": pack_root, "gpt4o-image-again": pack_root}
    arguments = ["--enable-cors-header", "--disable-metadata"]
    with HeadlessComfyUI(comfyui, packs, env=env, arguments=arguments) as server:
        yield server


@pytest.fixture
def ask_other(other, key, other_home):
    return Client(other, [key, str(other_home), str(Path.home())])


@pytest.fixture
def config_file(other_home):
    """The config file, gone again afterwards."""
    path = other_home / "config.toml"
    yield path
    path.unlink(missing_ok=True)


def test_an_empty_vault_is_no_problem(ask_other, other_home):
    assert not (other_home / "vault").exists()
    status = ask_other("/status").json
    assert (status["total"], status["spent_usd"], status["problem"]) == (0, 0, None)
    assert ask_other("/results").json == {"results": [], "total": 0, "next": None}
    assert ask_other("/results/latest").refusal == (404, "unknown")
    assert ask_other("/results/latest/pictures/0").refusal == (404, "unknown")
    assert not (other_home / "vault").exists()


def test_no_folder_and_no_key_is_told(ask_other, other_home, key):
    """What an error or a warning says is told without them; the client looks at every answer."""
    secret = f"{other_home}/vault/files/a.png, {other_home}, {Path.home()}/x: the key {key} is wrong"
    word = uuid.uuid4().hex
    told = recorded(Vault(other_home / "vault"), word, kind="upstream", message=secret, gateway_text=secret)
    assert "the key *** is wrong" in ask_other(f"/results/{told}").json["gateway_text"]
    assert "the key *** is wrong" in ask_other(f"/results?text={word}").json["results"][0]["message"]
    assert ask_other(f"/results/{told}/fetch", "POST").status == 200


def test_other_origins_are_refused_where_comfyui_lets_them_in(ask_other, other):
    assert ask_other.raw("/system_stats", Origin="https://example.org", Sec_Fetch_Site="cross-site").status == 200
    strangers = [*STRANGERS, {"Origin": "http://[::1"}]  # at the last one ComfyUI's own check gives up
    answers = list(asked_by_strangers(ask_other, "latest", strangers))
    assert [(path, who) for path, who, answer in answers if answer.refusal != (403, "other_origin")] == []


def test_without_metadata_no_graph_is_kept(other, ask_other, generate, save):
    prompt = {"1": generate("without metadata"), "2": save("1")}
    entry = other.wait(other.submit(prompt, workflow=a_workflow()))
    assert entry["status"]["status_str"] == "success"
    assert ask_other("/results/latest").json["has_graph"] is False
    assert ask_other("/results/latest/graph").refusal == (404, "no_graph")


def test_a_broken_config_file_breaks_nothing_else(other, ask_other, config_file):
    config_file.write_text("timeout_s = [")
    config_file.chmod(0o600)
    problem = ask_other("/status").json["problem"]
    assert problem["kind"] == "config"
    assert problem["message"].startswith("config.toml: line 1, column")
    assert ask_other("/results").status == 200  # what was paid for is shown all the same
    assert any(not each["ok"] and "config.toml" in each["text"] for each in ask_other("/check").json["findings"])
    still_there(other)


def test_a_budget_is_told(ask_other, config_file):
    config_file.write_text("daily_budget_usd = 1.5")
    config_file.chmod(0o600)
    assert ask_other("/status").json["daily_budget_usd"] == 1.5


def test_a_broken_vault_breaks_nothing_else(other, ask_other, other_home):
    index = other_home / "vault" / "vault.sqlite3"
    index.parent.mkdir(exist_ok=True)
    whole = index.read_bytes() if index.exists() else None
    for beside in index.parent.glob("vault.sqlite3-*"):
        beside.unlink()
    index.write_bytes(b"not a database" * 1000)
    try:
        problem = ask_other("/status").json["problem"]
        assert problem["kind"] == "config"
        assert "cannot be read" in problem["message"]
        for path in ["/results", *(f"/results/latest{path}" for path in OF_A_RESULT)]:
            assert ask_other(path).refusal == (503, "config")
        assert ask_other("/results/20200101-000000-000000/fetch", "POST").refusal == (503, "config")
        still_there(other)
    finally:
        index.unlink() if whole is None else index.write_bytes(whole)


def still_there(server):
    """ComfyUI and the nodes."""
    assert server.system_stats()["system"]
    assert "GPT4oImage_Generate" in server.object_info("GPT4oImage_Generate")


@pytest.fixture(scope="module")
def entered(comfyui, pack_root, tmp_path_factory):
    """What the entrypoint did where the server is another one."""
    probe = Path(__file__).with_name("routes_probe.py")
    folder = tmp_path_factory.mktemp("probe")
    done = subprocess.run(
        [comfyui.python, "-B", probe, comfyui.path, pack_root],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "GPT4O_IMAGE_HOME": str(folder)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


NODES = ["Generate", "ImagesAPI", "PrepareReferences", "LoadResult", "Prompts"]


def test_the_routes_are_added_once_however_often_comfyui_asks(entered):
    routes = entered["twice"]["routes"]
    assert len(routes) == len(set(routes)) == 15
    posts = {route.removeprefix("POST /gpt4o_image") for route in routes if not route.startswith("GET ")}
    assert posts == {"/results/{id}/fetch", "/quote", "/queue/send", "/queue/run_ahead"}
    assert entered["twice"]["nodes"] == [NODES] * 3
    assert entered["twice"]["warnings"] == []


def test_a_server_without_routes_costs_one_warning(entered):
    assert entered["no_routes"]["nodes"] == [NODES]
    (warning,) = entered["no_routes"]["warnings"]
    assert "no routes for the browser side" in warning


def test_nodes_without_a_server_are_nodes(entered):
    assert entered["no_instance"] == {"nodes": [NODES], "warnings": []}


# -- the key, and what a run costs ---------------------------------------------------------------------


def test_a_browser_of_this_computer_is_shown_how_to_set_the_key(host, gateway_home):
    ask = Client(host.server, [])
    made = ask("/key_setup?gateway=without_key").json
    assert made["config_path"] == str(gateway_home / "config.toml")
    assert made["lines"] == '[profiles.without_key]\napi_key = "sk-..."\n'
    assert str(host.server.comfyui.python) in made["command"]
    assert made["command"].endswith(" key set --gateway without_key")
    assert f"GPT4O_IMAGE_HOME={gateway_home} " in made["command"]
    assert made["get_key"] is None
    assert ask("/key_setup").json["get_key"].startswith("https://aihubmix.com/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "comfy.example:8188"},
        {"X_Forwarded_For": "203.0.113.5"},
        {"Forwarded": "for=203.0.113.5"},
        {"Via": "1.1 x"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_other_computer_is_shown_a_folder(ask, headers):
    assert ask("/key_setup", **headers).status == 403


def priced(host, graph):
    request = urllib.request.Request(
        f"{host.server.origin}/gpt4o_image/quote",
        json.dumps({"graph": graph}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
        return json.load(response)["nodes"]


def test_a_graph_is_priced_and_what_the_vault_has_costs_nothing_again(host, generate, save):
    graph = {"1": generate("to be priced", count="1"), "2": save("1")}
    assert priced(host, graph) == {"1": {"calls": 1, "in_vault": 0, "price_usd": 0.009}}
    assert host.run(graph).failure is None
    assert priced(host, graph) == {"1": {"calls": 1, "in_vault": 1, "price_usd": 0.009}}
    graph["1"]["inputs"] |= {"model": "gpt-4o-image", "gateway": "without_key"}
    assert priced(host, graph) == {"1": {"calls": 1, "in_vault": 0, "price_usd": 0.005}}
    graph["1"]["inputs"]["gateway"] = "simulator"
    assert priced(host, graph)["1"]["price_usd"] == 0


def test_a_list_is_priced_by_its_calls_and_equal_ones_once(host, generate):
    text = f"a {uuid.uuid4().hex}\nb\nb"
    source = {"class_type": "GPT4oImage_Prompts", "inputs": {"text": text, "file": "text"}}
    graph = {"1": generate("", prompt=["list", 0]), "list": source}
    assert priced(host, graph)["1"]["calls"] == 2


def test_what_is_known_only_when_it_runs_has_a_price_and_no_number(host, generate):
    graph = {"1": generate("x", **{"references.image_01": ["elsewhere", 0]})}
    assert priced(host, graph) == {"1": {"calls": None, "in_vault": None, "price_usd": 0.009}}
    graph = {"1": generate("x", gateway="no such gateway")}
    assert priced(host, graph) == {"1": {"calls": None, "in_vault": None, "price_usd": None}}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"graph": [1]}', b'{"graph": {"1": {"class_type": 1}}}'])
def test_what_is_no_graph_is_refused(host, body):
    connection = http.client.HTTPConnection(urlsplit(host.server.origin).netloc, timeout=30)
    connection.request("POST", "/gpt4o_image/quote", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert (response.status, json.load(response)["error"]["kind"]) == (400, "bad_request")
    connection.close()


# -- out of the vault ------------------------------------------------------------------------------------


def test_several_results_are_one_zip(ask, made, vault):
    answer = ask(f"/zip?ids={made}")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="gpt-4o-image.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert [archive.read(name) for name in archive.namelist()] == [
        file.path.read_bytes() for file in vault.result(made).files
    ]


@pytest.mark.parametrize("ids", ["", "..", "a,,b", "x" * 65, ",".join(["a"] * 101)])
def test_what_are_no_ids_is_no_zip(ask, ids):
    assert ask(f"/zip?ids={ids}").refusal == (400, "bad_request")


def test_a_zip_of_what_is_not_there(ask, made):
    assert ask(f"/zip?ids={made},20200101-000000-000000").refusal == (404, "unknown")


def test_the_last_thirty_days(ask, made, vault):
    days = ask("/spend").json["days"]
    assert len(days) == 30
    assert days[-1] == pytest.approx(vault.spent_today())
