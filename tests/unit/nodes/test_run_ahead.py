"""Calls that are sent before their turn, with a queue and paid calls that the test moves by hand. Without ComfyUI."""

import importlib
import queue
import sys
import threading
import time
import types
from contextlib import contextmanager

import pytest

SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
WAIT_S = 10.0
LOOK_S = 0.02


@pytest.fixture(scope="module")
def pack(pack_root):
    """The modules, loaded inside a package of their own, as their relative imports need."""
    package = types.ModuleType("pack_of_run_ahead")
    package.__path__ = [str(pack_root)]
    sys.modules["pack_of_run_ahead"] = package
    names = {
        "host": "nodes.host",
        "run_ahead": "nodes.run_ahead",
        "generation": "gpt4o_image.generation",
        "errors": "gpt4o_image.errors",
        "events": "gpt4o_image.answer.events",
        "outcome": "gpt4o_image.outcome",
        "reload": "gpt4o_image.reload",
        "request": "gpt4o_image.request",
        "vault": "gpt4o_image.vault.vault",
        "run_events": "gpt4o_image.run_events",
    }
    modules = {short: importlib.import_module(f"pack_of_run_ahead.{name}") for short, name in names.items()}
    yield types.SimpleNamespace(**modules)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack_of_run_ahead"]:
        del sys.modules[name]


def is_ours(thread):
    return thread.name.startswith("gpt4o-image-")


