"""Lint migration files: squawk and rules of our own, in one list; and what of both could not be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.domain.errors import ConsoleError
from console.migrations.files import name_of
from console.migrations.findings import Finding, Severity
from console.migrations.grammar import is_installed
from console.migrations.rules import check_script
from console.migrations.scripts import Direction, build_scripts
from console.migrations.squawk import run_squawk
from providers.contract import MigrationFile


@dataclass(frozen=True)
class Linted:
    """Findings by file and line, worst first on a line; `not_run` says which part could not look, and why."""

    findings: Sequence[Finding]
    not_run: Sequence[str] = ()

    @property
    def blocks(self) -> bool:
        return any(one.severity is Severity.BLOCKS for one in self.findings)

    def words_by_version(self, files: Sequence[MigrationFile]) -> Mapping[str, str]:
        """For the record: `good`, or how many findings of which severity; `not run` where a part did not look."""
        return {file.version: self._words(name_of(file)) for file in files}

    def _words(self, filename: str) -> str:
        own = [one.severity for one in self.findings if one.file == filename]
        counted = ", ".join(f"{own.count(one)} {one.value}" for one in Severity if one in own) or "good"
        return f"{counted}; not run: {', '.join(self.not_run)}" if self.not_run else counted


def lint(files: Sequence[MigrationFile], server: str = "") -> Linted:
    """Lint files; `server` is the server's major version where it is known.

    Raises:
        Rejected: A file cannot be cut into statements.
    """
    not_run: list[str] = []
    findings: list[Finding] = []
    downs = {file.version: bool(file.down.strip()) for file in files}
    if is_installed():
        for script in build_scripts("lint", Direction.UP, files):
            findings += check_script(script, has_down=downs[script.version])
    else:
        not_run.append("our own rules, since pglast is not installed")
    try:
        findings += run_squawk({name_of(file): file.sql for file in files}, server) if files else ()
    except ConsoleError as problem:
        not_run.append(problem.what.rstrip("."))
    order = list(Severity)
    findings.sort(key=lambda one: (one.file, one.line, order.index(one.severity), one.rule))
    return Linted(findings, not_run)
