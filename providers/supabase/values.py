"""Settings come as texts, and the platform wants numbers and booleans; secrets come back as digests."""

from __future__ import annotations

import hashlib
import hmac

UNSET = "null"
"""The text that takes a setting's value away."""
TRUTHS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def parse_value(text: str, kind: type) -> object:
    """Read a text as this kind; one that does not fit stays a text, for the platform to refuse in its words."""
    if kind is bool:
        return TRUTHS.get(text.lower(), text)
    if kind is int and text.lstrip("-").isdigit():
        return int(text)
    if kind is float:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def is_same(shown: object, value: object, ref: str) -> bool:
    """Whether what the platform shows is this value, or a digest of it.

    Secrets are listed by their SHA-256; those of the auth settings by an HMAC keyed with the project's ref, as the
    platform's own command line compares them.
    """
    if shown == value:
        return True
    if not isinstance(value, str) or not isinstance(shown, str):
        return False
    plain = hashlib.sha256(value.encode()).hexdigest()
    keyed = hmac.new(ref.encode(), value.encode(), hashlib.sha256).hexdigest()
    return shown in (plain, keyed)
