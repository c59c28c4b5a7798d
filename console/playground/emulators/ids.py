"""Ids in the shapes that each platform gives them."""

import secrets

_BASE32 = "0123456789abcdefghijklmnopqrstuv"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def render_id(prefix: str) -> str:
    """Make a Render id: `dep-` and 20 characters, as in `dep-cu2k5bjqf0us73fbvf5g`."""
    return f"{prefix}-{_draw(_BASE32, 20)}"


def render_instance_id(service_id: str) -> str:
    """Make the id of one instance of a Render service: the service's id and five characters."""
    return f"{service_id}-{_draw(_BASE32, 5)}"


def vercel_id(prefix: str) -> str:
    """Make a Vercel id: `dpl_` and 28 characters."""
    return f"{prefix}_{_draw(_BASE62, 28)}"


def slug(length: int) -> str:
    """Draw lowercase letters and digits, as in the name of a Vercel deployment's host."""
    return _draw(_BASE32, length)


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
