"""What an older release would miss after a migration file, told from the file alone."""

from __future__ import annotations

from collections.abc import Sequence

from console.migrations.statement import Phase
from providers.contract import MigrationFile


def name_contracts(file: MigrationFile) -> Sequence[str]:
    """What the file takes away, in words; empty for one that only adds, and for one that cannot be read."""
    from console.migrations.classify import classify_file
    from console.migrations.grammar import split_file
    from console.migrations.split import UnfinishedSql

    try:
        statements = split_file(file.sql)
    except UnfinishedSql:
        return ()
    found = [one.why for one in classify_file(file.sql, statements) if one.phase is Phase.CONTRACT]
    return tuple(dict.fromkeys(found))
