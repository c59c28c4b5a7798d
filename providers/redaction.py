"""Remove secrets from any text that may be shown, logged or recorded.

Known values go first, whatever they look like; then shapes that are secrets anywhere: bearer headers, the platforms'
token prefixes, JSON Web Tokens, passwords inside addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "•••"
SHORTEST_SECRET = 6
SECRET_HEADERS = frozenset({"authorization", "apikey", "api-key", "x-api-key"})

_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic|token)(\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1\2{MASK}"),
    (re.compile(r"\b(?:rnd|sbp|sb_secret|gh[pousr]|github_pat|vcp|vck|whsec)_[A-Za-z0-9_]{4,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    (
        re.compile(
            r"""(?ix) ( ["']? (?:[a-z0-9_-]*password|passwd|secret|api[_-]?key|access[_-]?token|db_pass|jwt_secret)"""
            r"""["']? \s*[:=]\s* ["']? ) [^\s"',;&}]{3,}"""
        ),
        rf"\1{MASK}",
    ),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace every secret in `text` by a mask.

    Args:
        text: Anything, also a body of unknown shape.
        secrets: Values known to be secret. Ones shorter than six characters are left alone, because masking them
            would tear ordinary words apart.
    """
    for secret in sorted((s for s in secrets if len(s) >= SHORTEST_SECRET), key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, MASK)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def excerpt(text: str, secrets: Iterable[str] = (), limit: int = 200) -> str:
    """Shorten a body to one redacted line of at most `limit` characters. Redacts first, so no half secret is left."""
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def secrets_in(headers: Mapping[str, str]) -> list[str]:
    """The secrets that request headers carry, without the name of their scheme."""
    return [value.split(" ", 1)[-1] for name, value in headers.items() if name.lower() in SECRET_HEADERS]
