"""PostgreSQL's own grammar, where the package `pglast` is installed; without it the splitter of `split` alone.

What the grammar does not know (a newer server's syntax) is cut by the splitter and has no tree.
"""

from __future__ import annotations

from typing import Any

from console.migrations.split import Kind, split_statements, tokenize


def split_file(sql: str) -> tuple[str, ...]:
    """Cut a file into statements without their final semicolons; comments stay with the statement that follows.

    Raises:
        UnfinishedSql: Something is opened and never closed.
    """
    by_words = split_statements(sql)
    trees = _parse(sql)
    if trees is None or len(trees) == len(by_words):
        return by_words
    found, end = [], 0
    for tree in trees:
        start = end + _semicolons(sql[end : tree.stmt_location])
        end = tree.stmt_location + tree.stmt_len if tree.stmt_len else len(sql)
        found.append(sql[start:end].strip())
    return tuple(found)


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


def _semicolons(gap: str) -> int:
    """The length of what a gap between two statements holds up to its last semicolon."""
    length = at = 0
    for token in tokenize(gap):
        at += len(token.text)
        if token.kind is Kind.END:
            length = at
    return length
