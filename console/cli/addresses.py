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


_UNREACHED = {
    "refused": "nobody listens at that host and port",
    "translate host": "its host name is unknown",
    "authentication failed": "the user or the password is wrong",
    "no password": "it wants a password, and the address has none",
    "does not exist": "there is no such database or user",
    "pg_hba": "it lets this user in from nowhere near here",
    "timeout": "it did not answer in time",
    "SSL": "the encrypted connection failed",
    "certificate": "the encrypted connection failed",
    "slots": "it takes no more connections",
    "too many": "it takes no more connections",
    'missing "="': "the address is not written as one, such as postgresql://USER@HOST/DATABASE",
}
"""What the words of the client's library mean; they hold parts of the address and are not shown."""
_GO_ON = "Nothing is lost: the same command goes on from there."
_REMEDIES = {"42501": "Let an owner GRANT what is missing, then run it again.", "42939": "Name another schema."}


def in_words(problem: Exception, option: str) -> ConsoleError:
    """The server's words without the address, which holds a password."""
    diag = getattr(problem, "diag", None)
    said = getattr(diag, "message_primary", None)
    state = getattr(problem, "sqlstate", None)
    if said:
        remedy = _REMEDIES.get(state or "", _GO_ON)
        return ConsoleError(f"The database does not go on: {said}.", f"{option} · {state or 'no answer'}", remedy)
    text = str(problem)
    why = next((words for part, words in _UNREACHED.items() if part in text), type(problem).__name__)
    remedy = f"Correct what the reference leads to, or wait for the server. {_GO_ON}"
    return ConsoleError(f"The database does not go on: {why}.", f"{option} · no answer", remedy)
