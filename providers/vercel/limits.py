"""What counts against which rate limit: at Vercel every kind of call has one of its own.

Sharing one would let a used-up limit hold back what has nothing to do with it: a hundred builds an hour, a rollback.
"""

from __future__ import annotations

from providers.http import read_or_write

THINGS = frozenset(
    {
        *("user", "teams", "projects", "deployments", "aliases", "domains", "records", "certs", "edge-config", "items"),
        *("env", "promote", "rollback", "pause", "unpause", "events", "runtime-logs", "cancel", "check-runs", "verify"),
        *("config", "rolling-release", "approve-stage", "complete", "billing", "charges", "query", "visits"),
    }
)


def limit_class(method: str, path: str) -> str:
    """Name the limit by the words of a path, without versions and ids: `write projects rollback`."""
    words = [part for part in path.partition("?")[0].split("/") if part in THINGS]
    return " ".join([read_or_write(method, path), *words])
