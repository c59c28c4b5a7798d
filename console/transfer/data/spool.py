"""The differences that a comparison found, on disk until somebody decides about them, so that memory does not grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from console.transfer.data.compare import Difference, RowDifference
from console.transfer.data.records import pack, unpack

AT_A_TIME = 5_000


@dataclass(frozen=True)
class Counted:
    """Differences of one table, in rows.

    Attributes:
        only_here: Not over there. `changed`: other values over there. `only_there`: not in the source.
        no_place: With a value that its column cannot hold.
        changed_touched: Of the changed ones, those that somebody else wrote since. `only_there_touched`: likewise.
    """

    only_here: int = 0
    changed: int = 0
    only_there: int = 0
    no_place: int = 0
    changed_touched: int = 0
    only_there_touched: int = 0

    @property
    def all(self) -> int:
        return self.only_here + self.changed + self.only_there + self.no_place


class Spool:
    """Differences by table; gone with the object."""

    def __init__(self) -> None:
        self._kept = sqlite3.connect("", isolation_level=None)  # a file without a name
        self._kept.execute(
            "CREATE TABLE kept (id INTEGER PRIMARY KEY,"
            " tab TEXT, kind TEXT, key TEXT, raw TEXT, there INT, touched INT)"
        )

    def close(self) -> None:
        self._kept.close()

    def add(self, table: str, differences: Iterable[RowDifference]) -> None:
        rows = (
            (
                table,
                one.kind,
                json.dumps(one.key),
                json.dumps([pack(value) for value in one.raw]),
                one.there,
                one.touched,
            )
            for one in differences
        )
        while batch := list(islice(rows, AT_A_TIME)):
            self._kept.execute("BEGIN")
            self._kept.executemany(
                "INSERT INTO kept (tab, kind, key, raw, there, touched) VALUES (?, ?, ?, ?, ?, ?)", batch
            )
            self._kept.execute("COMMIT")

    def count(self, table: str) -> Counted:
        counted: dict[tuple[str, bool], int] = {}
        query = "SELECT kind, touched, count(*) FROM kept WHERE tab = ? GROUP BY kind, touched"
        for kind, touched, rows in self._kept.execute(query, (table,)):
            counted[kind, bool(touched)] = rows

        def of(kind: Difference) -> int:
            return counted.get((kind, False), 0) + counted.get((kind, True), 0)

        return Counted(
            of(Difference.ONLY_HERE),
            of(Difference.CHANGED),
            of(Difference.ONLY_THERE),
            of(Difference.NO_PLACE),
            counted.get((Difference.CHANGED, True), 0),
            counted.get((Difference.ONLY_THERE, True), 0),
        )

    def first(self, table: str, limit: int) -> tuple[RowDifference, ...]:
        return tuple(islice(self._read("tab = ?", (table,)), limit))

    def batches(
        self, table: str, kinds: Sequence[Difference], size: int, *, touched: bool = True
    ) -> Iterator[list[RowDifference]]:
        """Of these kinds, in the order of their keys; also those that somebody else wrote, unless told otherwise."""
        places = ", ".join("?" * len(kinds))
        condition = f"tab = ? AND kind IN ({places})" + ("" if touched else " AND NOT touched")
        rows = self._read(condition, (table, *kinds))
        while batch := list(islice(rows, size)):
            yield batch

    def _read(self, condition: str, values: Sequence[str]) -> Iterator[RowDifference]:
        query = f"SELECT kind, key, raw, there, touched FROM kept WHERE {condition} ORDER BY id"
        for kind, key, raw, there, touched in self._kept.execute(query, values):
            own = tuple(map(unpack, json.loads(raw)))
            yield RowDifference(Difference(kind), tuple(json.loads(key)), own, bool(there), bool(touched))
