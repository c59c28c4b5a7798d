"""An immutable build of the product: a commit, and the name people call it by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Release:
    """`commit` is the full hash that every platform is asked to build; `name` is the tag or branch it came from."""

    commit: str
    name: str
    message: str = ""
    author: str = ""
    committed_at: datetime | None = None

    @property
    def short(self) -> str:
        return self.commit[:8]

    def __str__(self) -> str:
        if not self.commit:
            return self.name
        return self.short if self.name in {self.commit, self.short} else f"{self.name} ({self.short})"
