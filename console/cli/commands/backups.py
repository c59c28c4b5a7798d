"""The command `backup` and its actions."""

from __future__ import annotations

from pathlib import Path

from console.cli.grammar import Commands, Parser, add_command, add_group

MODULE = "console.cli.backups"
PLACES = ("auto", "server", "database")


def add(commands: Commands) -> None:
    """Add them to the command line."""
    actions = add_group(commands, "backup", "backups of databases: taken, proven by restoring them, kept, put back")
    take = add_command(actions, "take", f"{MODULE}:take", "take one now and prove it; 1 when it is not verified")
    _add_databases(take)
    take.add_argument("--sqlite", type=Path, metavar="FILE", help="a SQLite file instead, also while it is written to")
    take.add_argument("--name", default="", metavar="NAME", help="what it is listed under (else ENV/SERVICE)")
    take.add_argument("--note", default="", metavar="TEXT", help="why; kept with it")
    take.add_argument("--no-verify", action="store_true", help="only take it: it stays unproven")
    _add_proof(take)
    words = "all backups, and how well one would come back: RPO and RTO"
    listing = add_command(actions, "list", f"{MODULE}:list_backups", words)
    _add_environment(listing)
    words = "restore one into a scratch database and compare; 1 when it is damaged"
    verify = add_command(actions, "verify", f"{MODULE}:verify", words)
    _add_backup(verify)
    _add_databases(verify, positional=False)
    _add_proof(verify)
    words = "a restore for practice, of the newest backup of each database, with measured time"
    drill = add_command(actions, "drill", f"{MODULE}:drill", words)
    _add_databases(drill)
    _add_proof(drill)
    words = "save the present, then replace it by a backup: all of it or nothing; asks for the environment's name"
    restore = add_command(actions, "restore", "console.cli.backup_restoring:put_back", words)
    _add_backup(restore)
    _add_databases(restore, positional=False)
    restore.add_argument("--to", default="", metavar="FILE", help="of a SQLite file: where to write it")
    restore.add_argument("--confirm", default="", metavar="NAME", help="the environment's name, instead of being asked")
    restore.add_argument("--over-newer", action="store_true", help="also where a newer schema would be lost")
    restore.add_argument("--unproven", action="store_true", help="also a backup that was never restored for proof")
    words = "schemas that stay as they are now"
    restore.add_argument("--leave-alone", nargs="+", default=[], metavar="SCHEMA", help=words)
    restore.add_argument("--no-owners", action="store_true", help="all belongs to whom the address names; no grants")
    _add_identity(restore)
    words = "remove what the configuration does not keep; never the newest verified one"
    prune = add_command(actions, "prune", f"{MODULE}:prune", words)
    _add_environment(prune)
    prune.add_argument("--dry-run", action="store_true", help="only tell")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    words = "what the worker does by itself: take what is due, prove it, remove what is past its time"
    _add_environment(add_command(actions, "run", f"{MODULE}:run_due", words))


def _add_backup(parser: Parser) -> None:
    parser.add_argument("backup", metavar="BACKUP", help="its id, the beginning of it, or a name for its newest one")


def _add_environment(parser: Parser) -> None:
    parser.add_argument("environment", metavar="ENV", nargs="?", default="", help="only this environment's")


def _add_databases(parser: Parser, *, positional: bool = True) -> None:
    if positional:
        parser.add_argument("environment", metavar="ENV", nargs="?", default="", help="environment of the databases")
        parser.add_argument("--service", default="", metavar="NAME", help="only this service's database")
    parser.add_argument(
        "--database-url", default="", metavar="REFERENCE", help="any PostgreSQL instead: env:NAME, file:PATH, …"
    )


def _add_proof(parser: Parser) -> None:
    words = "where it is restored: a server of its own, or a database beside (else the configuration's word, auto)"
    parser.add_argument("--on", choices=PLACES, default="", metavar="PLACE", help=words)
    _add_identity(parser)


def _add_identity(parser: Parser) -> None:
    parser.add_argument(
        "--identity", default="", metavar="REFERENCE", help="secret key of age that opens it (else the configuration's)"
    )