def until(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class PaidCall:
    """One call of `generate`, which goes on when the test wants it to."""

    def __init__(self, pack, notify, cancelled):
        self._pack = pack
        self._end = queue.Queue()
        self.notify = notify
        self.cancelled = cancelled

    def wait(self):
        return self._end.get(timeout=WAIT_S)

    def send(self, result_id):
        self.notify(self._pack.run_events.Departing(result_id))

    def end(self, result_id=None, kind=None, pictures=()):
        error = self._pack.errors.GPT4oImageError(kind, "It failed.") if kind else None
        self._end.put(self._pack.outcome.Outcome("gpt-4o-image", pictures, error, result_id=result_id))


class World:
    """ComfyUI's queue and the gateway."""

    def __init__(self, pack, home):
        self._pack = pack
        self._home = home
        self.running, self.pending = [], []
        self.calls = {}
        self.left = []
        self.before_look = lambda: None

    def generate(self, request, gateway, config, environ, *, notify, cancelled, hosts):
        call = self.calls[request.prompt] = PaidCall(self._pack, notify, cancelled)
        return call.wait()

    def queue(self, *words):
        for word in words:
            graph = {"1": {"class_type": "GPT4oImage_Generate", "inputs": {"prompt": word}}, "save": SAVE}
            self.pending.append((len(self.pending), f"id of {word}", graph, {}, ["save"], {}))

    def items(self):
        found = list(self.running), list(self.pending)
        self.before_look()
        return found

    def config(self, text):
        self._home.mkdir(exist_ok=True)
        (self._home / "config.toml").write_text(text)
        (self._home / "config.toml").chmod(0o600)

    def send_queue_event(self, result_id=None):
        if result_id:
            self.left.append(result_id)


@pytest.fixture
def world(pack, tmp_path, monkeypatch):
    others = {*threading.enumerate()}  # of tests before
    world = World(pack, tmp_path / "home")
    monkeypatch.setattr(pack.host, "queue_items", world.items)
    monkeypatch.setattr(pack.host, "lazy_inputs", lambda _: set())
    monkeypatch.setattr(pack.host, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(pack.host, "keeps_metadata", lambda: False)
    monkeypatch.setattr(pack.host, "send_queue_event", world.send_queue_event)
    monkeypatch.setattr(pack.generation, "generate", world.generate)
    monkeypatch.setattr(pack.run_ahead, "_LOOK_S", LOOK_S)
    yield world
    world.pending.clear()
    for call in world.calls.values():
        call.end()
    until(lambda: not [each for each in threading.enumerate() if is_ours(each) and each not in others])


@pytest.fixture
def slots(pack):
    return pack.host.Slots()


@pytest.fixture
def ahead(pack, slots):
    return pack.run_ahead.RunAhead(slots)


@pytest.fixture
def turn(pack, ahead):
    """A node that runs for the prompt of that name: a context manager that gives the call sent ahead."""

    @contextmanager
    def of(word, run_ahead=0, request=None, pictures=()):
        config = pack.run_ahead.Config(pack.host.home() / "config.toml", run_ahead=run_ahead)
        request = request or pack.request.Request(word)
        with ahead.turn((f"id of {word}", "1", 0), request, "default", config) as turn:
            yield turn.ahead
            turn.outcome = pack.outcome.Outcome("gpt-4o-image", pictures)

    return of


def begun(world, *words):
    until(lambda: set(words) <= set(world.calls))


def nothing_more(world, *words):
    """Some looks at the queue later there are these calls and no others."""
    time.sleep(10 * LOOK_S)
    assert set(world.calls) == set(words)


def test_the_next_calls_are_sent_while_a_node_is_busy(world, ahead, turn):
    world.queue("a", "b", "c")
    with turn("first", run_ahead=2) as call:
        assert call is None
        begun(world, "a", "b")
        nothing_more(world, "a", "b")
        assert ahead.summary().sent == 2
    with turn("a", run_ahead=2) as call:
        assert call is not None
        begun(world, "c")


def test_nothing_is_sent_where_it_is_off_or_no_node_is_busy(world, ahead, turn):
    world.queue("a")
    with turn("first"):
        nothing_more(world)
    ahead.set_limit(3)
    nothing_more(world)
    assert (ahead.summary().waiting, ahead.summary().run_ahead) == (1, 3)


def test_the_browsers_limit_goes_before_the_config_files(world, ahead, turn):
    world.queue("a", "b")
    ahead.set_limit(1)
    with turn("first", run_ahead=2):
        begun(world, "a")
        nothing_more(world, "a")
        ahead.set_limit(0)
        begun(world, "b")


def test_send_now_sends_all_that_slots_allow(world, ahead, slots):
    world.config("max_parallel = 2\n")
    world.queue("a", "b", "c")
    assert ahead.send_now() == 3
    begun(world, "a", "b")
    nothing_more(world, "a", "b")
    world.calls["a"].end()
    begun(world, "c")
    assert ahead.summary().waiting == 0


def test_a_waiting_node_gets_a_free_slot_first(world, ahead, slots):
    world.config("max_parallel = 1\n")
    world.queue("a")
    entered, leave = threading.Event(), threading.Event()

    def node():
        with slots.one_of(1, lambda: False):
            entered.set()
            leave.wait(WAIT_S)

    with slots.one_of(1, lambda: False):
        waiting = threading.Thread(target=node)
        waiting.start()
        until(lambda: not slots.take_free(2) or slots.give_back())  # None of them is free for others once it waits
        ahead.send_now()
        nothing_more(world)
    assert entered.wait(WAIT_S)
    nothing_more(world)
    leave.set()
    begun(world, "a")
    waiting.join()


def test_the_node_takes_over_what_was_and_what_comes(pack, world, ahead, turn):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    paid = world.calls["a"]
    first, second = pack.events.Progress(11), pack.events.Progress(42)
    paid.send("id-a")
    paid.notify(first)
    paid.notify(second)
    heard, got = [], []
    with turn("a") as call:
        following = threading.Thread(target=lambda: got.append(call.follow(heard.append, lambda: False)))
        following.start()
        until(lambda: len(heard) == 2)
        paid.notify(pack.events.Progress(100))
        paid.end("id-a", kind="refused")
        following.join(WAIT_S)
    assert heard == [pack.run_events.Departing("id-a"), second, pack.events.Progress(100)]
    assert got[0].error.kind == "refused"
    assert world.left == []


@pytest.mark.parametrize("kind", ["budget", "config", None])
def test_where_nothing_was_sent_the_node_makes_its_own_call(world, ahead, turn, kind):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].end("earlier", kind=kind)
    with turn("a") as call:
        assert call.follow(lambda _: None, lambda: False) is None


def test_cancel_ends_the_call_that_was_taken_over_and_no_other(world, ahead, turn):
    world.queue("a", "b")
    ahead.send_now()
    begun(world, "a", "b")
    for word in "ab":
        world.calls[word].send(f"id-{word}")
    with turn("a") as call:
        following = threading.Thread(target=call.follow, args=(lambda _: None, lambda: True))
        following.start()
        until(world.calls["a"].cancelled)
        world.calls["a"].end("id-a", kind="cancelled")
        following.join(WAIT_S)
    assert not world.calls["b"].cancelled()


@pytest.mark.parametrize(
    ("megabytes", "on_disk", "reloaded"), [(10, True, False), (300, True, True), (300, False, False)]
)
def test_pictures_wait_in_memory_while_there_is_room(
    pack, world, ahead, turn, tmp_path, monkeypatch, megabytes, on_disk, reloaded
):
    """What is not on disk waits in memory in any case."""
    path = tmp_path / "picture"
    path.touch()
    pixels = types.SimpleNamespace(nbytes=megabytes << 20)
    picture = types.SimpleNamespace(
        data=b"", decoded=types.SimpleNamespace(pixels=pixels), path=path if on_disk else None
    )
    from_vault = types.SimpleNamespace(data=b"", decoded=picture.decoded, path=path)
    monkeypatch.setattr(pack.vault.Vault, "result", lambda _, result_id: types.SimpleNamespace(gateway="aihubmix"))
    outcome = pack.outcome.Outcome("gpt-4o-image", (from_vault,), reused=True)
    monkeypatch.setattr(pack.reload, "reload", lambda *_, **__: outcome)
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].send("id-a")
    world.calls["a"].end("id-a", pictures=(picture,))
    time.sleep(10 * LOOK_S)
    heard = []
    with turn("a") as call:
        got = call.follow(heard.append, lambda: False)
    assert got.pictures == ((from_vault if reloaded else picture),)
    assert not got.reused
    assert heard == [pack.run_events.Departing("id-a"), pack.run_events.Arrived(got.pictures[0])]


