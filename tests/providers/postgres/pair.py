"""A real PostgreSQL primary and its physical standby, made by pg_basebackup from the playground's own programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from console.playground.postgres import PostgresServer
from console.playground.processes import free_port

SETTINGS = (
    ("fsync", "off"),
    ("max_connections", "20"),
    ("shared_buffers", "8MB"),
    ("io_method", "sync"),
    ("listen_addresses", "127.0.0.1"),
    ("wal_level", "replica"),
    ("max_wal_senders", "4"),
    ("hot_standby", "on"),
    ("timezone", "UTC"),
)


class _Replicated(PostgresServer):
    """The playground's server with replication on; its data is made by initdb or copied from a primary."""

    def spawn(self) -> None:
        self._port = free_port()
        words = [part for name, value in SETTINGS for part in ("-c", f"{name}={value}")]
        where = ["-D", str(self._data), "-p", str(self._port), "-k", str(self.scratch)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), *where, *words],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.scratch,
                user=self._user,
                group=self._group,
                extra_groups=None if self._user is None else [],
            )

    def copy_from(self, primary: _Replicated) -> None:
        """Make this a standby of a server that runs."""
        self._password, self._programs = primary._password, primary._programs
        if self._user is not None and self._group is not None:
            os.chown(self.scratch, self._user, self._group)
        made = self._run(
            ["pg_basebackup", "-D", str(self._data), "-d", primary.dsn, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        )
        assert made.returncode == 0, made.stdout.decode()


class Pair:
    """Two servers of one database for as long as a `with` block lasts."""

    def __init__(self, directory: Path) -> None:
        folders = [directory / "primary", directory / "standby"]
        for folder in folders:
            folder.mkdir()
        self._servers = [_Replicated(folder) for folder in folders]

    def __enter__(self) -> Pair:
        primary, standby = self._servers
        try:
            primary.prepare()
            primary.spawn()
            primary.wait()
            standby.copy_from(primary)
            standby.spawn()
            standby.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.stop_now()
        for server in self._servers:
            server.remove()

    @property
    def primary(self) -> str:
        return self._servers[0].dsn

    @property
    def standby(self) -> str:
        return self._servers[1].dsn

    def lose_primary(self) -> None:
        self._servers[0].stop_now()

    def run(self, statement: str, address: str = "") -> list[Any]:
        with psycopg.connect(address or self.primary, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
