"""Migration files as the Supabase CLI names them: `<stamp>_<name>.sql`, with `<stamp>_<name>.down.sql` beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.domain.errors import UsageError
from providers.contract import MigrationFile

_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.*?)(?P<kind>\.down|\.verify)?\.sql")


def read_migrations(files: Mapping[str, str]) -> tuple[MigrationFile, ...]:
    """Build the migrations of a directory, oldest first. Files of other names are passed over, as the CLI does.

    Args:
        files: Text by file name, without a directory.

    Raises:
        UsageError: Two files have the same version, or a down script belongs to none.
    """
    ups: dict[str, tuple[str, str, str]] = {}
    downs: dict[str, tuple[str, str]] = {}
    for filename, text in sorted(files.items()):
        parts = _NAME.fullmatch(filename)
        if parts is None or parts["kind"] == ".verify":
            continue
        version = parts["version"]
        known = downs.get(version) if parts["kind"] else ups.get(version)
        if known is not None:
            raise UsageError(
                f"Two migrations have the version {version}: {known[0]} and {filename}.",
                "migrations",
                "Give one of them a later stamp.",
            )
        if parts["kind"]:
            downs[version] = (filename, text)
        else:
            ups[version] = (filename, parts["name"], text)
    orphan = next((filename for version, (filename, _) in downs.items() if version not in ups), None)
    if orphan is not None:
        raise UsageError(
            f"{orphan} takes back a migration that is not there.", "migrations", "Add the migration, or remove it."
        )
    return tuple(
        MigrationFile(version, name, text, downs[version][1] if version in downs else "")
        for version, (_, name, text) in sorted(ups.items())
    )


def name_of(file: MigrationFile) -> str:
    """The file's name, for messages."""
    return f"{file.version}_{file.name}.sql"
