"""The first production deployment for real: data and files come over, the worker dies, and all goes back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.deck import Deck

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

CUSTOMERS = 20_000
FILES = 12


@pytest.fixture
def source(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "app.sqlite")) as lite, lite:
        lite.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, picture TEXT)")
        rows = ((n, f"c{n}", f"uploads/é {n}.txt" if n < FILES else None) for n in range(CUSTOMERS))
        lite.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    for number in range(FILES):
        (uploads / f"é {number}.txt").write_text(f"file {number}")
    return tmp_path


def ask(deck: Deck, statement: str) -> Any:
    address = next(deck.home.rglob("staging-database-url")).read_text().strip()
    with psycopg.connect(address) as target:
        answer = target.execute(statement.encode())
        return answer.fetchone() if answer.description else None


class TestGivenAProductInAFile:
    def test_when_it_is_switched_over_and_taken_back_then_no_row_is_lost_on_either_way(self, idle: Deck, source: Path):
        told = ("--from", str(source / "app.sqlite"), "--files", str(source / "uploads"), "--release", "v1.1")
        told = (*told, "--rewrite", "customers.picture", "--public")
        planned = idle("switch-over", "staging", *told, "--dry-run", "--format", "json")

        running = idle.begin("switch-over", "staging", *told, "--yes", "--wait", "--format", "json")
        running.wait_for("▶ Bring app.sqlite")
        running.wait_for("… ")
        idle.kill_worker()
        with closing(sqlite3.connect(source / "app.sqlite")) as lite, lite:
            lite.execute("INSERT INTO customers VALUES (?, 'written meanwhile', NULL)", (CUSTOMERS,))
        ran = running.end()

        steps = {step["id"]: step for step in ran.json["steps"]}
        assert planned.code == 0, planned.err
        assert ran.code == 0, ran.err
        assert f"{CUSTOMERS + 1} rows in 1 tables, each the same on both sides" in steps["data.rest"]["detail"]
        assert steps["files.rest"]["detail"].startswith(f"{FILES} files, ")
        assert ask(idle, "SELECT count(*), max(id) FROM customers") == (CUSTOMERS + 1, CUSTOMERS)
        assert f"references rewritten: {FILES} of customers.picture" in steps["files.rest"]["detail"]
        with closing(sqlite3.connect(source / "app.sqlite")) as lite, pytest.raises(sqlite3.IntegrityError):
            lite.execute("INSERT INTO customers VALUES (-1, 'late', NULL)")
        picture = str(ask(idle, "SELECT picture FROM customers WHERE id = 1")[0])
        assert httpx.get(picture).text == "file 1"

        ask(idle, "INSERT INTO customers (name) VALUES ('new')")
        back = idle("rollback", "staging", "--wait", "--format", "json")

        saved = idle.home / "saved" / ran.json["id"] / "customers.jsonl"
        assert back.code == 0, back.err
        assert back.json["status"] == "rolled_back"
        assert json.loads(saved.read_text()) == {"id": CUSTOMERS + 1, "name": "new", "picture": None}
        assert ask(idle, "SELECT to_regclass('customers')") == (None,)
        with closing(sqlite3.connect(source / "app.sqlite")) as lite, lite:
            lite.execute("INSERT INTO customers VALUES (-1, 'late', NULL)")
