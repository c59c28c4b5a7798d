"""Steps that change a database's schema, and take the change back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import Migrate, MigrateDown, MigrationFile


async def migrate(work: Work) -> Outcome:
    contracts, hold = bool(work.argument("contracts", False)), work.argument("hold_s", None)
    request = Migrate(str(work.argument("target")), _files(work), contracts, hold)
    ended = await work.perform(work.capabilities().migrate, request, f"apply {_versions(request.files)}")
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


async def migrate_down(work: Work) -> Outcome:
    """Take back only what the step applied: a version that was there before stays."""
    files = _files(work)
    outputs = work.argument("outputs", {})
    applied = outputs.get("applied") if isinstance(outputs, Mapping) else None
    if isinstance(applied, list):
        files = tuple(file for file in files if file.version in applied)
    if not files:
        return Done("nothing had been applied")
    request = MigrateDown(str(work.argument("target")), files)
    ended = await work.perform(work.capabilities().migrate_down, request, f"take back {_versions(files)}")
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


def _files(work: Work) -> tuple[MigrationFile, ...]:
    rows: list[Mapping[str, Any]] = work.argument("files")
    return tuple(
        MigrationFile(row["version"], row["name"], row["sql"], row.get("down", ""), row.get("verify", ""))
        for row in rows
    )


def _versions(files: tuple[MigrationFile, ...]) -> str:
    return ", ".join(file.version for file in files)
