"""Migration files as the Supabase CLI names them: `<stamp>_<name>.sql`, with what takes it back and verifies it.

That is `<stamp>_<name>.down.sql` or `down_<stamp>_<name>.sql`, likewise with `verify`. The CLI takes the first form for
migrations of its own and would run them; the second it passes over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from console.domain.errors import UsageError
from providers.contract import MigrationFile

_NAME = re.compile(r"(?:(?P<before>down|verify)_)?(?P<version>[0-9]+)_(?P<name>.*?)(?:\.(?P<behind>down|verify))?\.sql")
_BYTE_ORDER_MARK = "\ufeff"


def read_migrations(files: Mapping[str, str]) -> tuple[MigrationFile, ...]:
    """Build the migrations of a directory, oldest first. Files of other names are passed over, as the CLI does.

    Args:
        files: Text by file name, without a directory.

    Raises:
        UsageError: Two files have the same version, or a down or verify script belongs to none.
    """
    found: dict[str, dict[str, tuple[str, str, str]]] = {"": {}, "down": {}, "verify": {}}
    for filename, text in sorted(files.items()):
        parts = _NAME.fullmatch(filename)
        if parts is None:
            continue
        version, same = parts["version"], found[parts["before"] or parts["behind"] or ""]
        if version in same:
            raise UsageError(
                f"Two files of one kind have the version {version}: {same[version][0]} and {filename}.",
                "migrations",
                "Give one of them a later stamp.",
            )
        same[version] = (filename, parts["name"], text.removeprefix(_BYTE_ORDER_MARK))
    ups, downs, verifies = found.values()
    for scripts, does in ((downs, "takes back"), (verifies, "verifies")):
        for version, (filename, _, _) in scripts.items():
            if version not in ups:
                raise UsageError(
                    f"{filename} {does} a migration that is not there.",
                    "migrations",
                    "Add the migration, or remove it.",
                )
    nothing = ("", "", "")
    return tuple(
        MigrationFile(version, name, text, downs.get(version, nothing)[2], verifies.get(version, nothing)[2])
        for version, (_, name, text) in sorted(ups.items(), key=lambda one: age_of(one[0]))
    )


def read_text(filename: str, content: bytes) -> str:
    """A file's text.

    Raises:
        UsageError: It is not in UTF-8; says where.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise UsageError(
            f"{filename} is no text in UTF-8: byte 0x{content[problem.start]:02x} in line {line}.",
            "migrations",
            "Save it in UTF-8.",
        ) from None


def age_of(version: str) -> tuple[int, str]:
    """By what versions are put in order: as numbers, so that 10 comes after 9; what is none comes first."""
    return (int(version) if version.isdecimal() else -1, version)


def is_migration(filename: str) -> bool:
    """Whether a file is named as a migration, or as what belongs to one."""
    is_text = filename.encode(errors="ignore").decode() == filename
    return is_text and _NAME.fullmatch(filename) is not None


def taken_for_migrations(filenames: Iterable[str]) -> Sequence[str]:
    """Those of the files that the Supabase CLI would run as migrations of their own."""
    return [one for one in filenames if (parts := _NAME.fullmatch(one)) and parts["behind"] and not parts["before"]]


def better_name(filename: str) -> str:
    """The name of such a file that the Supabase CLI passes over."""
    stem, kind = filename.removesuffix(".sql").rsplit(".", 1)
    return f"{kind}_{stem}.sql"


def name_of(file: MigrationFile) -> str:
    """The file's name, for messages."""
    return f"{file.version}_{file.name}.sql"
