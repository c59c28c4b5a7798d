"""Judge secrets by their digests: which are old, and which serve more than one environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from console.domain.deployment import Deployment
from console.domain.secrets import SecretFinding, SecretProblem, SecretUse

SECRET_WORDS = re.compile(r"(?i)(?:token|secret|passw(?:or)?d|api_?key|private_?key|credential|dsn)")


def looks_secret(name: str) -> bool:
    """Whether a variable's name says that its value is not for everybody."""
    return SECRET_WORDS.search(name) is not None


def find_shared(uses: Sequence[SecretUse]) -> Iterator[SecretFinding]:
    """The same value in several environments: who has the one has the other."""
    by_digest: dict[str, list[SecretUse]] = {}
    for use in uses:
        if use.digest and use.environment:
            by_digest.setdefault(use.digest, []).append(use)
    for digest, same in by_digest.items():
        environments = sorted({use.environment for use in same})
        if len(environments) > 1:
            names = tuple(dict.fromkeys(use.name for use in same))
            what = f"{', '.join(environments)} share one secret ({digest}): {', '.join(names)}."
            yield SecretFinding(SecretProblem.SHARED, names, what, "Give each environment its own.")


def find_old(uses: Iterable[SecretUse], now: datetime, max_age: timedelta) -> Iterator[SecretFinding]:
    for use in uses:
        if use.since is not None and now - use.since > max_age:
            what = f"{use.name} is at least {(now - use.since).days} days old."
            yield SecretFinding(SecretProblem.OLD, (use.name,), what, "Make a new one, then revoke this one.")


def since_when(deployments: Iterable[Deployment]) -> Mapping[tuple[str, str, str], datetime]:
    """By target, variable and digest, when a deployment first recorded it."""
    found: dict[tuple[str, str, str], datetime] = {}
    for deployment in deployments:
        for record in deployment.configurations:
            for name, digest in record.digests.items():
                key = (record.target, name, digest)
                found[key] = min(found.get(key, deployment.requested_at), deployment.requested_at)
    return found
