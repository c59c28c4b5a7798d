"""A transfer that is taken back leaves nothing, and loses nothing that others wrote into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.domain.errors import ConsoleError
from console.transfer.connecting import connect_target
from console.transfer.data.taking_back import TakenBack, set_mark, take_back


@pytest.fixture
def moved(journey: Any) -> Any:
    journey.write(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, who INTEGER REFERENCES people, sum TEXT);"
        "INSERT INTO people VALUES (1, 'kim'), (2, 'ann'); INSERT INTO orders VALUES (1, 1, '2.50'), (2, 2, '3')"
    )
    return journey


def back(journey: Any, transfer: str, mark: str, folder: Path) -> TakenBack:
    with connect_target(journey.dsn) as target:
        return take_back(target, transfer, "public", mark, folder, lambda table, rows: None)


def mark_now(journey: Any) -> str:
    with connect_target(journey.dsn) as target:
        return set_mark(target)


def lines(path: str) -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


class TestGivenRowsThatOthersWroteSince:
    def test_when_taken_back_then_they_are_saved_and_nothing_is_left(self, moved: Any, tmp_path: Path) -> None:
        result = moved.go()
        mark = mark_now(moved)
        moved.run("INSERT INTO people (name) VALUES ('new'); UPDATE orders SET sum = '9' WHERE id = 2")

        found = back(moved, result.transfer, mark, tmp_path / "saved")

        saved = {one.table: lines(one.file) for one in found.saved}
        assert saved == {"people": [{"id": 3, "name": "new"}], "orders": [{"id": 2, "who": 2, "sum": "9"}]}
        assert moved.rows("SELECT to_regclass('people'), to_regclass('orders')") == [(None, None)]
        assert moved.rows("SELECT count(*) FROM quarterdeck.transfers") == [(0,)]
        assert moved.go().holds

    def test_when_asked_again_then_it_still_tells_what_was_saved(self, moved: Any, tmp_path: Path) -> None:
        result = moved.go()
        mark = mark_now(moved)
        moved.run("INSERT INTO people (name) VALUES ('new')")
        first = back(moved, result.transfer, mark, tmp_path / "saved")

        again = back(moved, result.transfer, mark, tmp_path / "saved")

        assert again == TakenBack((), first.saved)

    def test_when_nothing_was_written_then_nothing_is_saved(self, moved: Any, tmp_path: Path) -> None:
        result = moved.go()

        found = back(moved, result.transfer, mark_now(moved), tmp_path / "saved")

        assert found == TakenBack(("orders", "people"))
        assert not (tmp_path / "saved").exists()

    def test_when_there_is_no_mark_then_a_table_with_other_rows_is_saved_whole(
        self, moved: Any, tmp_path: Path
    ) -> None:
        result = moved.go()
        moved.run("INSERT INTO people (name) VALUES ('new')")

        found = back(moved, result.transfer, "", tmp_path / "saved")

        assert [(one.table, one.rows) for one in found.saved] == [("people", 3)]


class TestGivenSomethingThatNeedsTheTables:
    def test_when_taken_back_then_it_is_named_and_everything_stays(self, moved: Any, tmp_path: Path) -> None:
        result = moved.go()
        mark = mark_now(moved)
        moved.run("CREATE TABLE notes (who bigint REFERENCES people)")

        with pytest.raises(ConsoleError, match="notes"):
            back(moved, result.transfer, mark, tmp_path / "saved")

        assert moved.rows("SELECT count(*) FROM people") == [(2,)]
        moved.run("DROP TABLE notes")
