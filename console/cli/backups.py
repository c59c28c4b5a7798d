"""`backup`: take, list, verify, drill, prune, and what is due.

These run here and not in the worker, in the main thread: a proof may start a PostgreSQL that must end with us.
"""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.backups.catalogue import Catalogue
from console.backups.drill import Standing, stand
from console.backups.retention import choose
from console.backups.sources import FOLDER, Source
from console.backups.sqlite import LiteRequest, take_copy
from console.backups.take import TakeRequest
from console.backups.take import take as take_dump
from console.backups.values import Backup, Progress, Proof, State
from console.cli.backup_places import file_source, find_roots, find_sources, named_source
from console.cli.backup_proof import prove_somewhere
from console.cli.backup_words import backup_lines, proof_lines, prune_lines, standing_line, taken_lines
from console.cli.output import show, show_rows
from console.cli.session import Session
from console.cli.telling import Pace
from console.domain.codec import to_json
from console.domain.errors import ConsoleError, ExitCode, Refused, UsageError


def take(session: Session) -> int:
    """Take backups and prove them; 0 when all are verified, or when only taking was asked for."""
    options = session.options
    end_politely()
    if options.sqlite is not None:
        source = file_source(session, options.name or options.sqlite.name, options.environment)
        request = LiteRequest(
            options.sqlite.expanduser(), source.name, source.root, source.settings.recipients, options.note
        )
        taken = [(source, take_copy(request, told=tell(session)))]
    else:
        taken = [(source, take_source(session, source, options.note)) for source in _named(session)]
    done = []
    for source, backup in taken:
        proof = None if options.no_verify else _prove(session, backup, source)
        done.append((backup, proof))
        session.say(*taken_lines(backup))
    told = [_backup_json(backup, proof) for backup, proof in done]
    show_rows(session, told, (line for one in done for line in proof_lines(*one)))
    return ExitCode.GOOD if all(proof is None or proof.verified for _, proof in done) else ExitCode.FAILED


def take_source(session: Session, source: Source, note: str = "") -> Backup:
    """Take a backup of one database as its settings want it."""
    own = source.settings
    request = TakeRequest(source.address(), source.root, own.leave_out, own.jobs, own.recipients, note)
    return take_dump(request, told=tell(session))


def list_backups(session: Session) -> int:
    """Tell of all backups."""
    environment = session.options.environment
    sources = find_sources(session, environment)
    roots = list(dict.fromkeys(source.root for source in sources)) if environment else find_roots(session)
    found = [one for root in roots for one in Catalogue(root).find_all()]
    names = [source.name for source in sources]
    if environment:
        found = [one for one in found if one.name in names]
    found.sort(key=lambda one: one.at, reverse=True)
    standings = [stand(name, found, session.now()) for name in dict.fromkeys([*names, *(one.name for one in found)])]
    if session.form == "text":
        show(session, None, backup_lines(found, standings))
    else:
        told = {
            "backups": [_backup_json(one, one.proof) for one in found],
            "standings": [_standing_json(one) for one in standings],
        }
        show(session, told, ())
    return ExitCode.GOOD


def verify(session: Session) -> int:
    """Prove one backup; 1 when it is damaged."""
    end_politely()
    backup, source = find_backup(session, session.options.backup, session.options.database_url)
    proof = _prove(session, backup, source)
    show(session, _backup_json(backup, proof), proof_lines(backup, proof))
    return ExitCode.GOOD if proof.verified else ExitCode.FAILED


def drill(session: Session) -> int:
    """Restore the newest backup of each database for practice; 1 when one is damaged, or there is none."""
    end_politely()
    standings = []
    is_good = True
    for source in _named(session):
        catalogue = Catalogue(source.root)
        newest = stand(source.name, catalogue.find_all(source.name), session.now()).newest
        if newest is not None:
            proof = _prove(session, newest, source)
            session.say(*proof_lines(newest, proof))
            is_good = is_good and proof.verified
        standings.append(stand(source.name, catalogue.find_all(source.name), session.now()))
    show_rows(session, [_standing_json(one) for one in standings], map(standing_line, standings))
    return ExitCode.GOOD if is_good and all(one.verified for one in standings) else ExitCode.FAILED


def prune(session: Session) -> int:
    """Remove what is not kept."""
    options = session.options
    choices = [
        choice
        for source in find_sources(session, options.environment)
        for choice in choose(Catalogue(source.root).find_all(source.name), source.policy)
    ]
    going = [one.backup for one in choices if not one.is_kept]
    told = [{"id": one.backup.id, "name": one.backup.name, "kept_as": list(one.reasons)} for one in choices]
    if going and not options.dry_run:
        session.say(*prune_lines(choices))
        _ask(session, f"Remove {len(going)} of {len(choices)} backups?")
        _remove(going)
    show_rows(session, told, prune_lines(choices))
    return ExitCode.GOOD


