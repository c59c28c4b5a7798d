"""What PostgreSQL's shell does with a file, and the server cannot: commands of the shell, and rows behind a COPY."""

from __future__ import annotations

import re

from console.migrations.split import Kind, UnfinishedSql, tokenize

_SUSPECT = re.compile(r"\\|\bcopy\b", re.IGNORECASE)
_OTHER_ENDS = (["FROM", "STDIN"], ["TO", "STDOUT"])
_SHOWN = 40


def foreign_words(sql: str) -> str:
    """The first thing in a file that the server cannot be given, with its line; "" for none.

    What follows it may be rows, and is not read; nor is what follows a string that never ends.
    """
    if "\0" in sql:
        return f"line {_line(sql, sql.index(chr(0)))} holds a zero byte"
    if not _SUSPECT.search(sql):
        return ""
    at, words = 0, list[str]()
    try:
        for token in tokenize(sql):
            if token.kind is Kind.OTHER and token.text == "\\":
                command = sql[at : at + _SHOWN].splitlines()[0]
                return f"line {_line(sql, at)}: {command} is a command of psql, which the server does not know"
            if token.kind is Kind.END:
                words.clear()
            elif token.kind is Kind.WORD:
                words.append(token.text.upper())
                if words[0] == "COPY" and words[-2:] in _OTHER_ENDS:
                    return f"line {_line(sql, at)}: COPY … {' '.join(words[-2:])} needs psql at its other end"
            at += len(token.text)
    except UnfinishedSql:
        return ""
    return ""


def _line(sql: str, at: int) -> int:
    return sql.count("\n", 0, at) + 1
