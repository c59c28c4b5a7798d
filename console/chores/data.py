"""Chores on data: a SQLite file into PostgreSQL, the rest of it later, the source closed and opened, all of it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.chores.databases import of_database
from console.chores.lines import Done, Failed
from console.chores.tasks import Asked, Outcome

if TYPE_CHECKING:
    from console.transfer.data.records import Refused
    from console.transfer.data.request import Progress, Request, Result

SHOWN = 5


@of_database
def load(asked: Asked) -> Outcome:
    """Bring everything over, proven row by row; go on where a run before was cut short."""
    from console.transfer.data.run import run

    result = run(_request(asked), told=_teller(asked), stopped=asked.stopped)
    return _judge(asked, result, "load")


@of_database
def rest(asked: Asked) -> Outcome:
    """Bring what the source has that is not over there, take away what it no longer has, and look again.

    Until people are served from over there the source is right: whoever tried a release out there wrote for nothing.
    """
    from console.transfer.data.increment import Increment, OnConflict, run_increment
    from console.transfer.data.run import SNAPSHOT
    from console.transfer.data.told import to_lines, to_values

    wanted = Increment(_request(asked), deletes=True, on_conflict=OnConflict.SOURCE)
    result = run_increment(wanted, told=_teller(asked), stopped=asked.stopped)
    report = asked.folder / "rest.json"
    _write(report, to_values(result))
    if not result.holds:
        told = "\n".join(list(to_lines(result))[:SHOWN])
        return Failed(
            "The two sides are not alike.", f"{report}\n{told}", "Mend what the report names, then begin again."
        )
    if result.quarantined and not asked.argument("quarantine_ok", False):
        return _quarantined(result.quarantined, result.refused, report)
    (asked.folder / SNAPSHOT).unlink(missing_ok=True)
    rows = sum(table.rows for table in result.tables)
    detail = f"{result.written} rows followed; {rows} rows in {len(result.tables)} tables, each the same on both sides"
    outputs = {"mark": _mark(asked), "rows": rows, "written": result.written, "quarantined": result.quarantined}
    return Done(detail, {**outputs, "report": str(report)})


@of_database
def take_back(asked: Asked) -> Outcome:
    """Save what was written over there since, then leave nothing of the transfer there."""
    from console.transfer.connecting import connect_target
    from console.transfer.data import taking_back
    from console.transfer.data.run import SNAPSHOT, find_transfer

    request, saved, mark = _request(asked), Path(asked.argument("saved")), str(asked.argument("mark") or "")
    with connect_target(request.address) as target:
        transfer = str(asked.argument("transfer") or find_transfer(request, target))
        back = taking_back.take_back(
            target, transfer, request.schema, mark, saved, lambda name, rows: asked.told("save", name, rows)
        )
    (request.work / SNAPSHOT).unlink(missing_ok=True)
    words = f"{len(back.tables)} tables dropped" if back.tables else "nothing of it is there"
    kept = ", ".join(f"{one.rows} of {one.table}" for one in back.saved)
    found = f"; rows written since are saved in {saved}: {kept}" if kept else ""
    outputs = {"tables": list(back.tables), "saved": {one.table: one.rows for one in back.saved}}
    return Done(words + found, {**outputs, "folder": str(saved) if kept else ""})


def _request(asked: Asked) -> Request:
    from console.transfer.data.request import Request
    from console.transfer.data.rules import load_rules

    rules = asked.argument("rules")
    return Request(
        _source(asked),
        asked.folder,
        asked.order.secrets["address"],
        str(asked.argument("schema", "public")),
        rules=load_rules(Path(rules)) if rules else {},
        keep_case=bool(asked.argument("keep_case", False)),
    )


def _source(asked: Asked) -> Path:
    return Path(asked.argument("source"))


def _teller(asked: Asked) -> Callable[[Progress], None]:
    return lambda told: asked.told(told.phase, told.about, told.rows, told.total)


def _judge(asked: Asked, result: Result, name: str) -> Outcome:
    from console.transfer.data.report import to_lines, to_values

    report = asked.folder / f"{name}.json"
    _write(report, to_values(result))
    rows = sum(proof.target for proof in result.proofs)
    if not result.holds:
        wrong = [line.strip() for line in to_lines(result) if line.startswith(("✗", "  ")) and "→" not in line]
        return Failed(
            "What arrived is not what was sent, or something could not be made over there.",
            f"{report}\n" + "\n".join(wrong[:SHOWN]),
            "The report has all of it. Mend the source or decide with --rules, then begin again.",
        )
    if result.quarantined and not asked.argument("quarantine_ok", False):
        return _quarantined(result.quarantined, result.refused, report)
    left = f", {result.quarantined} in quarantine" if result.quarantined else ""
    detail = f"{rows} rows in {len(result.proofs)} tables, each the same on both sides{left}"
    outputs = {"transfer": result.transfer, "mark": _mark(asked), "rows": rows, "quarantined": result.quarantined}
    return Done(detail, {**outputs, "by_hand": list(result.by_hand), "report": str(report)})


def _quarantined(count: int, refused: Sequence[Refused], report: Path) -> Failed:
    first = "; ".join(f"{one.table}.{one.column}: {one.reason}" for one in refused[:SHOWN])
    return Failed(
        f"{count} rows have no place over there: {first or 'the report names them'}.",
        str(report),
        "Mend the source, decide with --rules, or go on without them with --quarantine-ok.",
    )


def _mark(asked: Asked) -> str:
    from console.transfer.connecting import connect_target
    from console.transfer.data.taking_back import set_mark

    with connect_target(asked.order.secrets["address"]) as target:
        return set_mark(target)


def _write(report: Path, values: object) -> None:
    report.write_text(json.dumps(values, indent=1, ensure_ascii=False, default=str), encoding="utf-8")
