"""Digests in the place of values."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from console.domain.variables import UNREADABLE

LENGTH = 12


class Masker:
    """Turns values into digests: HMAC-SHA-256 under a salt, the first 48 bits in hexadecimal.

    Two different values share a digest once in 2**48 pairs. The salt must stay with the worker: whoever has it can try
    short values one after the other.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def mask(self, value: str | None) -> str:
        """None is a value that the platform keeps to itself."""
        if value is None:
            return UNREADABLE
        return hmac.new(self._salt, value.encode(), hashlib.sha256).hexdigest()[:LENGTH]

    def mask_all(self, values: Mapping[str, str | None]) -> dict[str, str]:
        return {name: self.mask(values[name]) for name in sorted(values)}

    def __repr__(self) -> str:
        return "Masker(…)"
