"""Addresses of databases, which are secrets: found by reference, and never in what goes wrong."""

from __future__ import annotations

from pathlib import Path

from console.config.secrets import SecretMissing, resolve
from console.domain.errors import ConsoleError, UsageError


def find_address(reference: str, option: str, base: Path | None = None) -> str:
    """The address that a reference leads to.

    Args:
        option: Where the reference was written, for messages.
        base: What paths are relative to.

    Raises:
        UsageError: It leads nowhere, or to a pooler that hands out a connection for each transaction.
    """
    from console.transfer.data.look import refuse_pooler

    try:
        address = resolve(reference, base or Path()).reveal()
    except SecretMissing as problem:
        raise UsageError(problem.what, option, problem.remedy) from problem
    refuse_pooler(address, option)
    return address


def in_words(problem: Exception, option: str) -> ConsoleError:
    """The server's words without the address, which holds a password."""
    diag = getattr(problem, "diag", None)
    said = getattr(diag, "message_primary", None) or type(problem).__name__
    state = getattr(problem, "sqlstate", None) or "no answer"
    return ConsoleError(
        f"The database does not go on: {said}.",
        f"{option} · {state}",
        "Nothing is lost: the same command goes on from there.",
    )
