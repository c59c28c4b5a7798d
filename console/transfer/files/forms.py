"""Texts that stand for files, and what they become: whole values, and parts of longer texts. Pure.

A path is written in many ways: below the folder, with the folder's name, as an address, percent-encoded, in HTML, in
JSON. Each of these forms leads to one file or, where two files share it, to none. Within a text the longest path
counts, and only where it begins and ends as a path does: `/uploads/a.png` is not in `/uploads/a.png.bak` nor in
`/old/uploads/a.png`.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

_INNER = frozenset("-_./%~@\\")
"""Beside letters and figures: what stands within a path, so that next to one it is part of a longer one."""
_URI = ";,/?:@&=+$-_.!~*'()#"
_TOKEN = re.compile(r"[^\s\"'<>()\\?#|,;]+")
_ESCAPED = frozenset("nrtbf")
_PERCENT = ("address", "uri", "address-lower", "uri-lower")


@dataclass(frozen=True)
class Target:
    """A file that texts may stand for. `new`: what its references become; empty while it may not be referred to."""

    path: str
    new: str


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
        whole: Values that are a file's name and nothing else.
        inside: Forms that are looked for within texts, by the text that each begins with.
        settled: What references become, so that those that were rewritten are known again.
        shared: Forms that stand for several files, and so for none.
    """

    whole: dict[str, Target] = field(default_factory=dict)
    inside: dict[str, dict[str, Target]] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lengths: dict[str, list[int]] = {}
        self._within: dict[str, list[str]] = {}
        self._starts: re.Pattern[str] | None = None

    def seal(self) -> Forms:
        """Make ready for reading."""
        for form in self.shared:
            self.whole.pop(form, None)
            for known in self.inside.values():
                known.pop(form, None)
        self._lengths = {mark: sorted({len(one) for one in known}, reverse=True) for mark, known in self.inside.items()}
        marks = sorted(self.inside, key=len, reverse=True)
        self._within = {mark: [one for one in marks if one != mark and mark.startswith(one)] for mark in marks}
        self._starts = re.compile("|".join(map(re.escape, marks))) if marks else None
        return self

    @property
    def marks(self) -> list[str]:
        """Texts of which at least one is in every text that holds a form inside."""
        found: list[str] = []
        for mark in sorted(self.inside, key=len):
            if not any(shorter in mark for shorter in found):
                found.append(mark)
        return found

    def read(self, text: str) -> Reading:
        """Find every file that a text names."""
        if text in self.settled:
            return Reading(text, True, (self.settled[text],))
        target = self.whole.get(text)
        if target is not None:
            if not target.new:
                return Reading(text, True, (), (target.path,))
            return Reading(target.new, True, (target.path,))
        return self.read_inside(text)

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
            form, target = found
            if target.new:
                named.append(target.path)
                parts += [text[at:start], target.new]
            else:
                unready.append(target.path)
                parts.append(text[at : start + len(form)])
            at = start + len(form)
        return Reading("".join([*parts, text[at:]]), False, tuple(named), tuple(unready), tuple(dangling))

    def _find_starts(self, text: str) -> Iterator[tuple[int, str]]:
        if self._starts is None:
            return
        at = 0
        while found := self._starts.search(text, at):
            at = found.start() + 1
            if _begins(text, found.start()):
                yield found.start(), found[0]

    def _longest(self, text: str, start: int, mark: str) -> tuple[str, Target] | None:
        known = self.inside[mark]
        for length in self._lengths[mark]:
            form = text[start : start + length]
            if form in known and _ends(text, start + length):
                return form, known[form]
        return None


def build_forms(files: Iterable[Target], folder: Path, prefixes: Iterable[str] = (), *, base: str = "") -> Forms:
    """Spell every file in every way.

    Args:
        prefixes: What stood before a path so far, as `https://old.example/media/`; without any the folder's name, with
            and without a slash or `./` before it, and its whole path.
        base: What every new reference begins with, where they are addresses, percent-encoded already; else empty.
    """
    is_address = bool(base)
    named = [f"{one.rstrip('/')}/" for one in prefixes]
    before = named or [f"/{folder.name}/", f"{folder.name}/", f"./{folder.name}/", f"{folder.resolve()}/"]
    forms = Forms()
    texts = [file for file in files if _is_text(file.path)]
    for file in texts:
        if file.new:
            forms.settled[file.new] = file.path
        if file.new and base:
            for spell in ("plain", "json-slash"):
                known = forms.inside.setdefault(_ENCODINGS[spell](base), {})
                known[_ENCODINGS[spell](file.new)] = Target(file.path, _ENCODINGS[spell](file.new))
        _spell(forms, file, file.path, before, is_address)
    paths = {file.path for file in texts}
    for file in texts:
        for other in _other_bytes(file.path):
            if other not in paths:
                _spell(forms, file, other, before, is_address)
    return forms.seal()


def _spell(forms: Forms, file: Target, path: str, before: Iterable[str], is_address: bool) -> None:
    """Every form of one file, whose path is written so."""
    for old in (path, f"/{path}", f"./{path}"):
        _put(forms, forms.whole, old, file)
        for spelt, new in _spellings(old, file.new, is_address):
            _put(forms, forms.whole, spelt, Target(file.path, new))
    for prefix in before:
        _put(forms, forms.whole, f"{prefix}{path}", file)
        for spell, mark in _encodings(prefix).items():
            old = _ENCODINGS[spell](f"{prefix}{path}")
            known = forms.inside.setdefault(mark, {})
            if old.startswith(mark):
                _put(forms, known, old, Target(file.path, _renew(spell, file.new, is_address)))


def _other_bytes(path: str) -> set[str]:
    """The same letters in other bytes, as another system would have written them."""
    return set() if path.isascii() else {unicodedata.normalize(form, path) for form in ("NFC", "NFD")} - {path}


def _put(forms: Forms, known: dict[str, Target], form: str, file: Target) -> None:
    before = known.setdefault(form, file)
    if before.path != file.path:
        forms.shared.add(form)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _json_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _lower_figures(text: str) -> str:
    """`%C3` as `%c3`, which some write."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


_ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "address": lambda text: quote(text, safe="/:"),
    "uri": lambda text: quote(text, safe=_URI),
    "address-lower": lambda text: _lower_figures(quote(text, safe="/:")),
    "uri-lower": lambda text: _lower_figures(quote(text, safe=_URI)),
    "html": lambda text: html.escape(text, quote=False),
    "attribute": lambda text: html.escape(text, quote=True),
    "json": _json,
    "json-ascii": _json_ascii,
    "json-slash": lambda text: _json(text).replace("/", "\\/"),
    "json-ascii-slash": lambda text: _json_ascii(text).replace("/", "\\/"),
}


def _encodings(prefix: str) -> dict[str, str]:
    """How a prefix begins in each encoding."""
    return {name: encode(prefix) for name, encode in _ENCODINGS.items()}


def _spellings(old: str, new: str, is_address: bool) -> Iterator[tuple[str, str]]:
    for name in _PERCENT:
        yield _ENCODINGS[name](old), _renew(name, new, is_address)


def _renew(encoding: str, new: str, is_address: bool) -> str:
    """What a reference becomes where the old one was written in this encoding."""
    if encoding in _PERCENT:
        return new if is_address else quote(new, safe="/")
    return _ENCODINGS[encoding](new)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


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
