"""Items of one list side by side, without ComfyUI: a failure waits for the others and counts what is kept."""

import asyncio
import importlib
import sys
import types

import pytest


@pytest.fixture(scope="module")
def module(pack_root):
    """Loaded inside a package of its own, as its relative imports need."""
    package = types.ModuleType("pack_of_lists")
    package.__path__ = [str(pack_root)]
    sys.modules["pack_of_lists"] = package
    yield importlib.import_module("pack_of_lists.nodes.list_items")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack_of_lists"]:
        del sys.modules[name]


@pytest.fixture
def lists(module, monkeypatch):
    monkeypatch.setattr(module, "_START_S", 0)
    monkeypatch.setattr(module.host, "executing", lambda: ("prompt", "node", 0))
    return module.Lists()


@pytest.fixture
def error(module):
    return module.GPT4oImageError("refused", "no", billed="yes")


async def good(lists, release):
    with lists.item() as item:
        await release.wait()
        item.ended(kept=True)


async def bad(lists, error, order):
    with lists.item() as item:
        item.ended(kept=False)
        told = await item.after_the_others(error)
        order.append("error")
        return told


def test_a_failure_alone_is_told_as_it_is(lists, error):
    assert asyncio.run(bad(lists, error, [])) is error


def test_a_failure_waits_for_the_others_and_counts_them(lists, error):
    order = []

    async def run():
        release = asyncio.Event()
        goods = [asyncio.create_task(good(lists, release)) for _ in range(2)]
        bads = [asyncio.create_task(bad(lists, error, order)) for _ in range(2)]
        for _ in range(10):
            await asyncio.sleep(0)
        order.append("released")
        release.set()
        await asyncio.gather(*goods)
        return await asyncio.gather(*bads)

    for told in asyncio.run(run()):
        assert told.message.startswith("no\nOf the 3 others of this list, 2 have their pictures in the vault")
        assert (told.kind, told.billed) == ("refused", "yes")
    assert order == ["released", "error", "error"]


def test_an_item_that_is_cancelled_holds_nobody_up(lists, error):
    async def run():
        never = asyncio.create_task(good(lists, asyncio.Event()))
        waiting = asyncio.create_task(bad(lists, error, []))
        for _ in range(10):
            await asyncio.sleep(0)
        never.cancel()
        return await asyncio.wait_for(waiting, 5)

    assert "Of the 1 other of this list, 0 have" in asyncio.run(run()).message


def test_the_next_list_of_the_same_node_is_counted_anew(lists, error):
    asyncio.run(bad(lists, error, []))
    assert asyncio.run(bad(lists, error, [])) is error
