"""Texts that stand for files, and what they become: whole values, and parts of longer texts. Pure.

A path is written in many ways: below the folder, with the folder's name, as an address, percent-encoded, in HTML, in
JSON. Each of these forms leads to one file or, where two files share it, to none. Within a text the longest path
counts, and only where it begins and ends as a path does: `/uploads/a.png` is not in `/uploads/a.png.bak` nor in
`/old/uploads/a.png`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.transfer.files.spellings import JSON_SLASH, PERCENT, PLAIN, WAYS, is_text, other_bytes, renew, spell

_INNER = frozenset("-_./%~@\\")
"""Beside letters and figures: what stands within a path, so that next to one it is part of a longer one."""
_TOKEN = re.compile(r"[^\s\"'<>()\\?#|,;]+")
_ESCAPED = frozenset("nrtbf")
_BARE = ("", "/", "./")
"""What may stand before a path that is a whole value, whatever the folder is called."""


@dataclass(frozen=True)
class Target:
    """A file that texts may stand for. `new`: what its references become; empty while it may not be referred to."""

    path: str
    new: str


SHARED = Target("", "")
"""Instead of a file, where two share a form."""
Spelt = dict[str, Target]
"""Files by their path as it is written in one way."""


@dataclass(frozen=True)
class Reading:
    """One text as read: what it becomes, the files it names, those that may not be, and what names no file."""

    text: str
    whole: bool = False
    named: tuple[str, ...] = ()
    unready: tuple[str, ...] = ()
    dangling: tuple[str, ...] = ()


@dataclass
class Forms:
    """Every form of every file.

    Attributes:
        before: What stood before a path so far, beside nothing at all.
        spelt: Files by way of writing; what a way writes as the plain one does is there alone.
        follows: What begins a form within texts, and the paths that may follow it.
        settled: What references become, so that those that were rewritten are known again.
    """

    before: Sequence[str] = ()
    spelt: Mapping[str, Spelt] = field(default_factory=dict)
    follows: Mapping[str, Sequence[Spelt]] = field(default_factory=dict)
    settled: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        marks = sorted(self.follows, key=len, reverse=True)
        known = {id(spelt): spelt for follows in self.follows.values() for spelt in follows}
        lengths = {number: set(map(len, spelt)) for number, spelt in known.items()}
        self._lengths = {
            mark: sorted(set().union(*(lengths[id(spelt)] for spelt in follows)), reverse=True)
            for mark, follows in self.follows.items()
        }
        self._within = {mark: [one for one in marks if one != mark and mark.startswith(one)] for mark in marks}
        self._starts = re.compile("|".join(map(re.escape, marks))) if marks else None

    @property
    def marks(self) -> list[str]:
        """Texts of which at least one is in every text that holds a form inside."""
        found: list[str] = []
        for mark in sorted(self.follows, key=len):
            if not any(shorter in mark for shorter in found):
                found.append(mark)
        return found

    def list_whole(self) -> Iterator[str]:
        """Every value that may be a file's name and nothing else, and what such values become."""
        yield from self.settled
        for start in (*_BARE, *self.before):
            yield from (start + path for path in self.spelt[PLAIN])
        for start in _BARE:
            yield from (start + path for way in PERCENT for path in self.spelt[way])

    def read(self, text: str) -> Reading:
        """Find every file that a text names."""
        if text in self.settled:
            return Reading(text, True, (self.settled[text],))
        target = self._find_whole(text)
        if target is None or target is SHARED:
            return self.read_inside(text)
        if not target.new:
            return Reading(text, True, (), (target.path,))
        return Reading(target.new, True, (target.path,))

    def _find_whole(self, text: str) -> Target | None:
        found: list[Target] = []
        for start in (*_BARE, *self.before):
            if text.startswith(start):
                path = text[len(start) :]
                ways = (PLAIN, *PERCENT) if start in _BARE else (PLAIN,)
                found += [self.spelt[way][path] for way in ways if path in self.spelt[way]]
        return _one_of(found)

    def read_inside(self, text: str) -> Reading:
        """Find every file that is named within a text, and not by all of it."""
        parts: list[str] = []
        named, unready, dangling = [], [], []
        at = 0
        for start, mark in self._find_starts(text):
            if start < at:
                continue
            found = next(filter(None, (self._longest(text, start, one) for one in (mark, *self._within[mark]))), None)
            if found is None:
                token = _TOKEN.match(text, start)
                if token is not None and len(token[0]) > len(mark):
                    dangling.append(token[0].rstrip("."))
                    at, parts = start + len(token[0]), [*parts, text[at : start + len(token[0])]]
                continue
            end, target = found
            if target.new:
                named.append(target.path)
                parts += [text[at:start], target.new]
            else:
                unready.append(target.path)
                parts.append(text[at:end])
            at = end
        return Reading("".join([*parts, text[at:]]), False, tuple(named), tuple(unready), tuple(dangling))

    def _find_starts(self, text: str) -> Iterator[tuple[int, str]]:
        if self._starts is None:
            return
        at = 0
        while found := self._starts.search(text, at):
            at = found.start() + 1
            if _begins(text, found.start()):
                yield found.start(), found[0]

    def _longest(self, text: str, start: int, mark: str) -> tuple[int, Target] | None:
        """Where the longest form ends that begins here with a mark, and its file."""
        begin = start + len(mark)
        for length in self._lengths[mark]:
            path = text[begin : begin + length]
            target = _one_of([spelt[path] for spelt in self.follows[mark] if path in spelt])
            if target is None or target is SHARED or not _ends(text, begin + length):
                continue
            also = self._find_whole(text[start : begin + length])
            if also is None or also.path == target.path:
                return begin + length, target
        return None


