"""Commands that move data: `transfer`."""

from __future__ import annotations

from pathlib import Path

from console.cli.grammar import Commands, add_command, add_group


def add(commands: Commands) -> None:
    """Add them to the command line."""
    kinds = add_group(commands, "transfer", "bring data to where the product will live")
    words = "a SQLite file into a PostgreSQL: proven row by row, the rest in quarantine with its reason"
    data = add_command(kinds, "data", "console.cli.transferring:data", words)
    data.add_argument("--from", dest="source", type=Path, required=True, metavar="FILE", help="the SQLite file")
    words = "the PostgreSQL's address, as a reference: env:NAME, file:PATH, keyring:… or command:…"
    data.add_argument("--to", required=True, metavar="REFERENCE", help=words)
    data.add_argument("--schema", default="public", metavar="NAME", help="the schema over there (public)")
    data.add_argument("--table", action="append", default=[], metavar="NAME", help="only this table; may be repeated")
    data.add_argument("--rules", type=Path, metavar="FILE", help="what you decided about columns, in TOML")
    data.add_argument("--keep-case", action="store_true", help="keep capital letters in names")
    data.add_argument("--dry-run", action="store_true", help="look and choose, and change nothing")
    data.add_argument("--quarantine-ok", action="store_true", help="end well also with rows in quarantine")
