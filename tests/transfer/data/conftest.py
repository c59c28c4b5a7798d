"""A SQLite file made in the test, and what became of it in a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.transfer.data.choosing import ColumnRule
from console.transfer.data.request import Request, Result
from console.transfer.data.run import run


@dataclass
class Journey:
    """One file on its way."""

    folder: Path
    dsn: str

    @property
    def file(self) -> Path:
        return self.folder / "source.db"

    def write(self, script: str, *rows: tuple[str, tuple[Any, ...]]) -> None:
        """Put something into the file."""
        with closing(sqlite3.connect(self.file)) as lite, lite:
            lite.executescript(script)
            for statement, values in rows:
                lite.execute(statement, values)

    def request(self, rules: dict[tuple[str, str], ColumnRule] | None = None, **more: Any) -> Request:
        return Request(self.file, self.folder / "work", self.dsn, rules=rules or {}, **more)

    def go(self, rules: dict[tuple[str, str], ColumnRule] | None = None, **more: Any) -> Result:
        """Transfer it; every row must be accounted for, whatever happened to it."""
        result = run(self.request(rules, **more))
        for proof in result.proofs:
            assert proof.source == proof.target + proof.quarantined, proof
            assert not proof.differences, proof
        return result

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is over there."""
        with psycopg.connect(self.dsn) as target:
            return target.execute(query.encode()).fetchall()

    def run(self, script: str) -> None:
        """Do something over there, as somebody else would."""
        with psycopg.connect(self.dsn) as target:
            target.execute(script.encode())

    def type_of(self, table: str, column: str) -> str:
        query = (
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
        )
        return str(self.rows(query)[0][0])


@pytest.fixture(scope="session")
def transfers_dsn(postgres_dsn: str) -> str:
    """A database of these tests alone."""
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE transfers")
    return make_conninfo(postgres_dsn, dbname="transfers")


@pytest.fixture
def journey(tmp_path: Path, transfers_dsn: str) -> Journey:
    """A database with nothing in it."""
    with psycopg.connect(transfers_dsn, autocommit=True) as target:
        target.execute("DROP SCHEMA IF EXISTS quarterdeck CASCADE")
        target.execute("DROP SCHEMA public CASCADE")
        target.execute("CREATE SCHEMA public")
    return Journey(tmp_path, transfers_dsn)


@pytest.fixture
def column(journey: Journey) -> Callable[..., tuple[Journey, Result]]:
    """Send one column of a declared type with these values, and look what became of it."""

    def send(declared: str, *values: Any, **more: Any) -> tuple[Journey, Result]:
        rows = [("INSERT INTO t (v) VALUES (?)", (value,)) for value in values]
        journey.write(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})", *rows)
        return journey, journey.go(**more)

    return send
