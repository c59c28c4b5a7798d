"""Names of files as keys of a bucket, and back.

A bucket takes some of ASCII only. A byte that it does not take becomes `=` and two hexadecimal digits, and so does `=`
itself; blanks at either end of a part too, since something on the way may trim them. Every name has one key, two
names never share one, and `to_path` gives the very bytes back. What is longer than a bucket takes gets a key made of
its digest, which only a journal or the file's own facts can lead back.
"""

from __future__ import annotations

import hashlib
import os
import re

from console.domain.errors import UsageError

LONGEST = 900
"""Bytes of a key, ours; the platform takes 1024, and a prefix comes before."""
LONGEST_PREFIX = 1024 - LONGEST
DIGESTED = "=Z/"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_!.*'() &$@;:+,?-")
_CODED = re.compile(rb"=([0-9A-F]{2})")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}$")


def to_key(path: str) -> str:
    """The key of a path below the folder, parts divided by `/`. Bytes that are no UTF-8 come as `os.fsdecode` makes."""
    key = "/".join(_part(os.fsencode(part)) for part in path.split("/"))
    if len(key) <= LONGEST:
        return key
    ending = _ENDING.search(path)
    return f"{DIGESTED}{hashlib.sha256(os.fsencode(path)).hexdigest()}{ending.group() if ending else ''}"


def check_prefix(prefix: str) -> None:
    """What keys begin with is written as the bucket takes it, since no name leads to it.

    Raises:
        UsageError: A bucket would not take it, or not every key behind it.
    """
    parts = prefix.removesuffix("/").split("/")
    is_taken = all((_PLAIN | {ord("=")}).issuperset(os.fsencode(part)) and part == part.strip() for part in parts)
    if prefix and (not is_taken or not set(parts).isdisjoint(("", ".", ".."))):
        raise UsageError(
            f"Keys cannot begin with {shown(prefix)!r}.",
            "--prefix",
            "Use letters and figures of ASCII, blanks within a name, any of _!.*'()&$=@;:+,?- and slashes between.",
        )
    if len(prefix) > LONGEST_PREFIX:
        raise UsageError(
            f"Keys cannot begin with {len(prefix)} characters.", "--prefix", f"Give at most {LONGEST_PREFIX}."
        )


def to_path(key: str) -> str | None:
    """The path of a key; None for a digest, or for what `to_key` never makes."""
    if key.startswith(DIGESTED):
        return None
    path = os.fsdecode(_CODED.sub(lambda found: bytes.fromhex(found[1].decode()), os.fsencode(key)))
    return path if to_key(path) == key else None


def shown(path: str) -> str:
    """A path as it may be printed or sent: bytes that are no UTF-8 as `\\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printed(line: str) -> str:
    """A line as a terminal may show it: what would steer one, or break the line, in figures."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def _part(name: bytes) -> str:
    coded = [chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in name]
    for end in (0, -1):
        if coded[end] == " ":
            coded[end] = "=20"
    return "".join(coded)
