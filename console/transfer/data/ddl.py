"""What only the text of a `CREATE TABLE` says: checks, collations, generated columns, deferred foreign keys.

Everything else comes from SQLite's own pragmas. The text is cut into tokens, never matched as a whole: strings,
comments and quoted names may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
      | (?P<text>[xX]?'(?:[^']|'')*')
      | (?P<word>[^\W\d]\w*|\d[\w.]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_WORDS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True)
class Check:
    """A condition on the rows, in SQLite's words. `name` is empty where it has none."""

    name: str
    expression: str


@dataclass(frozen=True)
class Written:
    """What the text of one table says beyond the pragmas; names as they are, without their quotes."""

    checks: tuple[Check, ...] = ()
    collations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    generated: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    deferred: frozenset[tuple[str, ...]] = frozenset()
    autoincrement: bool = False


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    end: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        if self.kind == "name":
            mark = self.text[0]
            return self.text[1:-1] if mark == "[" else self.text[1:-1].replace(mark * 2, mark)
        return self.text[1:-1].replace("''", "'") if self.kind == "text" else self.text


def read_table(sql: str) -> Written:
    """Read the text of a table, as `sqlite_master` keeps it. What cannot be understood is passed over."""
    tokens = list(_tokens(sql))
    opened = next((number for number, token in enumerate(tokens) if token.text == "("), None)
    if opened is None:
        return Written()
    checks: list[Check] = []
    collations: dict[str, str] = {}
    generated: dict[str, str] = {}
    deferred: set[tuple[str, ...]] = set()
    autoincrement = False
    for part in _parts(tokens, opened):
        column = "" if part[0].word in _TABLE_WORDS else part[0].name
        named = ""
        for number, token in enumerate(part):
            following = part[number + 1] if number + 1 < len(part) else None
            if token.word == "CONSTRAINT" and following is not None:
                named = following.name
            elif token.word == "CHECK" and following is not None and following.text == "(":
                checks.append(Check(named, _inside(sql, part, number + 1)))
                named = ""
            elif token.word == "COLLATE" and column and following is not None:
                collations[column] = following.name.upper()
            elif token.word == "AS" and column and following is not None and following.text == "(":
                generated[column] = _inside(sql, part, number + 1)
            elif token.word == "AUTOINCREMENT":
                autoincrement = True
            elif token.word == "DEFERRED":
                deferred.add((column,) if column else _key_columns(part))
    return Written(
        tuple(checks), MappingProxyType(collations), MappingProxyType(generated), frozenset(deferred), autoincrement
    )


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match.group(), match.end())


def _parts(tokens: Sequence[_Token], opened: int) -> Iterator[list[_Token]]:
    """The pieces between the commas of a table's own parentheses."""
    depth, part = 1, list[_Token]()
    for token in tokens[opened + 1 :]:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0:
            break
        if depth == 1 and token.text == "," and token.kind == "other":
            if part:
                yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part


def _inside(sql: str, part: Sequence[_Token], opened: int) -> str:
    """The text between the parenthesis at `opened` and the one that closes it."""
    depth = 0
    for token in part[opened:]:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0:
            return sql[part[opened].end : token.end - 1].strip()
    return sql[part[opened].end : part[-1].end].strip()


def _key_columns(part: Sequence[_Token]) -> tuple[str, ...]:
    """The columns of `FOREIGN KEY (a, b)`."""
    begin = next((number for number, token in enumerate(part) if token.text == "("), len(part))
    names: list[str] = []
    for token in part[begin + 1 :]:
        if token.text == ")":
            break
        if token.text != ",":
            names.append(token.name)
    return tuple(names)