def build_forms(files: Iterable[Target], folder: Path, prefixes: Iterable[str] = (), *, base: str = "") -> Forms:
    """Spell every file in every way.

    Args:
        prefixes: What stood before a path so far, as `https://old.example/media/`; without any the folder's name, with
            and without a slash or `./` before it, and its whole path.
        base: What every new reference begins with, where they are addresses, percent-encoded already; else empty.
    """
    texts = [file for file in files if is_text(file.path)]
    named = [f"{one.rstrip('/')}/" for one in prefixes]
    before = named or [f"/{folder.name}/", f"{folder.name}/", f"./{folder.name}/", f"{folder.resolve()}/"]
    spelt: dict[str, Spelt] = {way: {} for way in WAYS}
    for file in texts:
        _spell(spelt, file, file.path, is_address=bool(base))
    paths = {file.path for file in texts}
    for file in texts:
        for other in other_bytes(file.path) - paths:
            _spell(spelt, file, other, is_address=bool(base))
    follows: dict[str, list[Spelt]] = {}
    for prefix in before:
        marks = {way: spell(way, prefix) for way in WAYS}
        for mark in marks.values():
            # What a way writes as the plain one does counts behind what it writes otherwise, but for a plain mark.
            ways = [way for way in WAYS if way != PLAIN and marks[way] == mark]
            ways.insert(0 if marks[PLAIN] == mark else len(ways), PLAIN)
            follows[mark] = [spelt[way] for way in ways if spelt[way]]
    for way in (PLAIN, JSON_SLASH) if base else ():
        ours = [Target(file.path, spell(way, file.new)) for file in texts if file.new]
        begin = spell(way, base)
        follows.setdefault(begin, []).append({one.new.removeprefix(begin): one for one in ours})
    return Forms(before, spelt, follows, {file.new: file.path for file in texts if file.new})


def _spell(spelt: Mapping[str, Spelt], file: Target, path: str, *, is_address: bool) -> None:
    for way, known in spelt.items():
        old, new = spell(way, path), renew(way, file.new, is_address=is_address)
        if way != PLAIN and (old, new) == (path, file.new):
            continue
        before = known.setdefault(old, file if new == file.new else Target(file.path, new))
        if before.path != file.path:
            known[old] = SHARED


def _one_of(found: Sequence[Target]) -> Target | None:
    """The file that all of these are, the first way of writing counting; None for none."""
    if not found:
        return None
    return found[0] if all(one.path == found[0].path for one in found) else SHARED


def _begins(text: str, at: int) -> bool:
    """Whether a path may begin here: nothing before it is part of one."""
    if at == 0:
        return True
    before = text[at - 1]
    if before in _ESCAPED and at > 1 and text[at - 2] == "\\":
        return True
    return not (before.isalnum() or before in _INNER)


def _ends(text: str, at: int) -> bool:
    """Whether a path may end here: what follows is no part of it. A full stop ends it where nothing follows that."""
    if at >= len(text):
        return True
    after = text[at]
    if after == "\\":
        return text[at + 1 : at + 2] in ('"', *_ESCAPED)
    if after == ".":
        return at + 1 >= len(text) or not (text[at + 1].isalnum() or text[at + 1] in _INNER)
    return not (after.isalnum() or after in _INNER)
