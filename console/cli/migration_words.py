"""Migrations in lines of text: how files stand, what the linter says, what would be run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from console.cli.words import counted, say_length, table
from console.migrations.findings import Finding, Severity
from console.migrations.forecast import Forecast
from console.migrations.lint import Linted
from console.migrations.scripts import Script
from console.migrations.standing import Row


def row_lines(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        yield "No migrations."
        return
    cells = [
        (row.version, row.name, row.state, row.verified or "–", say_length(row.seconds), row.who or "–", row.detail)
        for row in rows
    ]
    yield from table(("VERSION", "NAME", "STATE", "VERIFIED", "TOOK", "BY", ""), cells)


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"{one.file}:{one.line}: {one.severity.value}: {one.what} ({one.rule})"
        if one.remedy:
            yield f"    {one.remedy}"


def lint_lines(linted: Linted) -> Iterator[str]:
    yield from finding_lines(linted.findings)
    yield from (f"not run: {words}" for words in linted.not_run)
    counts = [one.severity for one in linted.findings]
    yield ", ".join(f"{counts.count(one)} {one.value}" for one in Severity)


def plan_lines(scripts: Sequence[Script], entries: Sequence[Forecast], linted: Linted, refusal: str) -> Iterator[str]:
    if not scripts:
        yield "Nothing to apply."
    for script in scripts:
        way = "one transaction" if script.is_whole else f"{len(script.pieces)} pieces, some outside of a transaction"
        yield f"{script.filename}: {counted(len(script.statements), 'statement')}, {way}"
        for one in entries:
            if one.file == script.filename:
                size = f"{one.rows:,} rows, {one.bytes / 1e6:,.1f} MB"
                yield f"  line {one.line}: {one.kind} on {', '.join(one.tables)} ({size})"
                yield f"    {one.lock}: stops {one.stops}; {one.work}, about {one.seconds:g} s"
    yield from lint_lines(linted)
    if refusal:
        yield f"Refused: {refusal}"
