"""Everything that an operator does to Supabase by hand, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.contract import Action, Desk, Nothing, Reading, Unsupported
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
)
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject
from providers.supabase.hosts import ProjectHosts
from providers.supabase.uploads import UploadFile, Uploads

NO_READ_ONLY = Unsupported(
    "Supabase has no call that makes a project read-only; it does so itself when the disk is full.",
    "Set it by SQL: alter database postgres set default_transaction_read_only = on.",
)
NO_TRAFFIC = Unsupported(
    "Supabase serves one version of a function; it does not divide requests between two.",
    "Switch functions together with `deploy-functions`.",
)


class SupabaseDesk:
    """The desk of one connection, and what of it has to be closed."""

    def __init__(self, client: SupabaseClient, hosts: ProjectHosts) -> None:
        self._projects = projects.Projects(client)
        self._upgrades = upgrades.Upgrades(client)
        self._backups = backups.Backups(client)
        self._postgres = postgres.Postgres(client)
        self._branches = branches.Branches(client)
        self._runs = runs.ActionRuns(client, self._branches)
        self._secrets = secrets.Secrets(client)
        self._functions = functions.Functions(client)
        self._keys = keys.Keys(client)
        self._auth = auth.Auth(client)
        self._network = network.Network(client)
        self._hostnames = hostname.Hostnames(client)
        self._replicas = replicas.Replicas(client)
        self._insights = insights.Insights(client)
        self._metrics = metrics.Metrics(hosts)
        self._buckets = buckets.Buckets(hosts)
        self._objects = objects.Objects(hosts)
        self._uploads = Uploads(hosts, self._objects)
        self._downloads = downloads.Downloads(hosts, self._objects)
        self._relocation = relocating.Relocation(hosts, self._objects)
        self._hosts = hosts
        self.table = self._build()

    async def close(self) -> None:
        await self._uploads.close()
        await self._downloads.close()
        await self._hosts.http.close()

    def _build(self) -> Desk:
        return Desk(
            readings={
                **self._project_readings(),
                **self._database_readings(),
                **self._access_readings(),
                **self._storage_readings(),
            },
            actions={
                **self._project_actions(),
                **self._branch_actions(),
                **self._database_actions(),
                **self._access_actions(),
                **self._function_actions(),
                **self._storage_actions(),
            },
        )

    def _project_readings(self) -> Mapping[str, Reading[Any] | Unsupported]:
        return {
            "projects": Reading("Every project that the token sees.", Nothing, self._projects.fetch_all),
            "project": Reading("One project and its status.", OfProject, self._projects.fetch_one),
            "health": Reading("How each service of a project is.", projects.Health, self._projects.fetch_health),
            "restore-versions": Reading(
                "What PostgreSQL a paused project can be brought back with.", OfProject, self._projects.fetch_versions
            ),
            "upgrade-eligibility": Reading(
                "Whether and to what a project can be upgraded, and what stands in the way.",
                OfProject,
                self._upgrades.fetch_eligibility,
            ),
            "upgrade-status": Reading("How the last upgrade stands.", OfProject, self._upgrades.fetch_status),
            "read-replicas": Reading("Replicas of a project.", OfProject, self._replicas.fetch_replicas),
            "branches": Reading("Preview branches of a project.", OfProject, self._branches.fetch_branches),
            "branch": Reading("How a branch's database is reached.", branches.OfBranch, self._branches.fetch_config),
            "branch-diff": Reading(
                "The SQL that makes the parent's schema the branch's.", branches.Diff, self._branches.fetch_diff
            ),
            "runs": Reading("What was run for branches, newest first.", runs.Runs, self._runs.fetch_runs),
            "run-logs": Reading("What a run wrote.", runs.RunLogs, self._runs.fetch_logs),
        }

    def _database_readings(self) -> Mapping[str, Reading[Any] | Unsupported]:
        return {
            "sql": Reading("Rows of a statement that only reads.", postgres.Sql, self._postgres.query),
            "backups": Reading("Backups, and how far back one can go.", OfProject, self._backups.fetch_backups),
            "backup-schedule": Reading("When backups are made.", OfProject, self._backups.fetch_schedule),
            "restore-point": Reading("One restore point.", backups.RestorePoint, self._backups.fetch_point),
            "read-only": Reading("Whether the database takes no writes.", OfProject, self._postgres.fetch_read_only),
            "pooler": Reading("How connections are pooled.", OfProject, self._postgres.fetch_pooler),
            "postgres": Reading("Postgres settings of this project.", OfProject, self._postgres.fetch_settings),
            "advice-security": Reading("What is not safe.", OfProject, self._insights.fetch_security),
            "advice-performance": Reading("What is slow.", OfProject, self._insights.fetch_performance),
            "logs": Reading("Rows of a query over the logs.", insights.LogQuery, self._insights.fetch_logs),
            "usage": Reading("How many requests came.", insights.Usage, self._insights.fetch_usage),
            "figures": Reading("CPU, memory, disk, connections, lag.", metrics.Figures, self._metrics.fetch_figures),
            "samples": Reading("Figures as Supabase names them.", metrics.Samples, self._metrics.fetch_samples),
        }

    def _access_readings(self) -> Mapping[str, Reading[Any] | Unsupported]:
        return {
            "secrets": Reading("Names and digests of secrets.", OfProject, self._secrets.fetch_secrets),
            "functions": Reading("Edge functions.", OfProject, self._functions.fetch_functions),
            "function": Reading("One edge function.", functions.OfFunction, self._functions.fetch_function),
            "api-keys": Reading("API keys, without their values.", OfProject, self._keys.fetch_api_keys),
            "legacy-keys": Reading("Whether the old keys are taken.", OfProject, self._keys.fetch_legacy),
            "signing-keys": Reading("Keys that sign tokens.", OfProject, self._keys.fetch_signing_keys),
            "auth": Reading("Settings of authentication.", auth.AuthSettings, self._auth.fetch_settings),
            "network-restrictions": Reading(
                "Addresses that may reach the database.", OfProject, self._network.fetch_restrictions
            ),
            "network-bans": Reading("Addresses that are banned.", OfProject, self._network.fetch_bans),
            "ssl": Reading("Whether the database requires encryption.", OfProject, self._network.fetch_ssl),
            "hostname": Reading("The custom hostname and its DNS records.", OfProject, self._hostnames.fetch),
        }

    def _storage_readings(self) -> Mapping[str, Reading[Any] | Unsupported]:
        return {
            "buckets": Reading("Buckets of Storage.", OfProject, self._buckets.fetch_buckets),
            "files": Reading("Files and folders of a bucket.", objects.Files, self._objects.fetch_files),
            "file": Reading("One file's size, type and digest.", objects.OfFile, self._objects.fetch_file),
            "signed-url": Reading("An address that reads a file for a while.", objects.SignedUrl, self._objects.sign),
        }

    def _project_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "pause": Action("Pause a project.", projects.Pause, self._projects.pausing(), destroys=True),
            "resume": Action("Bring a paused project back.", projects.Resume, self._projects.resuming()),
            "upgrade": Action(
                "Upgrade PostgreSQL; the project is away meanwhile.",
                upgrades.Upgrade,
                self._upgrades.upgrading(),
                destroys=True,
            ),
            "add-replica": Action("Add a read replica.", replicas.AddReplica, self._replicas.adding()),
            "remove-replica": Action(
                "Remove a read replica.", replicas.RemoveReplica, self._replicas.removing(), destroys=True
            ),
            "set-hostname": Action("Ask for a custom hostname.", hostname.SetHostname, self._hostnames.setting()),
            "verify-hostname": Action("Check its DNS records.", hostname.VerifyHostname, self._hostnames.verifying()),
            "activate-hostname": Action(
                "Serve at the custom hostname.", hostname.ActivateHostname, self._hostnames.activating(), destroys=True
            ),
            "remove-hostname": Action(
                "Serve at it no longer.", hostname.RemoveHostname, self._hostnames.removing(), destroys=True
            ),
        }

    def _branch_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "create-branch": Action(
                "Make a preview branch.", branches.CreateBranch, self._branches.creating(), secrets=("secrets",)
            ),
            "change-branch": Action("Change a branch.", branches.ChangeBranch, self._branches.changing()),
            "push-branch": Action("Bring a branch up to its parent.", runs.PushBranch, self._runs.pushing()),
            "merge-branch": Action(
                "Deploy a branch to its parent.", runs.MergeBranch, self._runs.merging(), destroys=True
            ),
            "reset-branch": Action(
                "Run a branch's migrations anew; its data are lost.",
                runs.ResetBranch,
                self._runs.resetting(),
                destroys=True,
            ),
            "delete-branch": Action(
                "Delete a branch.", branches.DeleteBranch, self._branches.deleting(), destroys=True
            ),
            "restore-branch": Action(
                "Keep a branch whose deletion is scheduled.", branches.RestoreBranch, self._branches.restoring()
            ),
        }

    def _database_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "create-restore-point": Action(
                "Mark where one can come back to.", backups.CreateRestorePoint, self._backups.creating_point()
            ),
            "undo-to-restore-point": Action(
                "Take the database back to a restore point.",
                backups.UndoToRestorePoint,
                self._backups.undoing(),
                destroys=True,
            ),
            "restore-backup": Action(
                "Take the database back to a backup.", backups.RestoreBackup, self._backups.restoring(), destroys=True
            ),
            "restore-to-time": Action(
                "Take the database back to a point in time.",
                backups.RestoreToTime,
                self._backups.restoring_to_time(),
                destroys=True,
            ),
            "set-backup-schedule": Action(
                "Set when backups are made.", backups.ScheduleBackups, self._backups.scheduling()
            ),
            "make-read-only": NO_READ_ONLY,
            "allow-writes": Action(
                "Let a full database take writes for 15 minutes.",
                postgres.AllowWrites,
                self._postgres.allowing_writes(),
            ),
            "set-pooler": Action(
                "Set how connections are pooled.", postgres.SetPooler, self._postgres.setting_pooler()
            ),
            "set-postgres": Action(
                "Set Postgres settings; with restart the database is away for a moment.",
                postgres.SetPostgres,
                self._postgres.setting_postgres(),
                destroys=True,
            ),
        }

    def _access_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "set-secrets": Action(
                "Set secrets of edge functions.", secrets.SetSecrets, self._secrets.setting(), secrets=("values",)
            ),
            "remove-secrets": Action(
                "Remove secrets of edge functions.", secrets.RemoveSecrets, self._secrets.removing(), destroys=True
            ),
            "create-api-key": Action("Make an API key.", keys.CreateApiKey, self._keys.creating()),
            "delete-api-key": Action("Delete an API key.", keys.DeleteApiKey, self._keys.deleting(), destroys=True),
            "set-legacy-keys": Action(
                "Take or refuse the old API keys.", keys.SetLegacyKeys, self._keys.setting_legacy(), destroys=True
            ),
            "create-signing-key": Action(
                "Make a signing key that stands by.", keys.CreateSigningKey, self._keys.creating_signing()
            ),
            "set-signing-key": Action(
                "Put a signing key in use, or revoke it.",
                keys.SetSigningKey,
                self._keys.setting_signing(),
                destroys=True,
            ),
            "delete-signing-key": Action(
                "Delete a revoked signing key.", keys.DeleteSigningKey, self._keys.deleting_signing(), destroys=True
            ),
            "set-auth": Action(
                "Change settings of authentication.", auth.SetAuth, self._auth.setting(), secrets=("secrets",)
            ),
            "restrict-network": Action(
                "Say who may reach the database.", network.RestrictNetwork, self._network.restricting(), destroys=True
            ),
            "lift-bans": Action("Let banned addresses in again.", network.LiftBans, self._network.lifting_bans()),
            "enforce-ssl": Action(
                "Require encryption to the database.", network.EnforceSsl, self._network.enforcing_ssl(), destroys=True
            ),
        }

    def _function_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "deploy-functions": Action(
                "Bundle edge functions and switch to them at once.",
                functions.DeployFunctions,
                self._functions.deploying(),
            ),
            "divide-function-traffic": NO_TRAFFIC,
            "delete-function": Action(
                "Delete an edge function.", functions.DeleteFunction, self._functions.deleting(), destroys=True
            ),
        }

    def _storage_actions(self) -> Mapping[str, Action[Any] | Unsupported]:
        return {
            "create-bucket": Action("Make a bucket.", buckets.CreateBucket, self._buckets.creating()),
            "change-bucket": Action("Change a bucket's limits.", buckets.ChangeBucket, self._buckets.changing()),
            "empty-bucket": Action(
                "Delete every file of a bucket.", buckets.EmptyBucket, self._buckets.emptying(), destroys=True
            ),
            "delete-bucket": Action(
                "Delete an empty bucket.", buckets.DeleteBucket, self._buckets.deleting(), destroys=True
            ),
            "upload-file": Action("Upload a file; a large one in pieces.", UploadFile, self._uploads),
            "download-file": Action(
                "Download a file to the worker's host, checked by its digest.", downloads.DownloadFile, self._downloads
            ),
            "move-file": Action("Move a file to another path.", relocating.MoveFile, self._relocation.moving()),
            "copy-file": Action("Copy a file to another path.", relocating.CopyFile, self._relocation.copying()),
            "remove-files": Action("Remove files.", objects.RemoveFiles, self._objects.removing(), destroys=True),
        }