def test_a_prompt_that_is_gone_ends_a_call_that_was_not_sent(world, ahead):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.pending.clear()
    until(world.calls["a"].cancelled)
    assert (ahead.summary().sent, ahead.summary().left, world.left) == (0, (), [])


def test_a_prompt_that_is_gone_leaves_what_was_sent_to_the_vault(world, ahead):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].send("id-a")
    world.pending.clear()
    until(lambda: world.left)
    assert not world.calls["a"].cancelled()
    assert (ahead.summary().sent, ahead.summary().left, world.left) == (0, ("id-a",), ["id-a"])


def test_a_prompt_that_is_gone_ends_a_call_that_waits_for_the_gateways_limit(pack, world, ahead):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].send("id-a")
    world.calls["a"].notify(pack.run_events.Limited("a", 30.0))
    world.pending.clear()
    until(world.calls["a"].cancelled)
    assert world.left == []


def test_a_running_prompt_is_not_gone(world, ahead, turn):
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].send("id-a")
    world.running.append(world.pending.pop())
    time.sleep(10 * LOOK_S)
    with turn("a") as call:
        assert call is not None
    assert world.left == []


def test_a_node_that_begins_during_a_look_makes_its_call_itself(world, ahead, turn):
    """The look saw its prompt waiting; the slot that was taken for it is free again."""
    world.config("max_parallel = 1\n")
    world.queue("a")
    began = []

    def begin():
        if not began:
            node = turn("a", run_ahead=5)
            began.append(node)
            assert node.__enter__() is None

    world.before_look = begin
    ahead.send_now()
    nothing_more(world)
    began[0].__exit__(None, None, None)
    world.pending.clear()
    world.queue("b")
    ahead.send_now()
    begun(world, "b")


