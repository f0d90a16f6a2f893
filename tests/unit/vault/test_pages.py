"""A page of the vault: filters, paging, and that its cost does not grow with the number of rows."""

import sqlite3
import time

import pytest
from only_sqlite import only_sqlite

from gpt4o_image.urls import Link, Picture
from gpt4o_image.vault.pages import Wanted
from gpt4o_image.vault.results import SILENT_S
from gpt4o_image.vault.vault import NewResult

ADDRESS = "https://host.test/cdn/a.png"
ERROR = {"kind": "refused", "message": "no"}


def add(vault, prompt="a fox", *found, file=False, error=None, ended=True):
    """A call in the vault, its id."""
    new = NewResult(prompt, "aihubmix", "gpt-4o-image-vip", prompt, 0.009)
    result = vault.claim(new, reuse=False, daily_budget_usd=None).result
    vault.add_links(result.id, found)
    if file:
        vault.add_file(result.id, 0, b"bytes", ADDRESS)
    if ended:
        vault.finish(result.id, billed="yes", cost_usd=0.009, error=error, details={})
    return result.id


def ids(vault, **wanted):
    page = vault.page(Wanted(**{"limit": 100} | wanted))
    found = [result.id for result in page.results]
    assert page.total == len(found)
    return found


def test_a_vault_that_is_not_there_is_an_empty_page(vault):
    page = vault.page(Wanted(10, text="fox", state="saved"))
    assert (page.results, page.total, page.next) == ((), 0, None)
    assert not vault.folder.exists()


@pytest.mark.parametrize("filters", [{}, {"text": "fox"}, {"state": "failed"}])
def test_pages_follow_each_other_to_the_end(vault, filters):
    made = [add(vault, f"fox {n}", error=ERROR) for n in range(7)]
    seen, before = [], None
    for expected in (3, 3, 1):
        page = vault.page(Wanted(3, before, **filters))
        assert (len(page.results), page.total) == (expected, 7)
        seen += [result.id for result in page.results]
        before = page.next
    assert before is None
    assert seen == made[::-1]


def test_the_last_page_may_be_full(vault):
    for n in range(4):
        add(vault, f"fox {n}")
    first = vault.page(Wanted(2))
    assert first.next == first.results[-1].number
    assert vault.page(Wanted(2, first.next)).next is None


def test_a_page_stays_where_it_is_while_new_results_come(vault):
    made = [add(vault, f"fox {n}") for n in range(4)]
    first = vault.page(Wanted(2))
    add(vault, "newer")
    assert [result.id for result in vault.page(Wanted(2, first.next)).results] == made[1::-1]


def test_every_word_must_be_in_the_prompt(vault):
    both, one = add(vault, "A Fox in the fog"), add(vault, "a fox at home")
    assert ids(vault, text="fox") == [one, both]
    assert ids(vault, text="  FOG\tfox ") == [both]
    assert ids(vault, text="fog home") == []
    assert ids(vault, text=" ") == [one, both]


@pytest.mark.parametrize("special", ["100%", "snake_case", "back\\slash", "it's", '"quoted"', "[a-z]", "*"])
def test_what_is_special_to_sql_is_meant_as_it_is_written(vault, special):
    as_written = add(vault, f"before {special} after")
    add(vault, "100x snakeXcase backslash its quoted a")
    assert ids(vault, text=special) == [as_written]


def test_other_scripts_are_found(vault):
    cat = add(vault, "\u732b\u306e\u7d75")
    assert ids(vault, text="\u306e\u7d75") == [cat]


@pytest.fixture
def of_each_state(vault):
    return {
        "saved": [add(vault, "a", Picture(0, ADDRESS, ""), file=True), add(vault, "b", file=True, error=ERROR)],
        "links": [add(vault, "c", Picture(0, ADDRESS, ""), error=ERROR), add(vault, "d", Link(ADDRESS, "", 0))],
        "failed": [add(vault, "e", error=ERROR), add(vault, "f", Link("https://host.test/policy", "read", 0))],
        "running": [add(vault, "g", ended=False), add(vault, "h", Picture(0, ADDRESS, ""), file=True, ended=False)],
    }


def test_each_state_by_itself(vault, of_each_state):
    for state, expected in of_each_state.items():
        assert ids(vault, state=state) == expected[::-1], state


@pytest.mark.parametrize("sign", [1, -1], ids=["later", "after the clock was set back"])
def test_a_silent_process_is_dead(vault, of_each_state, monkeypatch, own_clock, sign):
    bare, with_file = of_each_state["running"]
    later = time.time() + sign * (SILENT_S + 1)
    monkeypatch.setattr(time, "time", lambda: later)
    assert ids(vault, state="running") == []
    assert bare in ids(vault, state="failed")
    assert with_file in ids(vault, state="saved")


def test_text_and_state_together(vault, of_each_state):
    assert ids(vault, state="failed", text="e") == [of_each_state["failed"][0]]


@pytest.fixture
def statements(monkeypatch):
    """Every statement that SQLite is given from here on."""
    heard = []
    connect = sqlite3.connect

    def traced(*args, **kwargs):
        db = connect(*args, **kwargs)
        db.set_trace_callback(heard.append)
        return db

    monkeypatch.setattr("gpt4o_image.vault.sqlite.sqlite3.connect", traced)
    return heard


READS = {
    "page": lambda vault: vault.page(Wanted(100)),
    "text": lambda vault: vault.page(Wanted(100, text="fox")),
    "state": lambda vault: vault.page(Wanted(100, state="links")),
    "results": lambda vault: vault.results(),
    "loadable": lambda vault: vault.loadable(100),
}


@only_sqlite
@pytest.mark.parametrize("read", READS)
def test_many_rows_take_no_more_queries_than_one(vault, statements, read):
    counts = []
    for _ in range(2):
        for n in range(20 if counts else 1):
            add(vault, f"fox {n}", Picture(0, ADDRESS, ""), Link(ADDRESS + "?x", "get", 1))
        statements.clear()
        READS[read](vault)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@only_sqlite
@pytest.mark.parametrize("read", READS)
def test_no_query_walks_through_the_tables_beside_the_results(vault, statements, read):
    """Only through `results`; links, files and graphs are looked up by their keys."""
    for n in range(20):
        add(vault, f"fox {n}", Picture(0, ADDRESS, ""))
    statements.clear()
    READS[read](vault)
    queries = [statement for statement in statements if statement.startswith("SELECT") and "FROM results" in statement]
    queries += [statement for statement in statements if statement.startswith("SELECT * FROM")]
    assert queries
    db = sqlite3.connect(vault.folder / "vault.sqlite3")
    plan = [row[3] for query in queries for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert plan
    assert [
        step for step in plan if step.startswith("SCAN") and not step.startswith(("SCAN results", "SCAN json_each"))
    ] == []
    assert [step for step in plan if "TEMP B-TREE" in step] == []
