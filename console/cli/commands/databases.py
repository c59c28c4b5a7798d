"""Commands that move data: `transfer`, `switch-over`."""

from __future__ import annotations

from pathlib import Path

from console.cli.grammar import Commands, add_command, add_group
from console.cli.options import add_environment, add_reason, add_request_id, add_services, add_wait, add_yes


def add(commands: Commands) -> None:
    """Add them to the command line."""
    _add_switch_over(commands)
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
    words = "bring only what changed since: by keys and hashes, into the tables that are there"
    data.add_argument("--incremental", action="store_true", help=words)
    words = "with --incremental: rows that the source no longer has go over there too"
    data.add_argument("--deletes", action="store_true", help=words)
    words = "with --incremental, what becomes of rows that others wrote over there meanwhile (stop)"
    data.add_argument("--on-conflict", choices=["source", "target", "stop"], help=words)
    _add_files(kinds)


def _add_files(kinds: Commands) -> None:
    words = "a folder into a bucket: each file once, verified by digest, and the references to it with it"
    files = add_command(kinds, "files", "console.cli.transferring_files:files", words)
    files.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER", help="the folder")
    files.add_argument("--to", required=True, metavar="PROVIDER", help="a provider that keeps files, as configured")
    files.add_argument("--bucket", required=True, metavar="NAME", help="the bucket; it must be there")
    files.add_argument("--project", default="", metavar="REF", help="the project, where several are configured")
    files.add_argument("--prefix", default="", metavar="PATH", help="a folder of the bucket that the keys begin with")
    acts = files.add_mutually_exclusive_group()
    acts.add_argument("--dry-run", action="store_true", help="look, and change nothing")
    acts.add_argument("--check", action="store_true", help="compare folder and bucket, and change nothing")
    words = "tell which columns of the database name these files, and change nothing"
    acts.add_argument("--find-references", action="store_true", help=words)
    words = "then rewrite references in these columns, once every file is verified"
    acts.add_argument("--rewrite", nargs="+", default=[], metavar="TABLE.COLUMN", help=words)
    words = "give rewritten references their old text, where nobody changed them since"
    acts.add_argument("--revert", action="store_true", help=words)
    words = "the database with the references, as env:NAME, file:PATH, … (else the project's database_url)"
    files.add_argument("--database", default="", metavar="REFERENCE", help=words)
    words = "what stands before a path in references, as https://old.example/media/; may be repeated"
    files.add_argument("--old-prefix", action="append", default=[], metavar="TEXT", help=words)
    words = "what references become: the public address, or bucket/key (auto: by whether the bucket is public)"
    files.add_argument("--refer-by", choices=["auto", "url", "key"], default="auto", help=words)
    files.add_argument("--triggers-ok", action="store_true", help="rewrite also where triggers run on an update")
    files.add_argument(
        "--download", action="store_true", help="read every content back to verify it, or to compare it with --check"
    )
    files.add_argument("--replace", action="store_true", help="take the place of other files under the same keys")
    files.add_argument("--follow-links", action="store_true", help="upload what links to files lead to")
    files.add_argument("--leave-ok", action="store_true", help="end well also when something stayed behind")


def _add_switch_over(commands: Commands) -> None:
    words = "the first production deployment: bring the data over, then a release that uses it there"
    switch = add_command(commands, "switch-over", "console.cli.switching:switch_over", words)
    add_environment(switch)
    words = "the SQLite file, on the worker's host"
    switch.add_argument("--from", dest="source", type=Path, required=True, metavar="FILE", help=words)
    switch.add_argument("--database", default="", metavar="SERVICE", help="where it goes (else the only database)")
    switch.add_argument("--schema", default="public", metavar="NAME", help="the schema over there (public)")
    switch.add_argument("--rules", type=Path, metavar="FILE", help="what you decided about columns, in TOML")
    switch.add_argument("--keep-case", action="store_true", help="keep capital letters in names")
    switch.add_argument("--quarantine-ok", action="store_true", help="go on also with rows in quarantine")
    switch.add_argument("--files", type=Path, metavar="FOLDER", help="uploads that go along, on the worker's host")
    switch.add_argument("--bucket", default="", metavar="NAME", help="where they go (else the folder's name)")
    switch.add_argument("--public", action="store_true", help="let everybody read the bucket")
    switch.add_argument("--prefix", default="", metavar="TEXT", help="what their keys begin with")
    words = "rewrite references to files there, as TABLE.COLUMN; may be repeated"
    switch.add_argument("--rewrite", action="append", default=[], metavar="COLUMN", help=words)
    words = "what stood before a file's path in references so far; may be repeated (the folder's name and path)"
    switch.add_argument("--old-prefix", action="append", default=[], metavar="TEXT", help=words)
    switch.add_argument("--leave-ok", action="store_true", help="go on also with files that cannot go")
    switch.add_argument("--leave-open", action="store_true", help="nobody writes to the source: do not close it")
    switch.add_argument("--release", default="", metavar="REF", help="tag, branch or commit (else the branch's head)")
    switch.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    add_services(switch)
    add_reason(switch)
    add_yes(switch)
    add_request_id(switch, "switch-over")
    add_wait(switch)