def test_equal_requests_are_sent_once_at_a_time_and_again_only_where_they_failed(world, ahead, turn):
    world.queue("a", "b")
    world.pending.append((9, "id of another", world.pending[0][2], {}, ["save"], {}))
    with turn("b", pictures=("a picture",)):
        assert ahead.summary().waiting == 1
    assert ahead.send_now() == 1
    begun(world, "a")
    world.calls["a"].send("id-a")
    world.calls.pop("a").end("id-a", kind="refused")
    nothing_more(world)
    assert ahead.summary().waiting == 0
    with turn("a"):
        assert ahead.summary().waiting == 0
    assert ahead.summary().waiting == 1
    assert ahead.send_now() == 1
    begun(world, "a")


def test_a_request_that_has_changed_is_not_taken_over(pack, world, ahead, turn):
    """A list's file may change while its prompt waits."""
    world.queue("a")
    ahead.send_now()
    begun(world, "a")
    world.calls["a"].send("id-a")
    with turn("a", request=pack.request.Request("another")) as call:
        assert call is None
    assert world.left == ["id-a"]


def test_a_file_that_changes_while_its_prompt_waits_is_read_again(pack, world, ahead, slots, tmp_path, monkeypatch):
    monkeypatch.setattr(pack.host, "input_folder", lambda: tmp_path)
    file = tmp_path / "prompts.txt"
    file.write_text("old\nkept\n")
    world.config("max_parallel = 2\n")
    world.queue("a")
    graph = world.pending[0][2]
    graph["list"] = {"class_type": "GPT4oImage_Prompts", "inputs": {"text": "", "file": "prompts.txt"}}
    graph["1"]["inputs"]["prompt"] = ["list", 0]
    with slots.one_of(2, lambda: False), slots.one_of(2, lambda: False):
        assert ahead.send_now() == 2
        file.write_text("new\nkept\n")
    begun(world, "new", "kept")
    nothing_more(world, "new", "kept")
    graph["list"]["inputs"]["file"] = "gone.txt"
    world.pending[0] = (0, "id of b", graph, {}, ["save"], {})
    assert ahead.summary().waiting == 0


def test_an_unknown_queue_turns_it_off_with_one_line(world, ahead, turn, caplog):
    world.pending.append({"prompt_id": "id of a"})
    for _ in range(3):
        with turn("first", run_ahead=5):
            time.sleep(0.05)
        assert ahead.summary().waiting == 0
    world.pending.clear()
    world.queue("a")
    with turn("first", run_ahead=5):
        nothing_more(world)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("GPT-4o Image sends no call ahead of its turn")


def test_a_host_that_names_no_prompt_turns_it_off(pack, world, ahead, caplog):
    world.queue("a")
    config = pack.run_ahead.Config(pack.host.home() / "config.toml", run_ahead=5)
    for _ in range(2):
        with ahead.turn(None, pack.request.Request("first"), "default", config):
            nothing_more(world)
    assert len(caplog.records) == 1


def test_a_broken_config_file_sends_nothing(world, ahead, turn):
    world.config("max_parallel = = 1\n")
    world.queue("a")
    with turn("first", run_ahead=5):
        nothing_more(world)


def test_the_summary_knows_prices(world, ahead, monkeypatch):
    monkeypatch.setenv("AIHUBMIX_API_KEY", "sk-test")
    world.queue("a", "b")
    assert (ahead.summary().waiting, ahead.summary().at_most_usd) == (2, 0.018)
    world.pending[0][2]["1"]["inputs"]["gateway"] = "simulator"
    ahead = type(ahead)(ahead._slots)
    assert ahead.summary().at_most_usd == 0.009
    monkeypatch.delenv("AIHUBMIX_API_KEY")
    assert ahead.summary().at_most_usd is None
