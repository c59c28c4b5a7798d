"""`secrets check`: every secret that the configuration refers to, and what the platforms have that looks like one."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.config.faults import dotted
from console.config.secrets import SecretMissing, find_references, resolve
from console.config.settings import Settings, is_reference
from console.domain.clock import Clock
from console.domain.errors import ConsoleError
from console.domain.ids import EnvironmentName
from console.domain.secrets import SecretFinding, SecretProblem, SecretReport, SecretUse
from console.domain.variables import UNREADABLE
from console.engine.past import fetch_past
from console.engine.variables import Place, Variables
from console.server.variables import LOOK_BACK
from console.storage.ledger import Ledger
from console.variables.secrets import find_old, find_shared, looks_secret, since_when

OWN_FILES = ("history.db*", "engine.db*", "worker.log", "kept", "kept/*")
Sightings = Mapping[tuple[str, str, str], datetime]


class SecretDesk:
    """Looks at secrets; answers with names, places, times and digests."""

    def __init__(self, settings: Settings, variables: Variables, ledger: Ledger, clock: Clock, home: Path) -> None:
        self._settings = settings
        self._variables = variables
        self._ledger = ledger
        self._clock = clock
        self._home = home
        self._base = settings.file.parent if settings.file else Path()

    async def check(self, max_age: timedelta) -> SecretReport:
        """Look at everything now; platforms that do not answer are named in the notes."""
        now = self._clock.now()
        uses, findings = await asyncio.to_thread(self._look_at_references)
        notes: list[str] = []
        for environment in map(EnvironmentName, self._settings.environments):
            seen = since_when(await fetch_past(self._ledger, environment, LOOK_BACK))
            for place in self._variables.places(environment):
                try:
                    actual = await self._variables.fetch_actual(place.provider, place.target)
                except ConsoleError as problem:
                    notes.append(f"{place} in {environment} could not be read: {problem.what}")
                    continue
                found = self._look_at_place(place, self._variables.masker.mask_all(actual), uses, seen)
                uses = _merge(uses, found)
                findings += self._find_unnamed(place, actual)
        findings += [*find_shared(uses), *find_old(uses, now, max_age), *self._find_idle_providers()]
        findings += await asyncio.to_thread(lambda: list(self._find_open_files()))
        ordered = sorted(dict.fromkeys(findings), key=lambda finding: (finding.problem.value, finding.names))
        return SecretReport(now, not ordered and not notes, tuple(uses), tuple(ordered), tuple(notes))

    def _references(self) -> Iterator[tuple[str, str, str]]:
        """Name, environment and reference of everything that is written by reference."""
        for key, reference in find_references(self._settings):
            yield dotted(key), str(key[1]) if key[0] == "environments" else "", reference
        for environment, settings in self._settings.environments.items():
            for service in settings.services:
                for name, written in self._settings.variables_of(environment, service).items():
                    if is_reference(written):
                        yield f"{environment}/{service}/{name}", environment, written

    def _look_at_references(self) -> tuple[list[SecretUse], list[SecretFinding]]:
        uses: list[SecretUse] = []
        findings: list[SecretFinding] = []
        for name, environment, reference in self._references():
            shown = "command:…" if reference.startswith("command:") else reference
            digest, since = "", None
            try:
                digest = self._variables.masker.mask(resolve(reference, self._base).reveal())
                since = self._file_time(reference)
            except SecretMissing as problem:
                is_open = reference.startswith("file:") and "by others" in problem.what
                kind = SecretProblem.OPEN if is_open else SecretProblem.UNRESOLVED
                findings.append(SecretFinding(kind, (name,), f"{name}: {problem.what}", problem.remedy))
            uses.append(SecretUse(name, environment, shown, digest, since))
        return uses, findings

    def _file_time(self, reference: str) -> datetime | None:
        if not reference.startswith("file:"):
            return None
        path = self._base / Path(reference.removeprefix("file:")).expanduser()
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _look_at_place(
        self, place: Place, actual: Mapping[str, str], uses: list[SecretUse], seen: Sightings
    ) -> list[SecretUse]:
        """What a place has of secrets: those that are configured, and those whose name says so."""
        known = {use.name for use in uses}
        found = []
        for name, digest in actual.items():
            full = f"{place.environment}/{place.service}/{name}"
            if full in known or looks_secret(name):
                since = seen.get((place.target, name, digest))
                found.append(SecretUse(full, place.environment, "", "" if digest == UNREADABLE else digest, since))
        return found

    def _find_unnamed(self, place: Place, actual: Mapping[str, str | None]) -> list[SecretFinding]:
        """Set on the platform and named by no configuration; told only where the service is configured from here."""
        named = self._settings.variables_of(place.environment, place.service)
        unnamed = [name for name in actual if named and name not in named and looks_secret(name)]
        return [
            SecretFinding(
                SecretProblem.UNUSED,
                (f"{place.environment}/{place.service}/{name}",),
                f"{name} is set for {place} in {place.environment}, and no configuration refers to it.",
                "Write it into the configuration, or remove it on the platform.",
            )
            for name in unnamed
        ]

    def _find_idle_providers(self) -> Iterator[SecretFinding]:
        settings = self._settings
        used = {settings.source.provider, "web", *(service.provider for service in settings.services.values())}
        for environment in settings.environments.values():
            used |= {placement.traffic.router for placement in environment.services.values() if placement.traffic}
        for key, _ in find_references(settings):
            if key[0] == "providers" and key[1] not in used:
                what = f"{dotted(key)} is a secret of a provider that nothing uses."
                yield SecretFinding(SecretProblem.UNUSED, (dotted(key),), what, "Remove the provider, and revoke it.")

    def _find_open_files(self) -> Iterator[SecretFinding]:
        for pattern in OWN_FILES:
            for path in sorted(self._home.glob(pattern)):
                mode = stat.S_IMODE(path.stat().st_mode)
                if mode & 0o077:
                    remedy = f"Run: chmod {'700' if path.is_dir() else '600'} {path}"
                    yield SecretFinding(
                        SecretProblem.OPEN, (str(path),), f"{path} is open to others (mode {mode:04o}).", remedy
                    )
        for name, _, reference in self._references():
            folder = (self._base / Path(reference.partition(":")[2]).expanduser()).parent
            if reference.startswith("file:") and folder.is_dir():
                mode = stat.S_IMODE(folder.stat().st_mode)
                if mode & 0o022 and not mode & stat.S_ISVTX:
                    what = f"Others can replace the secret of {name}: {folder} has mode {mode:04o}."
                    yield SecretFinding(SecretProblem.OPEN, (name,), what, f"Run: chmod go-w {folder}")


def _merge(uses: list[SecretUse], found: list[SecretUse]) -> list[SecretUse]:
    """Let what a platform shows add to what the configuration says, under the same name and digest."""
    merged = {(use.name, use.digest): use for use in uses}
    for use in found:
        known = merged.get((use.name, use.digest))
        if known is None:
            merged[(use.name, use.digest)] = use
            continue
        times = [since for since in (known.since, use.since) if since is not None]
        merged[(use.name, use.digest)] = SecretUse(
            known.name, known.environment, known.reference, known.digest, min(times, default=None)
        )
    return list(merged.values())
