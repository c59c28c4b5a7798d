"""What a declared type means. SQLite takes any word for a type and holds nobody to it: a wish, not a fact."""

from __future__ import annotations

import re
from enum import StrEnum


class Family(StrEnum):
    """What somebody wanted to keep in a column. `OPEN` where they did not say."""

    INTEGER = "integer"
    REAL = "real"
    NUMERIC = "numeric"
    TEXT = "text"
    BYTES = "bytes"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    JSON = "json"
    UUID = "uuid"
    OPEN = "open"


_SIZED = re.compile(r"^\s*([^()]*?)\s*(?:\(\s*(\d+)[^)]*\))?\s*$")
_EXACT = {
    "date": Family.DATE,
    "time": Family.TIME,
    "json": Family.JSON,
    "jsonb": Family.JSON,
    "uuid": Family.UUID,
    "guid": Family.UUID,
    "uniqueidentifier": Family.UUID,
    "bytea": Family.BYTES,
    "string": Family.TEXT,
    "any": Family.OPEN,
    "": Family.OPEN,
}
# In SQLite's own order: the first part that is found decides the affinity.
_PARTS = (
    ("bool", Family.BOOLEAN),
    ("datetime", Family.TIMESTAMP),
    ("timestamp", Family.TIMESTAMP),
    ("int", Family.INTEGER),
    ("char", Family.TEXT),
    ("clob", Family.TEXT),
    ("text", Family.TEXT),
    ("blob", Family.BYTES),
    ("binary", Family.BYTES),
    ("real", Family.REAL),
    ("floa", Family.REAL),
    ("doub", Family.REAL),
    ("dec", Family.NUMERIC),
    ("numeric", Family.NUMERIC),
    ("number", Family.NUMERIC),
    ("money", Family.NUMERIC),
)


def family_of(declared: str) -> Family:
    """The family of a declared type."""
    word = _match(declared)[0].lower()
    if word in _EXACT:
        return _EXACT[word]
    return next((family for part, family in _PARTS if part in word), Family.OPEN)


def length_of(declared: str) -> int | None:
    """The length of `varchar(80)`, in characters; None for other types and where none is given."""
    word, size = _match(declared)
    return int(size) if size and "char" in word.lower() else None


def _match(declared: str) -> tuple[str, str]:
    found = _SIZED.match(declared)
    return (found[1], found[2] or "") if found else (declared, "")
