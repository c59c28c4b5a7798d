"""Find the line of every key of a TOML text, which `tomllib` does not tell.

The text is known to be valid TOML, so the scanner only has to follow structure: headers, keys, inline tables, arrays
and strings. Paths are tuples of keys, with numbers for places in arrays, as pydantic reports them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)


def find_lines(text: str) -> dict[Path, int]:
    """Map every key path to the line, counted from 1, where it is first written."""
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Sequence[str | int]) -> int:
    """The line of a path, or of the nearest thing around it that is written; 0 for nothing."""
    known = tuple(path)
    while known:
        if known in lines:
            return lines[known]
        known = known[:-1]
    return 0


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> Path:
        repeated = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if repeated else 1
        path = self._resolve(self._keys(), start)
        if repeated:
            number = self.counts.get(path, -1) + 1
            self.counts[path] = number
            path = (*path, number)
            self._note(path, start)
        self.at = self.text.index("]", self.at) + (2 if repeated else 1)
        return path

    def _resolve(self, keys: Sequence[str], start: int) -> Path:
        """Follow a header's keys, entering the last element of every repeated table on the way."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path, start)
            if path in self.counts and position < len(keys) - 1:
                path = (*path, self.counts[path])
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, start)
        self.at = self.text.index("=", self.at) + 1
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip_blank()
            keys.append(self._key())
            self._skip_blank()
            if self._peek() != ".":
                return keys
            self.at += 1

    def _key(self) -> str:
        bare = _BARE_KEY.match(self.text, self.at)
        if bare:
            self.at = bare.end()
            return bare.group()
        return self._string()[1:-1]

    def _value(self, path: Path) -> None:
        self._skip_blank()
        opening = self._peek()
        if opening in {'"', "'"}:
            self._string()
        elif opening == "{":
            self._inline_table(path)
        elif opening == "[":
            self._array(path)
        else:
            scalar = _SCALAR.match(self.text, self.at)
            self.at = scalar.end() if scalar else len(self.text)

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._skip_blank() and self._peek() != "}":
            if self._peek() == ",":
                self.at += 1
            else:
                self._pair(path)
        self.at += 1

    def _array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self._skip_blank() and self._peek() != "]":
            if self._peek() == ",":
                self.at += 1
                continue
            self._note((*path, number), self.at)
            self._value((*path, number))
            number += 1
        self.at += 1

    def _string(self) -> str:
        for pattern in _STRINGS:
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                return found.group()
        raise ValueError(f"no string at character {self.at}")

    def _skip_blank(self) -> bool:
        """Go to the next thing that is neither space nor comment; False at the end."""
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.at < len(self.text)

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)
