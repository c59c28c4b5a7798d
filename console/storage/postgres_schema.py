"""The tables of the shared history, in a schema of their own, in versions that only go forward."""

from __future__ import annotations

from console.domain.errors import StoreTooNew
from console.storage.records import Sql

UPGRADE_LOCK = 0x7164636B  # "qdck": workers that start together take turns

FIRST = (
    "CREATE TABLE numbers (name text PRIMARY KEY, value bigint NOT NULL)",
    "INSERT INTO numbers VALUES ('event', 0), ('control', 0)",
    "CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL)",
    "INSERT INTO meta VALUES ('origin', gen_random_uuid()::text)",
    (
        "CREATE TABLE events (seq bigint PRIMARY KEY, deployment text NOT NULL, type text NOT NULL, at text NOT NULL,"
        " actor text NOT NULL, payload text NOT NULL, once text UNIQUE)"
    ),
    "CREATE INDEX events_of_deployment ON events (deployment, seq)",
    (
        "CREATE TABLE deployments (id text PRIMARY KEY, environment text NOT NULL, strategy text, release text,"
        " status text NOT NULL, requested_by text NOT NULL, requested_at text NOT NULL, started_at text, ended_at text,"
        " progress double precision, detail text, request_id text UNIQUE, finished integer NOT NULL,"
        " opened_seq bigint NOT NULL, last_seq bigint NOT NULL)"
    ),
    "CREATE INDEX deployments_of_environment ON deployments (environment, opened_seq)",
    "CREATE INDEX deployments_unfinished ON deployments (opened_seq) WHERE finished = 0",
    (
        "CREATE TABLE locks (environment text PRIMARY KEY, deployment text, holder text, since text, reason text,"
        " worker text)"
    ),
    (
        "CREATE TABLE controls (id bigint PRIMARY KEY, deployment text NOT NULL, control text NOT NULL,"
        " actor text NOT NULL, at text NOT NULL, step text, reason text, services text, request_id text UNIQUE,"
        " taken integer NOT NULL DEFAULT 0)"
    ),
    "CREATE INDEX controls_pending ON controls (deployment, id) WHERE taken = 0",
    (
        "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at text, actor text, action text,"
        " subject text, outcome text, detail text)"
    ),
    "CREATE INDEX audit_at ON audit (at)",
)
REVIEWS = ("ALTER TABLE deployments ADD COLUMN review text NOT NULL DEFAULT ''",)
CALENDAR = (
    (
        "CREATE TABLE freezes (id text PRIMARY KEY, environment text NOT NULL, ends_at text NOT NULL,"
        " lifted integer NOT NULL, body text NOT NULL)"
    ),
    "CREATE INDEX freezes_standing ON freezes (ends_at) WHERE lifted = 0",
    (
        "CREATE TABLE schedule (id text PRIMARY KEY, environment text NOT NULL, at text NOT NULL,"
        " is_open integer NOT NULL, revision integer NOT NULL, request_id text UNIQUE, body text NOT NULL)"
    ),
    "CREATE INDEX schedule_at ON schedule (is_open, at)",
)
VERSIONS: tuple[tuple[str, ...], ...] = (FIRST, REVIEWS, CALENDAR)


def upgrade(sql: Sql) -> None:
    """Bring the schema to the newest version.

    Raises:
        StoreTooNew: A newer Quarterdeck wrote it; nothing was touched.
    """
    sql.query("SELECT pg_advisory_lock(?)", (UPGRADE_LOCK,))
    try:
        sql.run("CREATE SCHEMA IF NOT EXISTS quarterdeck")
        sql.run("CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)")
        found = sql.query("SELECT version FROM schema_version")
        version = int(found[0][0]) if found else 0
        if version > len(VERSIONS):
            raise StoreTooNew(
                f"The shared history was written by a newer Quarterdeck: it has schema version {version}, "
                f"this one knows up to {len(VERSIONS)}.",
                "engine.url",
                "Nothing was changed. Install the newer Quarterdeck on this host too.",
            )
        for number, statements in enumerate(VERSIONS[version:], start=version + 1):
            sql.run("BEGIN")
            for statement in (*statements, "DELETE FROM schema_version"):
                sql.run(statement)
            sql.run("INSERT INTO schema_version VALUES (?)", (number,))
            sql.run("COMMIT")
    finally:
        sql.query("SELECT pg_advisory_unlock(?)", (UPGRADE_LOCK,))
