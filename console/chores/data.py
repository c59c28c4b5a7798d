"""Chores on data: a SQLite file into PostgreSQL, the rest of it later, the source closed and opened, all of it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.chores.databases import of_database
from console.chores.lines import Done, Failed
from console.chores.tasks import Asked, Outcome

if TYPE_CHECKING:
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
    """Prove that every row that the source has now is over there."""
    from console.transfer.data.run import connect_target, find_transfer, prove_now

    request = _request(asked)
    with connect_target(request.address) as target:
        transfer = str(asked.argument("transfer") or find_transfer(request, target))
        result = prove_now(request, target, transfer, _teller(asked))
    return _judge(asked, result, "rest")


def fence_source(asked: Asked) -> Outcome:
    """Let nobody write to the source any more."""
    from console.transfer.data.fence import fence

    tables = fence(_source(asked))
    return Done(f"{len(tables)} tables take no writes", {"tables": list(tables)})


def open_source(asked: Asked) -> Outcome:
    """Let the source be written to again."""
    from console.transfer.data.fence import unfence

    return Done("it takes writes again" if unfence(_source(asked)) else "it was not closed")


@of_database
def take_back(asked: Asked) -> Outcome:
    """Save what was written over there since, then leave nothing of the transfer there."""
    from console.transfer.data import taking_back
    from console.transfer.data.run import SNAPSHOT, connect_target, find_transfer

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
    from console.transfer.data.run import connect_target
    from console.transfer.data.taking_back import set_mark

    report = asked.folder / f"{name}.json"
    report.write_text(json.dumps(to_values(result), indent=1, ensure_ascii=False, default=str), encoding="utf-8")
    rows = sum(proof.target for proof in result.proofs)
    if not result.holds:
        wrong = [line.strip() for line in to_lines(result) if line.startswith(("✗", "  ")) and "→" not in line]
        return Failed(
            "What arrived is not what was sent, or something could not be made over there.",
            f"{report}\n" + "\n".join(wrong[:SHOWN]),
            "The report has all of it. Mend the source or decide with --rules, then begin again.",
        )
    if result.quarantined and not asked.argument("quarantine_ok", False):
        first = "; ".join(f"{one.table}.{one.column}: {one.reason}" for one in result.refused[:SHOWN])
        return Failed(
            f"{result.quarantined} rows have no place over there: {first}.",
            str(report),
            "Mend the source, decide with --rules, or go on without them with --quarantine-ok.",
        )
    with connect_target(asked.order.secrets["address"]) as target:
        mark = set_mark(target)
    left = f", {result.quarantined} in quarantine" if result.quarantined else ""
    detail = f"{rows} rows in {len(result.proofs)} tables, each the same on both sides{left}"
    outputs = {"transfer": result.transfer, "mark": mark, "rows": rows, "quarantined": result.quarantined}
    return Done(detail, {**outputs, "by_hand": list(result.by_hand), "report": str(report)})
