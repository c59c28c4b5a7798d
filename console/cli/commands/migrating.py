"""The command `migrate` and its actions: changes of a database's schema."""

from __future__ import annotations

from console.cli.grammar import Commands, Parser, add_command, add_group

MODULE = "console.cli.migrating"


def add(commands: Commands) -> None:
    """Add them to the command line."""
    actions = add_group(commands, "migrate", "changes of a database's schema: files of SQL, applied and taken back")
    _add(actions, "status", "which files are applied, half done, edited or to come, and what is broken")
    lint = _add(actions, "lint", "what could stop readers and writers, or take something away; needs no database")
    lint.add_argument("--all", action="store_true", help="with a database: also files that are applied already")
    _add(actions, "plan", "what `up` would run: locks, whom they stop and for about how long, and why it would refuse")
    up = _add(actions, "up", "apply what is not applied, oldest first; verify each, and take back what fails")
    _add_leave(up)
    _add_hold(up)
    up.add_argument("--read-only", action="store_true", help="let nobody else write meanwhile, and prove what stayed")
    up.add_argument("--figures", default="", metavar="FILE", help="keep there how long statements took until now")
    down = _add(actions, "down", "take back by down scripts, newest first")
    group = down.add_mutually_exclusive_group(required=True)
    group.add_argument("--to", default="", metavar="VERSION", help="all that is newer than this one")
    group.add_argument("--version", dest="versions", nargs="+", default=[], metavar="VERSION", help="these")
    _add_hold(down)
    words = "where a down script is missing: restore the backup from before, which loses what was written since"
    down.add_argument("--restore-database", action="store_true", help=words)
    words = "with --restore-database: the environment's name (or the database's), instead of being asked"
    down.add_argument("--confirm", default="", metavar="NAME", help=words)
    down.add_argument("--yes", action="store_true", help="do not ask")
    words = "ask the verify scripts of all applied files, and for advice about what is open, slow or broken"
    verify = _add(actions, "verify", words)
    verify.add_argument("--figures", default="", metavar="FILE", help="tell what became slower since `up` kept them")
    repair = _add(actions, "repair", "make the history say what is so, without SQL of the files; rebuild indexes")
    kinds = repair.add_mutually_exclusive_group(required=True)
    kinds.add_argument("--applied", nargs="+", default=[], metavar="VERSION", help="these are applied")
    kinds.add_argument("--reverted", nargs="+", default=[], metavar="VERSION", help="these are not")
    kinds.add_argument(
        "--done", nargs=2, default=[], metavar=("VERSION", "COUNT"), help="so many statements of this file are done"
    )
    words = "rebuild these indexes (else all that are invalid) beside the ones that serve"
    kinds.add_argument("--reindex", nargs="*", default=None, metavar="INDEX", help=words)
    kinds.add_argument("--writable", action="store_true", help="end a read-only mode that a run left which died")
    repair.add_argument("--yes", action="store_true", help="do not ask")


def _add(actions: Commands, name: str, words: str) -> Parser:
    parser = add_command(actions, name, f"{MODULE}:{name}", words)
    parser.add_argument("environment", metavar="ENV", nargs="?", default="", help="environment whose database is meant")
    parser.add_argument("--service", default="", metavar="NAME", help="its service with a database (else the only one)")
    parser.add_argument(
        "--database-url", default="", metavar="REFERENCE", help="any PostgreSQL instead: env:NAME, file:PATH, …"
    )
    parser.add_argument(
        "--directory", default="", metavar="DIR", help="where the files are (else the configuration's, from here)"
    )
    return parser


def _add_hold(parser: Parser) -> None:
    words = "how long readers of a table may wait for a file, all in all (default 2); 0 sets no limit"
    parser.add_argument("--hold", type=float, default=2.0, metavar="SECONDS", help=words)


def _add_leave(parser: Parser) -> None:
    parser.add_argument("--include-all", action="store_true", help="also files older than the newest applied one")
    parser.add_argument("--contract", action="store_true", help="also what an older release would fail by")
    parser.add_argument(
        "--serving", nargs="+", default=[], metavar="REF", help="older releases that still serve: no contract then"
    )
    parser.add_argument("--allow", nargs="+", default=[], metavar="RULE", help="lint rules that block, passed over")
    words = "take one before and prove it, or not (else required where customers depend on the database)"
    parser.add_argument("--backup", choices=("required", "skip"), default="", help=words)
    parser.add_argument("--backup-id", default="", metavar="ID", help="one that was taken elsewhere; kept on record")
    parser.add_argument("--yes", action="store_true", help="do not ask")
