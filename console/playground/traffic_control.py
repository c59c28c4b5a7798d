"""The supervisor's side of the load generator: start it, change its rate, read its counts."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import console
from console.domain.errors import ConsoleError
from console.playground.processes import end, spawn

DEFAULT_RPS = 50.0
_ANSWER_WITHIN_S = 5.0


class Traffic:
    """The running load generator."""

    def __init__(self, logs: Path) -> None:
        self._log_path = logs / "traffic.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._asking = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self, port: int, rps: float) -> None:
        """Begin to send to a loopback port."""
        root = str(Path(console.__path__[0]).parent)
        arguments = [sys.executable, "-P", "-m", "console.playground.traffic", "--port", str(port), "--rps", str(rps)]
        with self._log_path.open("ab") as log:
            self._process = spawn(
                arguments,
                subprocess.PIPE,
                environment={"PYTHONPATH": root, "LANG": "C.UTF-8"},
                stdin=subprocess.PIPE,
                errors=log,
            )
        # The first answer carries every total and the last failures: far less than this.
        self._reader = asyncio.StreamReader(limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(self._reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, self._process.stdout)

    async def tell(self, **changes: float) -> dict[str, Any]:
        """Change `rps` or `keep_alive_share`, or nothing, and give everything counted so far.

        Raises:
            ConsoleError: The process is gone or does not answer.
        """
        async with self._asking:
            process, reader = self._process, self._reader
            try:
                assert process is not None
                assert process.stdin is not None
                assert reader is not None
                process.stdin.write(json.dumps(changes).encode() + b"\n")
                process.stdin.flush()
                line = await asyncio.wait_for(reader.readline(), _ANSWER_WITHIN_S)
                answer: dict[str, Any] = json.loads(line)
            except (OSError, ValueError, TimeoutError) as error:
                raise ConsoleError(
                    "The load generator does not answer.",
                    str(self._log_path),
                    "Start the playground again: `playground down`, then `playground up`.",
                ) from error
        return answer

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            await end(self._process, 1.0)
