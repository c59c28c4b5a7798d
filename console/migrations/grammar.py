"""PostgreSQL's own grammar, where the package `pglast` is installed; without it the splitter of `split` alone.

What the grammar does not know (a newer server's syntax) is cut by the splitter and has no tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.migrations.split import Kind, split_statements, tokenize


def split_file(sql: str) -> tuple[str, ...]:
    """Cut a file into statements without their final semicolons; comments stay with the statement that follows.

    Raises:
        UnfinishedSql: Something is opened and never closed.
    """
    spans = _cut(sql)
    if spans is None:
        return split_statements(sql)
    found, end = [], 0
    for span in spans:
        start, end = _behind_semicolons(sql, end, span.start), _end_of(sql, span.stop)
        found.append(sql[start:end].strip())
    return tuple(found)


def rest_of(sql: str, statements: Sequence[str]) -> str:
    """Comments behind the last of a file's statements; "" where there are none."""
    start = sql.rindex(statements[-1]) + len(statements[-1]) if statements else 0
    return sql[_behind_semicolons(sql, start, len(sql)) :].strip()


def parse_statement(statement: str) -> Any | None:
    """The statement's tree as pglast has it; None where there is no pglast, or it cannot read the statement."""
    trees = _parse(statement)
    return trees[0].stmt if trees is not None and len(trees) == 1 else None


def is_installed() -> bool:
    try:
        import pglast  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def _parse(sql: str) -> Any | None:
    try:
        from pglast.parser import ParseError, parse_sql
    except ImportError:
        return None
    try:
        return parse_sql(sql)
    except ParseError:
        return None


def _cut(sql: str) -> Sequence[slice] | None:
    """Where each statement stands, without the comments around it."""
    try:
        from pglast import split
        from pglast.parser import ParseError
    except ImportError:
        return None
    try:
        spans: Sequence[slice] = split(sql, only_slices=True)
    except ParseError:
        return None
    return spans


def _end_of(sql: str, at: int) -> int:
    """Where the semicolon of the statement stands that ends at `at`; comments may come between."""
    for token in tokenize(sql, at):
        if token.kind is Kind.END:
            break
        at += len(token.text)
    return at


def _behind_semicolons(sql: str, start: int, end: int) -> int:
    """Where a gap between two statements goes on behind its last semicolon."""
    at = start
    for token in tokenize(sql[start:end]):
        at += len(token.text)
        if token.kind is Kind.END:
            start = at
    return start
