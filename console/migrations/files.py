"""Migration files as the Supabase CLI names them: `<digits>_<name>.sql`, here with `.down.sql` beside."""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.contract import MigrationFile

NAME = re.compile(r"^(?P<version>[0-9]+)_(?P<name>.*?)(?P<role>\.down|\.verify)?\.sql$")


def read_migrations(files: Mapping[str, str]) -> tuple[MigrationFile, ...]:
    """Pair each migration with its down script, oldest version first; files of another name are passed over.

    Args:
        files: Text by file name, of one directory.
    """
    roles: dict[tuple[str, str], dict[str, str]] = {}
    for file_name, text in files.items():
        match = NAME.match(file_name)
        if match is not None:
            key = (match["version"], match["name"])
            roles.setdefault(key, {})[match["role"] or ""] = text
    return tuple(
        MigrationFile(version, name, texts[""], texts.get(".down", ""))
        for (version, name), texts in sorted(roles.items(), key=lambda item: (int(item[0][0]), item[0]))
        if "" in texts
    )
