"""Logs and artifacts of runs. GitHub hands both over to a store of files, at an address that is valid for a minute.

It has the log of a job only once the job has ended.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import Rejected, UnexpectedReply
from providers.github.client import GitHubClient
from providers.github.runs import ShowRun
from providers.wire import flag, moment, need_items, need_text, text, whole

UNPACKED_AT_MOST = 64 * 1024 * 1024
SHOWN_AT_MOST = 200_000
"""Characters of one file."""


@dataclass(frozen=True)
class ReadJobLog:
    job: Annotated[int, "the job's id"]
    tail: Annotated[int, "how many lines from its end"] = 200


@dataclass(frozen=True)
class ReadRunLogs:
    run: Annotated[int, "the run's id"]
    tail: Annotated[int, "how many lines from the end of each job"] = 50


@dataclass(frozen=True)
class ReadArtifact:
    artifact: Annotated[int, "the artifact's id"]
    file: Annotated[str, "a file in it to show; none shows what is in it"] = ""


@dataclass(frozen=True)
class Artifact:
    """`size` in bytes; an expired one can be listed, not read. `digest` is `sha256:…` where GitHub tells one."""

    id: str
    name: str
    size: int
    expired: bool
    created_at: datetime | None
    expires_at: datetime | None
    digest: str


@dataclass(frozen=True)
class Contents:
    """Names and sizes in bytes of what is in an artifact, and the text of one file where it was asked for."""

    files: Mapping[str, int]
    text: str = ""


class Logs:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def read_job(self, request: ReadJobLog) -> Sequence[str]:
        reply = await self._client.http.download(self._client.at("actions", "jobs", request.job, "logs"))
        return self._tail(reply.content, request.tail)

    async def read_run(self, request: ReadRunLogs) -> Mapping[str, Sequence[str]]:
        """The last lines of each job, by its name."""
        path = self._client.at("actions", "runs", request.run, "logs")
        files = await self._unpack(path)
        # Each job is one file at the top, and once more as a folder with a file for each step.
        jobs = {name: content for name, content in files.items() if "/" not in name and name.endswith(".txt")}
        return {_job_of(name): self._tail(content, request.tail) for name, content in sorted(jobs.items())}

    async def list_artifacts(self, request: ShowRun) -> Sequence[Artifact]:
        return await self._client.fetch_all(
            self._client.at("actions", "runs", request.run, "artifacts"), parse_artifacts
        )

    async def read_artifact(self, request: ReadArtifact) -> Contents:
        files = await self._unpack(self._client.at("actions", "artifacts", request.artifact, "zip"))
        sizes = {name: len(content) for name, content in files.items()}
        if not request.file:
            return Contents(sizes)
        if request.file not in files:
            raise Rejected(
                self._client.http.provider,
                f"Artifact {request.artifact} has no file {request.file!r}.",
                f"it has {', '.join(sorted(files)[:10]) or 'nothing'}",
                "Leave `file` out to see everything that is in it.",
            )
        return Contents(sizes, self._readable(files[request.file])[:SHOWN_AT_MOST])

    def _tail(self, content: bytes, lines: int) -> Sequence[str]:
        return self._readable(content).splitlines()[-lines:] if lines > 0 else []

    def _readable(self, content: bytes) -> str:
        return self._client.http.redact(content.decode("utf-8-sig", "replace"))

    async def _unpack(self, path: str) -> Mapping[str, bytes]:
        reply = await self._client.http.download(path)
        try:
            return await asyncio.to_thread(unpack, reply.content)
        except (zipfile.BadZipFile, ValueError, RuntimeError) as problem:
            raise UnexpectedReply(
                self._client.http.provider,
                f"GitHub's file is no archive that can be read here: {problem}.",
                path,
                "Read it in a browser, or with `gh run download`.",
            ) from problem


def unpack(content: bytes) -> Mapping[str, bytes]:
    """The files of an archive, by name.

    Raises:
        ValueError: Unpacked it would be larger than 64 MiB.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > UNPACKED_AT_MOST:
            raise ValueError(f"it unpacks to more than {UNPACKED_AT_MOST // 1024 // 1024} MiB")
        return {entry.filename: archive.read(entry) for entry in entries}


def _job_of(name: str) -> str:
    number, _, job = name.removesuffix(".txt").partition("_")
    return job if number.isdigit() and job else name.removesuffix(".txt")


def parse_artifacts(node: object) -> Sequence[Artifact]:
    return [
        Artifact(
            id=need_text(one, "id"),
            name=text(one, "name"),
            size=whole(one, "size_in_bytes") or 0,
            expired=flag(one, "expired") or False,
            created_at=moment(one, "created_at"),
            expires_at=moment(one, "expires_at"),
            digest=text(one, "digest"),
        )
        for one in need_items(node, "artifacts")
    ]
