"""Cut a SQL file into its statements, as PostgreSQL's own shell would.

Semicolons inside strings, quoted names, dollar quotes, comments (which nest), parentheses and the bodies of
`BEGIN ATOMIC … END` functions end nothing. Comments stay with the statement that follows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import dropwhile, islice


class UnfinishedSql(ValueError):
    """A string, quoted name, dollar quote or comment is opened and never closed; the message names the line."""


class Kind(Enum):
    SPACE = auto()
    COMMENT = auto()
    QUOTED = auto()
    WORD = auto()
    END = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Token:
    kind: Kind
    text: str


_SPACE = re.compile(r"\s+")
_LINE_COMMENT = re.compile(r"--[^\n]*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_STRING = re.compile(r"'(?:[^']|'')*'")
_ESCAPE_STRING = re.compile(r"[eE]'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_NAME = re.compile(r'"(?:[^"]|"")*"')
_DOLLAR = re.compile(r"\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$")
_WORD = re.compile(r"[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*")
_PAREN = {"(": 1, ")": -1}

_ENDS_OURS = re.compile(
    r"(?:BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK(?!(?: WORK| TRANSACTION)? TO\b)|ABORT|PREPARE TRANSACTION)\b"
)
_ALONE = re.compile(
    r"VACUUM\b|ALTER SYSTEM\b|CREATE DATABASE\b|DROP DATABASE\b|CREATE TABLESPACE\b|DROP TABLESPACE\b"
    r"|(?:CREATE(?: UNIQUE)? INDEX|DROP INDEX|REINDEX(?: \([^)]*\))? \w+) CONCURRENTLY\b"
)

_TOKENS_OF_AN_OPENING = 40
_SPEAKS_OF_SECRETS = re.compile(r"passw|secret|token|key\b|connection", re.IGNORECASE)


def split_statements(sql: str) -> tuple[str, ...]:
    """Cut a file into statements without their final semicolons. What holds nothing but comments is left out.

    Raises:
        UnfinishedSql: Something is opened and never closed.
    """
    found: list[str] = []
    current: list[Token] = []
    nesting = _Nesting()
    for token in tokenize(sql):
        nesting.see(token)
        if token.kind is Kind.END and nesting.is_outside:
            found += _finish(current)
            current, nesting = [], _Nesting()
        else:
            current.append(token)
    return (*found, *_finish(current))


def normalize(statements: Iterable[str]) -> str:
    """One text for statements that mean the same: without comments, line breaks and the way they were cut."""
    cut = split_statements("\n;\n".join(statements))
    return ";".join(_bare(statement) for statement in cut)


def ending_words(statement: str) -> str:
    """The words by which a statement begins or ends a transaction itself; "" for one that does not."""
    found = _ENDS_OURS.match(opening(statement))
    return found[0] if found else ""


def opening(statement: str) -> str:
    """How a statement begins, in capitals and without comments: enough of it to tell what it is."""
    gaps = (Kind.SPACE, Kind.COMMENT)
    told = dropwhile(lambda token: token.kind in gaps, tokenize(statement))
    return _bare_of(islice(told, _TOKENS_OF_AN_OPENING)).upper()


def without_secrets(statement: str) -> str:
    """The statement as it may be shown: one that speaks of passwords, keys or the like without its strings."""
    if not _SPEAKS_OF_SECRETS.search(statement):
        return statement
    tokens = tokenize(statement)
    return "".join("'…'" if token.kind is Kind.QUOTED and token.text[0] != '"' else token.text for token in tokens)


def forbidden_words(statement: str) -> str:
    """The words by which a statement cannot run inside a transaction of ours; "" for one that can."""
    words = opening(statement)
    found = _ENDS_OURS.match(words) or _ALONE.match(words)
    return found[0] if found else ""


def tokenize(sql: str, at: int = 0) -> Iterator[Token]:
    """Read a file from a place between two tokens on, as tokens whose texts joined are the file.

    Raises:
        UnfinishedSql: Something is opened and never closed.
    """
    while at < len(sql):
        token = _token_at(sql, at)
        yield token
        at += len(token.text)


class _Nesting:
    """Where in a statement one stands: inside parentheses, or inside the body of a `BEGIN ATOMIC` function."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0
        self._opening: list[str] = []

    @property
    def is_outside(self) -> bool:
        return self._parentheses <= 0 and self._blocks <= 0

    def see(self, token: Token) -> None:
        if token.kind is Kind.OTHER:
            self._parentheses += _PAREN.get(token.text, 0)
        if token.kind is not Kind.WORD:
            return
        word = token.text.upper()
        if len(self._opening) < 4:
            self._opening.append(word)
        if not self._makes_routine:
            return
        if word == "BEGIN" or (word == "CASE" and self._blocks):
            self._blocks += 1
        elif word == "END" and self._blocks:
            self._blocks -= 1

    @property
    def _makes_routine(self) -> bool:
        words = [word for word in self._opening if word not in ("OR", "REPLACE")]
        return words[:1] == ["CREATE"] and words[1:2] in (["FUNCTION"], ["PROCEDURE"])


def _token_at(sql: str, at: int) -> Token:
    two, one = sql[at : at + 2], sql[at]
    if one.isspace():
        return Token(Kind.SPACE, _matched(_SPACE, sql, at))
    if two == "--":
        return Token(Kind.COMMENT, _matched(_LINE_COMMENT, sql, at))
    if two == "/*":
        return Token(Kind.COMMENT, _block_comment(sql, at))
    if one == "'":
        return Token(Kind.QUOTED, _matched(_STRING, sql, at))
    if two in ("e'", "E'"):
        return Token(Kind.QUOTED, _matched(_ESCAPE_STRING, sql, at))
    if one == '"':
        return Token(Kind.QUOTED, _matched(_NAME, sql, at))
    if one == "$" and (tag := _DOLLAR.match(sql, at)):
        return Token(Kind.QUOTED, _dollar_quoted(sql, at, tag[0]))
    if word := _WORD.match(sql, at):
        return Token(Kind.WORD, word[0])
    return Token(Kind.END if one == ";" else Kind.OTHER, one)


def _matched(pattern: re.Pattern[str], sql: str, at: int) -> str:
    found = pattern.match(sql, at)
    if found is None:
        raise _unfinished(sql, at)
    return found[0]


def _block_comment(sql: str, at: int) -> str:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return sql[at : edge.end()]
    raise _unfinished(sql, at)


def _dollar_quoted(sql: str, at: int, tag: str) -> str:
    end = sql.find(tag, at + len(tag))
    if end < 0:
        raise _unfinished(sql, at)
    return sql[at : end + len(tag)]


def _unfinished(sql: str, at: int) -> UnfinishedSql:
    line = sql.count("\n", 0, at) + 1
    shown = sql[at : at + 20].splitlines()[0]
    return UnfinishedSql(f"line {line}: what begins with {shown} never ends")


def _finish(tokens: list[Token]) -> list[str]:
    if all(token.kind in (Kind.SPACE, Kind.COMMENT) for token in tokens):
        return []
    return ["".join(token.text for token in tokens).strip()]


def _bare(statement: str) -> str:
    return _bare_of(tokenize(statement))


def _bare_of(tokens: Iterable[Token]) -> str:
    parts = (" " if token.kind in (Kind.SPACE, Kind.COMMENT) else token.text.replace("\r\n", "\n") for token in tokens)
    joined: list[str] = []
    for part in parts:
        if part != " " or (joined and joined[-1] != " "):
            joined.append(part)
    return "".join(joined).strip()
