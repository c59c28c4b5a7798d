"""What GitHub's scanners found: vulnerable dependencies, faults in code, leaked secrets. Never the secrets themselves.

A scanner that is off, or that this token may not see, answers 403 or 404: that is unknown, never clean.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from console.domain.errors import Rejected, Unauthorized
from providers.contract import SecurityAlert
from providers.wire import flag, moment, need_items, need_text, text

if TYPE_CHECKING:
    from providers.github.client import GitHubClient

SWITCHED_OFF = re.compile(
    r"not enabled|disabled|not available|no analysis found|must be enabled|archived", re.IGNORECASE
)
ALERTS_AT_MOST = 500


@dataclass(frozen=True)
class ListAlerts:
    severity: Annotated[str, "of dependencies, only those: low, medium, high or critical; several with commas"] = ""
    ref: Annotated[str, "of code, only what was found on this branch"] = ""


@dataclass(frozen=True)
class Alert:
    """`severity` in GitHub's word; a leaked secret has the validity that GitHub found there.

    `commit` is where it was found; empty for a dependency, which is the repository's.
    """

    number: int
    severity: str
    summary: str
    place: str
    at: datetime | None
    url: str
    commit: str = ""


@dataclass(frozen=True)
class Findings:
    """`known` is false where the scanner is off or hidden; `reason` has GitHub's words. Open alerts, newest first."""

    known: bool
    alerts: tuple[Alert, ...] = ()
    reason: str = ""


Parse = Callable[[object], Alert]


class CommitAlerts:
    """`AlertSource`: what code scanning and secret scanning found in one commit.

    A vulnerable dependency is not among them: its alert is of the repository, and as true of the release before.
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def fetch_alerts(self, commit: str) -> Sequence[SecurityAlert]:
        readings = AlertReadings(self._client)
        found = await asyncio.gather(
            readings.look("code-scanning", {}, parse_code),
            readings.look("secret-scanning", {"hide_secret": "true"}, parse_secret),
        )
        if not any(one.known for one in found):
            remedy = "Switch on code scanning or secret scanning, or give the token `security_events`."
            raise Rejected(self._client.http.provider, f"No scanner tells of alerts: {found[0].reason}", "", remedy)
        code, leaked = ([one for one in scanner.alerts if one.commit == commit] for scanner in found)
        return [
            *(SecurityAlert(one.url, one.at, one.severity, f"{one.summary} at {one.place}") for one in code),
            *(SecurityAlert(one.url, one.at, "secret", f"leaked {one.summary}") for one in leaked),
        ]


class AlertReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def list(self, request: ListAlerts) -> Mapping[str, Findings]:
        scanners: Mapping[str, tuple[Mapping[str, Any], Parse]] = {
            "dependabot": ({"severity": request.severity or None}, parse_dependency),
            "code-scanning": ({"ref": request.ref or None}, parse_code),
            # Without this GitHub puts the secret itself into the answer.
            "secret-scanning": ({"hide_secret": "true"}, parse_secret),
        }
        found = await asyncio.gather(*(self.look(name, *what) for name, what in scanners.items()))
        return dict(zip(scanners, found, strict=True))

    async def look(self, scanner: str, params: Mapping[str, Any], parse: Parse) -> Findings:
        path = self._client.at(scanner, "alerts")

        def read(node: object) -> Sequence[Alert]:
            return [parse(one) for one in need_items(node)]

        try:
            alerts = await self._client.fetch_all(path, read, {"state": "open", **params}, ALERTS_AT_MOST)
        except Unauthorized as refusal:
            if not SWITCHED_OFF.search(refusal.what):
                raise
            return Findings(False, reason=refusal.what)
        except Rejected as refusal:
            if "HTTP 404" not in refusal.where:
                raise
            return Findings(False, reason=refusal.what)
        return Findings(True, tuple(alerts))


def parse_dependency(node: object) -> Alert:
    package = text(node, "dependency", "package", "name")
    return Alert(
        number=int(need_text(node, "number")),
        severity=text(node, "security_vulnerability", "severity") or text(node, "security_advisory", "severity"),
        summary=f"{package}: {text(node, 'security_advisory', 'summary')}",
        place=text(node, "dependency", "manifest_path"),
        at=moment(node, "created_at"),
        url=text(node, "html_url"),
    )


def parse_code(node: object) -> Alert:
    where = text(node, "most_recent_instance", "location", "path")
    line = text(node, "most_recent_instance", "location", "start_line")
    return Alert(
        number=int(need_text(node, "number")),
        severity=text(node, "rule", "security_severity_level") or text(node, "rule", "severity"),
        summary=text(node, "rule", "description") or text(node, "rule", "id"),
        place=":".join(filter(None, (where, line))),
        at=moment(node, "created_at"),
        url=text(node, "html_url"),
        commit=text(node, "most_recent_instance", "commit_sha"),
    )


def parse_secret(node: object) -> Alert:
    """Its kind and whether it still works; the value is not looked at."""
    leaked = " (public)" if flag(node, "publicly_leaked") else ""
    return Alert(
        number=int(need_text(node, "number")),
        severity=text(node, "validity"),
        summary=(text(node, "secret_type_display_name") or text(node, "secret_type")) + leaked,
        place=text(node, "first_location_detected", "path"),
        at=moment(node, "created_at"),
        url=text(node, "html_url"),
        commit=text(node, "first_location_detected", "commit_sha"),
    )
