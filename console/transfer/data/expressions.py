"""SQLite's expressions in PostgreSQL's words, where both mean the same; None where that is not sure.

sqlglot reads and writes; what it may pass on is listed here, because a function that PostgreSQL does not have, or has
with another meaning, must be told to a person rather than guessed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import Expr

_NOW = {
    "current_timestamp": "now()",
    "current_date": "current_date",
    "current_time": "current_time",
    "datetime('now')": "now()",
    "date('now')": "current_date",
    "time('now')": "current_time",
    "datetime('now','localtime')": "now()",
    "strftime('%s','now')": "extract(epoch from now())::bigint",
    "strftime('%y-%m-%d %h:%m:%f','now')": "now()",
    "strftime('%y-%m-%d %h:%m:%s','now')": "now()",
    "unixepoch()": "extract(epoch from now())::bigint",
    "unixepoch('now')": "extract(epoch from now())::bigint",
    "lower(hex(randomblob(16)))": "replace(gen_random_uuid()::text, '-', '')",
    "hex(randomblob(16))": "upper(replace(gen_random_uuid()::text, '-', ''))",
}
LITERAL = re.compile(r"'(?P<text>(?:[^']|'')*)'|(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?)")
"""A text or a number that both sides write alike."""
_BLOB = re.compile(r"[xX]'([0-9a-fA-F]*)'")
_TEXT_NOW = {
    "now()": "to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
    "current_date": "current_date::text",
    "current_time": "to_char(now() at time zone 'UTC', 'HH24:MI:SS')",
}
_FLAGS = {"0": "false", "1": "true", "false": "false", "true": "true"}


def translate_default(expression: str, type_name: str) -> str | None:
    """A column's default, for a column of that type."""
    text = _bare(expression)
    if text.upper() == "NULL":
        return "NULL"
    known = _NOW.get(re.sub(r"\s*,\s*", ",", text.lower()))
    if known is not None:
        return _TEXT_NOW.get(known, known) if type_name.startswith(("text", "varchar")) else known
    if type_name == "boolean":
        return _FLAGS.get(text.strip("'").lower())
    if type_name == "bytea":
        found = _BLOB.fullmatch(text)
        return f"'\\x{found[1]}'::bytea" if found else None
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        # SQLite takes a quoted name that names nothing for a text.
        text = "'" + text[1:-1].replace('""', '"').replace("'", "''") + "'"
    return text if LITERAL.fullmatch(text) else translate(text, {})


def translate(
    expression: str, names: Mapping[str, str], flags: frozenset[str] = frozenset(), *, exactly: bool = False
) -> str | None:
    """An expression over columns.

    Args:
        exactly: With the very values of SQLite: letters fold in ASCII only, and fractions are floats of 64 bits.
        names: What the columns are called on the other side, by their names in small letters.
        flags: Those of them that are booleans over there, so that 0 and 1 beside them are false and true.
    """
    from sqlglot import exp

    tree = parse(expression)
    if tree is None or not all(isinstance(node, _safe()) for node in tree.walk()):
        return None
    if flags:
        _write_flags(tree, flags)
    if exactly:
        _write_exactly(tree)
    for column in tree.find_all(exp.Column):
        name = names.get(column.name.lower())
        if name is None or column.table:
            return None
        column.set("this", exp.to_identifier(name, quoted=True))
    return tree.sql(dialect="postgres", comments=False)


def _write_exactly(tree: Expr) -> None:
    from sqlglot import exp

    for folded in list(tree.find_all(exp.Lower, exp.Upper)):
        plain = exp.Identifier(this="C", quoted=True)
        folded.set("this", exp.Collate(this=exp.Paren(this=folded.this), expression=plain))
    for literal in list(tree.find_all(exp.Literal)):
        if not literal.is_string and not literal.name.isdigit():
            literal.replace(exp.cast(literal.copy(), "double"))


def _write_flags(tree: Expr, flags: frozenset[str]) -> None:
    from sqlglot import exp

    for beside in list(tree.find_all(exp.EQ, exp.NEQ, exp.In, exp.Is)):
        if isinstance(beside.this, exp.Column) and beside.this.name.lower() in flags:
            for literal in [one for one in beside.find_all(exp.Literal) if one.name in ("0", "1")]:
                literal.replace(exp.Boolean(this=literal.name == "1"))


def parse(sql: str) -> Expr | None:
    """Read SQL of SQLite; None where it cannot be read."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        return sqlglot.parse_one(sql, read="sqlite")
    except SqlglotError:
        return None


def _bare(expression: str) -> str:
    """Without the parentheses around all of it."""
    text = expression.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return text


def _closes_last(text: str) -> bool:
    depth, quote = 0, ""
    for number, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth == 0:
                return number == len(text) - 1
    return False


def _safe() -> tuple[type[Expr], ...]:
    """What means the same on both sides. Division is not among it, nor is anything that compares across types."""
    from sqlglot import exp

    return (
        exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.Not, exp.And, exp.Or,
        exp.Add, exp.Sub, exp.Mul, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
        exp.Tuple, exp.DPipe, exp.Coalesce, exp.Lower, exp.Upper, exp.Length, exp.Abs, exp.Case, exp.If, exp.Nullif,
        exp.Trim, exp.Substring, exp.Collate, exp.Ordered,
    )  # fmt: skip
