"""What became of a transfer of files, as lines for a person and as values for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from console.transfer.files import keys
from console.transfer.files.check import Letter
from console.transfer.files.journal import State
from console.transfer.files.request import MOST_DANGLING, Act, Result

if TYPE_CHECKING:
    from console.transfer.files.references import References

SHOWN = 20
MEANINGS = {
    Letter.SAME: "the same",
    Letter.ONLY_HERE: "only in the folder",
    Letter.ONLY_THERE: "only in the bucket",
    Letter.DIFFERENT: "different",
    Letter.ERROR: "not compared",
}


def to_lines(result: Result) -> Iterator[str]:
    """The report as text, what is well in one line, what is not with its reason. Names cannot steer the terminal."""
    return map(keys.printed, _lines(result))


def _lines(result: Result) -> Iterator[str]:
    if result.bucket is not None:
        door = "public" if result.bucket.public else "private"
        yield f"{len(result.entries)} files, {size_words(result.size)} · bucket {result.bucket.name}, {door}"
    if result.act is Act.CHECK:
        for line in result.lines:
            yield f"{line.letter.value} {line.path}{f'  ({line.detail})' if line.detail else ''}"
        counts = Counter(line.letter for line in result.lines)
        yield " · ".join(f"{counts[letter]} {words}" for letter, words in MEANINGS.items() if counts[letter])
    elif result.entries:
        counts_by_state = Counter(entry.state for entry in result.entries)
        yield " · ".join(f"{counts_by_state[state]} {state.value}" for state in State if counts_by_state[state])
    if result.act is Act.TRANSFER:
        read = Counter(entry.verified_by for entry in result.entries if entry.state is State.VERIFIED)
        if read:
            yield f"verified by digest of the bucket: {read['etag']}, by reading back: {read['download']}"
        if result.visits:
            good = sum(not visit.problem for visit in result.visits)
            yield f"read as a visitor does: {good} of {len(result.visits)}"
    yield from _many("could not be read by a visitor", [f"{v.path}: {v.problem}" for v in result.visits if v.problem])
    yield from _many("failed", [f"{keys.shown(one.path)}: {one.error}" for one in result.failed])
    yield from _many("left behind", [f"{keys.shown(one.path)}: {one.reason}" for one in result.left])
    for remark in result.remarks:
        yield from _many(remark.about, [keys.shown(path) for path in remark.paths])
    if result.references is not None:
        yield from _reference_lines(result, result.references)


def to_values(result: Result) -> dict[str, Any]:
    """The report for programs: every file with its key, state and digests."""
    return {
        "act": result.act.value,
        "bucket": {"name": result.bucket.name, "public": result.bucket.public} if result.bucket else None,
        "good": result.holds,
        "files": [
            {
                "path": keys.shown(one.path),
                "key": one.key,
                "size": one.found.size,
                "sha256": one.found.sha256,
                "md5": one.found.md5,
                "content_type": one.found.content_type,
                "state": one.state.value,
                "verified_by": one.verified_by,
                "error": one.error,
            }
            for one in result.entries
        ],
        "left": [{"path": keys.shown(one.path), "why": one.why.value, "reason": one.reason} for one in result.left],
        "remarks": [{"about": one.about, "paths": [keys.shown(path) for path in one.paths]} for one in result.remarks],
        "check": [{"letter": one.letter.value, "path": one.path, "detail": one.detail} for one in result.lines],
        "references": _reference_values(result.references) if result.references else None,
        "orphans": list(result.orphans),
        "visits": [{"path": one.path, "problem": one.problem} for one in result.visits],
        "seconds": {phase: round(seconds, 3) for phase, seconds in result.seconds.items()},
    }


def _reference_lines(result: Result, found: References) -> Iterator[str]:
    for one in found.changed:
        back = f"{one.rows} taken back" if result.act is Act.REVERT else f"{one.rows} rewritten"
        yield f"{one.column}: {back}{f', {one.kept} left as somebody changed them since' if one.kept else ''}"
    if result.act is Act.REVERT:
        if not found.changed:
            yield "The ledger holds nothing to take back."
        return
    for finding in found.findings:
        column = finding.column
        told = {
            "whole values": finding.whole,
            "texts that name files": finding.within,
            "naming files that are not verified": finding.unready,
            "naming files that are not there": finding.dangling,
        }
        said = ", ".join(f"{count} {words}" for words, count in told.items() if count)
        yield f"{column.words} ({column.type}): {said or 'not looked at'}"
        if column.obstacle:
            yield f"  cannot be rewritten: {column.obstacle}"
        elif column.triggers:
            yield f"  runs on each row: {', '.join(column.triggers)}"
        yield from (f"  as {sample}" for sample in finding.samples)
    if not found.findings:
        yield "No column names any of these files as they were."
    lost = [f"{one.column} {one.key}: {one.reference}" for one in found.dangling]
    first = f" (the first {MOST_DANGLING})" if len(lost) >= MOST_DANGLING else ""
    yield from _many(f"references to files that are not there{first}", lost)
    yield from _many("files that no reference names", list(result.orphans))


def _reference_values(found: References) -> dict[str, Any]:
    return {
        "columns": [
            {
                "column": one.column.words,
                "type": one.column.type,
                "whole": one.whole,
                "within": one.within,
                "unready": one.unready,
                "dangling": one.dangling,
                "samples": list(one.samples),
                "obstacle": one.column.obstacle,
                "triggers": list(one.column.triggers),
            }
            for one in found.findings
        ],
        "changed": [{"column": one.column, "rows": one.rows, "kept": one.kept} for one in found.changed],
        "dangling": [{"column": one.column, "key": one.key, "reference": one.reference} for one in found.dangling],
    }


def size_words(size: int) -> str:
    """`1.2 MiB`."""
    value = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError(size)


def _many(about: str, lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"{about}: {len(lines)}"
    yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  … and {len(lines) - SHOWN} more; --format json tells all"
