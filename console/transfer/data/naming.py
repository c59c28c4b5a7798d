"""Names on the other side: folded to small letters, as PostgreSQL does without quotes, unique and short enough."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

LONGEST = 63
"""Bytes of a PostgreSQL name; what is longer would be cut without a word."""


SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
"""Columns that every table over there has already."""


def name_columns(names: Iterable[str], *, keep_case: bool = False) -> Mapping[str, str]:
    """Name the columns of one table, as `name_all` does."""
    return name_all(names, keep_case=keep_case, taken=SYSTEM_COLUMNS)


def name_all(names: Iterable[str], *, keep_case: bool = False, taken: Iterable[str] = ()) -> Mapping[str, str]:
    """Name things so that no two are the same.

    Args:
        names: As they are, in an order that does not change.
        keep_case: Keep capital letters; such a name has to be quoted for ever.
        taken: Names that are not free.
    """
    used, found = set(taken), dict[str, str]()
    for name in names:
        folded = name if keep_case else name.lower()
        wanted = shorten(folded.replace("\0", "") or "_")
        if wanted in used:
            wanted = shorten(f"{wanted}_{_digest(name)}")
        used.add(wanted)
        found[name] = wanted
    return found


def shorten(name: str) -> str:
    """The name itself, or its beginning with a digest of the whole where it is too long."""
    if len(name.encode()) <= LONGEST:
        return name
    end = "_" + _digest(name)
    return name.encode()[: LONGEST - len(end)].decode(errors="ignore") + end


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