def run_due(session: Session) -> int:
    """Take what is due, prove it, and remove what is past its time; 1 when one of these failed."""
    end_politely()
    told: list[dict[str, Any]] = []
    is_good = True
    for source in find_sources(session, session.options.environment):
        with _alone(source.root):
            backups = Catalogue(source.root).find_all(source.name)
            if not source.is_due(backups, session.now()):
                continue
            try:
                backup = take_source(session, source, "as configured")
                proof = _prove(session, backup, source) if source.settings.verify else None
            except ConsoleError as problem:
                told.append({"name": source.name, "error": problem.what})
                session.say(f"✗ {source.name}: {problem.what}", problem.remedy)
                is_good = False
                continue
            choices = choose(Catalogue(source.root).find_all(source.name), source.policy)
            removed = [one.backup for one in choices if not one.is_kept]
            _remove(removed)
            told.append({**_backup_json(backup, proof), "removed": [one.id for one in removed]})
            session.say(*taken_lines(backup), *proof_lines(backup, proof))
            is_good = is_good and (proof is None or proof.verified)
    show_rows(session, told, [] if told else ["Nothing is due."])
    return ExitCode.GOOD if is_good else ExitCode.FAILED


def find_backup(
    session: Session, named: str, database_url: str = "", *, verified: bool = False
) -> tuple[Backup, Source]:
    """One backup, and the database that it is of as far as that is known.

    Raises:
        UsageError: There is none, or several.
    """
    problem: UsageError | None = None
    for root in find_roots(session):
        try:
            backup = Catalogue(root).find(named, verified=verified)
        except UsageError as caught:
            problem = problem or caught
            continue
        known = [source for source in find_sources(session) if source.name == backup.name]
        source = known[0] if known else named_source(session, backup.name)
        if database_url:
            source = Source(source.name, source.root, source.settings, database_url)
        return backup, source
    raise problem or UsageError(f"There is no backup {named!r}.", FOLDER, "`quarterdeck backup list` names them.")


def _named(session: Session) -> list[Source]:
    options = session.options
    if options.database_url:
        name = getattr(options, "name", "") or options.database_url
        return [named_source(session, name, options.database_url)]
    if not options.environment:
        raise UsageError("No database is named.", "backup", "Name an environment, or --database-url REFERENCE.")
    return find_sources(session, options.environment, options.service)


def _prove(session: Session, backup: Backup, source: Source) -> Proof:
    options = session.options
    place, identity = getattr(options, "on", ""), getattr(options, "identity", "")
    return prove_somewhere(backup, source, place, identity, tell(session))


def _remove(backups: Sequence[Backup]) -> None:
    for backup in backups:
        Catalogue(backup.path.parent.parent).remove(backup)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time take what is due. Raises Refused while another one does."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (root / ".running").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("Backups that are due are being taken already.", str(root), "Wait for their end.") from None
        yield


def end_politely() -> None:
    """Let SIGTERM end us like Ctrl+C, so that what is half done is taken away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def tell(session: Session) -> Callable[[Progress], None]:
    """Say each phase, and how it goes about once a second."""
    pace = Pace()

    def say(progress: Progress) -> None:
        if not pace.is_due(progress.phase):
            return
        counted = f" ({progress.done} of {progress.total})" if progress.total else ""
        session.say(f"{progress.phase} {progress.about}{counted}".rstrip())

    return say


def _ask(session: Session, question: str) -> None:
    if session.options.yes:
        return
    from console.cli.asking import ask_text

    if ask_text(session, f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Refused("Nothing was done.", "", "")


def _backup_json(backup: Backup, proof: Proof | None) -> dict[str, Any]:
    """What a script wants to know of one; the sums stay in its record."""
    state = backup.state if proof is None else State.VERIFIED if proof.verified else State.DAMAGED
    return {
        "id": backup.id,
        "name": backup.name,
        "kind": backup.kind.value,
        "state": state.value,
        "at": to_json(backup.at),
        "size": backup.size,
        "source_size": backup.source_size,
        "took_s": backup.took_s,
        "tables": len(backup.sums.tables),
        "rows": backup.sums.rows,
        "encrypted": backup.sealed,
        "migration": backup.migration,
        "note": backup.note,
        "folder": backup.folder,
        "proof": to_json(proof),
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "newest": standing.newest.id if standing.newest else None,
        "verified": standing.verified.id if standing.verified else None,
        "drilled_at": to_json(standing.drilled_at),
        "rpo_s": standing.rpo_s,
        "rto_s": standing.rto_s,
        "damaged": list(standing.damaged),
    }
