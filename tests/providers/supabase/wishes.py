"""One wish for every action of Supabase's desk, each in a world prepared for it, and a sample of every reading."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from console.playground.emulators.storage_state import Bucket, Stored
from console.playground.emulators.supabase import Supabase
from console.playground.emulators.supabase_state import (
    ApiKey,
    Branch,
    Course,
    Function,
    Project,
    Replica,
    SigningKey,
)
from console.playground.scene import DATABASES
from providers.contract import Nothing
from providers.supabase import (
    auth,
    backups,
    branches,
    buckets,
    downloads,
    functions,
    hostname,
    insights,
    keys,
    metrics,
    network,
    objects,
    postgres,
    projects,
    relocating,
    replicas,
    runs,
    secrets,
    upgrades,
    uploads,
)
from providers.supabase.fields import OfProject
from tests.playground.emulators.world import ManualClock

REF = DATABASES[0].ref
START = ManualClock().now()
DAY = 86_400
FUNCTIONS = Path(__file__).with_name("functions")
BRANCH = "6b1f0c9e-3a7d-4a55-9d6e-1f2a3b4c5d6e"
BRANCH_REF = "branchofquarterdecka"
MAIN = "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
KEY = "2d9f6c1a-7b3e-4f58-a1c2-9e8d7c6b5a40"
STANDBY = "5e4d3c2b-1a0f-4e9d-8c7b-6a5f4e3d2c1b"
REPLICA = f"{REF}-rr-eu-west-1-abc123"
OF = OfProject(REF)
_PLACE = TemporaryDirectory(prefix="quarterdeck-downloads-")
DOWNLOADED = Path(_PLACE.name, "b.txt")
DOWNLOAD = "download"
"""Counts what was downloaded, which the platform does not count among its changes."""


class Rows:
    """A database that answers the few questions that the platform itself asks, without being one."""

    def __init__(self, founded: float) -> None:
        self._started = datetime.fromtimestamp(founded, UTC).isoformat()

    async def run(self, query: str, parameters: Any = None, read_only: bool = False) -> list[dict[str, Any]]:
        literal = query.partition("'")[2].partition("'::timestamptz")[0] if "::timestamptz" in query else ""
        if "pg_db_role_setting" in query:
            return []
        if "as lint" in query:
            return [{"lint": "no_primary_key", "schema": "public", "name": "orders"}]
        return [_Row(version="15.8", started_at=literal or self._started, name="postgres")]

    async def ask(self, query: str) -> list[dict[str, Any]]:
        return await self.run(query)


class _Row(dict[str, Any]):
    def __missing__(self, name: str) -> int:
        return 1


@dataclass(frozen=True)
class Prepared:
    """What to ask, which count of the platform it moves, what makes the world ready, and the rest of a `Wish`."""

    request: Any
    kind: str
    prepare: Callable[[Supabase, Project], object] = lambda platform, project: None
    unknown: tuple[str, ...] = ()
    word: str = ""


def reference(request: str) -> str:
    """Of what leaves a trace rather than a state."""
    return f'{{"since":"2026-11-22T05:00:00Z","request":{request}}}'


def with_branch(platform: Supabase, project: Project) -> None:
    done = Course(START, "FUNCTIONS_DEPLOYED")
    for identity, name, ref in ((MAIN, "main", REF), (BRANCH, "preview", BRANCH_REF)):
        project.branches[identity] = Branch(identity, name, ref, START, done, updated_at=START)


def with_doomed_branch(platform: Supabase, project: Project) -> None:
    with_branch(platform, project)
    project.branches[BRANCH].ends = START + 3600


def with_pitr(platform: Supabase, project: Project) -> None:
    project.has_pitr = True
    project.restore_points["before"] = Course(START - 60, "AVAILABLE")


def with_file(platform: Supabase, project: Project) -> None:
    with_bucket(platform, project)
    stored = Stored("files", "a/b.txt", b"hello", "text/plain", "max-age=60", {}, START, START)
    project.storage.buckets["files"].objects[stored.name] = stored


def with_nothing_downloaded(platform: Supabase, project: Project) -> None:
    with_file(platform, project)
    DOWNLOADED.unlink(missing_ok=True)


def with_bucket(platform: Supabase, project: Project) -> None:
    project.storage.buckets["files"] = Bucket("files", "files", False, None, None, START, START)


def with_function(platform: Supabase, project: Project) -> None:
    told = {"id": KEY, "slug": "hello", "name": "hello", "status": "ACTIVE", "version": 3}
    project.functions["hello"] = Function({**told, "created_at": int(START), "updated_at": int(START)})


def with_keys(platform: Supabase, project: Project) -> None:
    project.api_keys[KEY] = ApiKey(KEY, "secret", "spare", "sb_secret_spare_key", START)
    project.signing_keys[KEY] = SigningKey(KEY, "ES256", "in_use", START, START)
    project.signing_keys[STANDBY] = SigningKey(STANDBY, "ES256", "standby", START, START)


def with_revoked_key(platform: Supabase, project: Project) -> None:
    project.signing_keys[KEY] = SigningKey(KEY, "ES256", "revoked", START, START)


def with_hostname(status: str) -> Callable[[Supabase, Project], None]:
    def prepare(platform: Supabase, project: Project) -> None:
        project.hostname, project.hostname_course = "api.example.com", Course(START, status)

    return prepare


def with_replica(platform: Supabase, project: Project) -> None:
    project.replicas.append(Replica(REPLICA, "eu-west-1", Course(START, "ACTIVE_HEALTHY")))


def paused(platform: Supabase, project: Project) -> None:
    project.course = Course(START, "INACTIVE")


def with_secret(platform: Supabase, project: Project) -> None:
    project.secrets["OLD"] = ("hunter2", START)


WISHES = {
    "pause": Prepared(projects.Pause(REF), "pause", word="PAUSING"),
    "resume": Prepared(projects.Resume(REF), "resume", paused, word="RESTORING"),
    "upgrade": Prepared(upgrades.Upgrade(REF, "17"), "upgrade", word="0_requested"),
    "add-replica": Prepared(replicas.AddReplica(REF, "eu-west-1"), "replica", word="INIT_READ_REPLICA"),
    "remove-replica": Prepared(replicas.RemoveReplica(REF, REPLICA), "replica", with_replica),
    "set-hostname": Prepared(hostname.SetHostname(REF, "api.example.com"), "hostname", word="1_not_started"),
    "verify-hostname": Prepared(hostname.VerifyHostname(REF), "hostname", with_hostname("2_initiated")),
    "activate-hostname": Prepared(
        hostname.ActivateHostname(REF),
        "hostname",
        with_hostname("4_origin_setup_completed"),
        word="4_origin_setup_completed",
    ),
    "remove-hostname": Prepared(hostname.RemoveHostname(REF), "hostname", with_hostname("2_initiated")),
    "create-branch": Prepared(
        branches.CreateBranch(REF, "another", secrets={"TOKEN": "a-secret-value"}), "branch", word="CREATING_PROJECT"
    ),
    "change-branch": Prepared(
        branches.ChangeBranch(REF, "preview", persistent=True),
        "branch",
        with_branch,
        (f'{{"project":"{REF}","branch":"none"}}',),
    ),
    "push-branch": Prepared(
        runs.PushBranch(REF, "preview"),
        "branch_run",
        with_branch,
        (reference(f'{{"project":"{REF}","branch":"none"}}'),),
        "RUNNING",
    ),
    "merge-branch": Prepared(runs.MergeBranch(REF, "preview"), "branch_run", with_branch, (), "RUNNING"),
    "reset-branch": Prepared(runs.ResetBranch(REF, "preview", "20261122"), "branch_run", with_branch, (), "RUNNING"),
    "delete-branch": Prepared(branches.DeleteBranch(REF, "preview"), "branch", with_branch),
    "restore-branch": Prepared(branches.RestoreBranch(REF, "preview"), "branch", with_doomed_branch),
    "create-restore-point": Prepared(backups.CreateRestorePoint(REF, "before-v2"), "restore_point", word="PENDING"),
    "undo-to-restore-point": Prepared(
        backups.UndoToRestorePoint(REF, "before"), "restore", with_pitr, word="RESTORING"
    ),
    "restore-backup": Prepared(backups.RestoreBackup(REF, int(START // DAY)), "restore", word="RESTORING"),
    "restore-to-time": Prepared(
        backups.RestoreToTime(REF, datetime.fromtimestamp(START - 3600, UTC)), "restore", with_pitr, word="RESTORING"
    ),
    "set-backup-schedule": Prepared(backups.ScheduleBackups(REF, "04:30"), "backup_schedule"),
    "allow-writes": Prepared(postgres.AllowWrites(REF), "readonly"),
    "set-pooler": Prepared(postgres.SetPooler(REF, "session", 30), "pooler"),
    "set-postgres": Prepared(
        postgres.SetPostgres(REF, {"work_mem": "8MB", "max_connections": "120"}), "postgres_settings"
    ),
    "set-secrets": Prepared(secrets.SetSecrets(REF, {"API_KEY": "a-secret-value"}), "secret"),
    "remove-secrets": Prepared(secrets.RemoveSecrets(REF, ("OLD",)), "secret", with_secret),
    "create-api-key": Prepared(keys.CreateApiKey(REF, "for_worker", description="of the worker"), "api_key"),
    "delete-api-key": Prepared(keys.DeleteApiKey(REF, KEY, "rotated", True), "api_key", with_keys),
    "set-legacy-keys": Prepared(keys.SetLegacyKeys(REF, False), "legacy_keys"),
    "create-signing-key": Prepared(keys.CreateSigningKey(REF), "signing_key"),
    "set-signing-key": Prepared(
        keys.SetSigningKey(REF, STANDBY, "in_use"),
        "signing_key",
        with_keys,
        (f'{{"project":"{REF}","key":"none","status":"revoked"}}',),
    ),
    "delete-signing-key": Prepared(keys.DeleteSigningKey(REF, KEY), "signing_key", with_revoked_key),
    "set-auth": Prepared(
        auth.SetAuth(REF, {"site_url": "https://shop.example", "jwt_exp": "1800"}, {"smtp_pass": "a-secret-value"}),
        "auth_settings",
    ),
    "restrict-network": Prepared(
        network.RestrictNetwork(REF, ("203.0.113.0/24",)), "network_restrictions", word="stored"
    ),
    "lift-bans": Prepared(
        network.LiftBans(REF, ("198.51.100.7",)), "ban", lambda platform, project: project.banned.append("198.51.100.7")
    ),
    "enforce-ssl": Prepared(network.EnforceSsl(REF, True), "ssl_enforcement"),
    "deploy-functions": Prepared(
        functions.DeployFunctions(REF, str(FUNCTIONS), open_to_all=("hello",)), "function", word="ACTIVE"
    ),
    "delete-function": Prepared(functions.DeleteFunction(REF, "hello"), "function", with_function),
    "create-bucket": Prepared(buckets.CreateBucket(REF, "pictures", True, 1024, ("image/*",)), "bucket"),
    "change-bucket": Prepared(
        buckets.ChangeBucket(REF, "files", public=True, mime_types=("image/*",)),
        "bucket",
        with_bucket,
        (f'{{"project":"{REF}","bucket":"none","public":true}}',),
    ),
    "empty-bucket": Prepared(
        buckets.EmptyBucket(REF, "files"), "bucket", with_file, (f'{{"project":"{REF}","bucket":"none"}}',)
    ),
    "delete-bucket": Prepared(buckets.DeleteBucket(REF, "files"), "bucket", with_bucket),
    "upload-file": Prepared(uploads.UploadFile(REF, "files", "docs/wishes.py", __file__), "object", with_bucket),
    "download-file": Prepared(
        downloads.DownloadFile(REF, "files", "a/b.txt", str(DOWNLOADED)), DOWNLOAD, with_nothing_downloaded
    ),
    "move-file": Prepared(
        relocating.MoveFile(REF, "files", "a/b.txt", "c/d.txt"),
        "object",
        with_file,
        (f'{{"project":"{REF}","bucket":"files","path":"none","to":"nowhere"}}',),
    ),
    "copy-file": Prepared(
        relocating.CopyFile(REF, "files", "a/b.txt", "c/d.txt"),
        "object",
        with_file,
        (f'{{"project":"{REF}","bucket":"files","path":"none","to":"nowhere"}}',),
    ),
    "remove-files": Prepared(objects.RemoveFiles(REF, "files", ("a/b.txt",)), "object", with_file),
}

ASKS = {
    "projects": Nothing(),
    "project": OF,
    "health": projects.Health(REF),
    "restore-versions": OF,
    "upgrade-eligibility": OF,
    "upgrade-status": OF,
    "read-replicas": OF,
    "branches": OF,
    "branch": branches.OfBranch(REF, "preview"),
    "branch-diff": branches.Diff(REF, "preview", ("public",)),
    "runs": runs.Runs(REF),
    "run-logs": runs.RunLogs(REF, "first"),
    "sql": postgres.Sql(REF, "select 1 as one"),
    "backups": OF,
    "backup-schedule": OF,
    "restore-point": backups.RestorePoint(REF, "before"),
    "read-only": OF,
    "pooler": OF,
    "postgres": OF,
    "advice-security": OF,
    "advice-performance": OF,
    "logs": insights.LogQuery(REF, "select id from edge_logs limit 5"),
    "usage": insights.Usage(REF),
    "figures": metrics.Figures(REF),
    "samples": metrics.Samples(REF, "node_memory_"),
    "secrets": OF,
    "functions": OF,
    "function": functions.OfFunction(REF, "hello"),
    "api-keys": OF,
    "legacy-keys": OF,
    "signing-keys": OF,
    "auth": auth.AuthSettings(REF, ("site_url", "smtp_pass")),
    "network-restrictions": OF,
    "network-bans": OF,
    "ssl": OF,
    "hostname": OF,
    "buckets": OF,
    "files": objects.Files(REF, "files"),
    "file": objects.OfFile(REF, "files", "a/b.txt"),
    "signed-url": objects.SignedUrl(REF, "files", "a/b.txt"),
}


def furnish(platform: Supabase) -> None:
    """What the readings ask for is there."""
    project = platform.projects[REF]
    for prepare in (with_branch, with_pitr, with_file, with_function):
        prepare(platform, project)
    platform.branches.remember(project, MAIN, "first")
