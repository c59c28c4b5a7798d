"""What the contract suite asks of Render's desk: one wish an action, one request a reading."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from console.domain.codec import to_json
from console.playground.emulators.render_blueprints import BLUEPRINT
from console.playground.emulators.render_datastores import KEY_VALUE, POSTGRES
from console.playground.emulators.render_deploy_calls import SOURCE
from console.playground.emulators.render_env import GROUP
from console.playground.emulators.render_estate import REPORT, SEARCH
from console.playground.releases import commit_of
from providers.contract import Maintain, Nothing, OperationKey, SetAutoDeploy, Suspend
from providers.render import (
    artifacts,
    backups,
    blueprint_readings,
    byhand,
    cronruns,
    datastores,
    domains,
    envgroups,
    events,
    figures,
    jobs,
    loglines,
    maintenance,
    onevariable,
    purges,
    restarts,
    scaling,
    secretfiles,
    services,
)
from tests.providers.subject import Wish

BLUE, GREEN = "srv-d4blue0k7v1c9m2e5fg0", "srv-d4green0k7v1c9m2e5fg"
NOWHERE = "srv-unknown"
NAME = "shop.example.com"
VALUE = "a-secret-value"
YAML = "services: [{type: web, name: backend-blue, envVars: [{key: FLAG, value: on}]}]"
LONG_AGO = "2026-11-22T05:00:00Z"
Preparing = Callable[[Any], Awaitable[Wish]]

ASKS: dict[str, Any] = {
    "services": services.Services(),
    "service": services.OneService(BLUE),
    "events": events.Events(BLUE),
    "deploys": services.OneService(BLUE),
    "instances": services.OneService(BLUE),
    "variables": services.OneService(BLUE),
    "secret-files": services.OneService(BLUE),
    "env-groups": Nothing(),
    "env-group": envgroups.OneGroup(GROUP),
    "domains": services.OneService(BLUE),
    "jobs": services.OneService(BLUE),
    "logs": loglines.LogQuery(BLUE, text=("starts",), level=("info",)),
    "metrics": figures.Figure(BLUE, "cpu"),
    "blueprints": Nothing(),
    "blueprint": blueprint_readings.OneBlueprint(BLUEPRINT),
    "blueprint-syncs": blueprint_readings.OneBlueprint(BLUEPRINT),
    "validate-blueprint": blueprint_readings.BlueprintText(YAML),
    "blueprint-drift": blueprint_readings.BlueprintText(YAML),
    "import-blueprint": blueprint_readings.BlueprintText(YAML),
    "build-sources": Nothing(),
    "builds": artifacts.OneSource(SOURCE),
    "postgres": Nothing(),
    "postgres-instance": datastores.OnePostgres(POSTGRES),
    "postgres-recovery": datastores.OnePostgres(POSTGRES),
    "postgres-exports": datastores.OnePostgres(POSTGRES),
    "key-values": Nothing(),
    "key-value": datastores.OneKeyValue(KEY_VALUE),
    "platform-maintenance": Nothing(),
}


def reference_of(request: Any) -> str:
    """The reference that a `Setting` gives to a request."""
    return json.dumps(to_json(request), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def traced(request: Any) -> str:
    """The reference that a `Traced` gives to a request, at a time before it all."""
    return json.dumps({"since": LONG_AGO, "request": to_json(request)})


async def do(subject: Any, action: str, request: Any) -> Any:
    """Do something beforehand, without waiting for its end."""
    connection = subject.open()
    begun = await connection.desk.actions[action].actuator.start(request, OperationKey("before", subject.now()))
    await connection.close()
    return begun


def wish_for(request: Any, change: str, unknown: Any, *earlier: tuple[str, Any]) -> Preparing:
    """A wish for a state, where `earlier` actions have to be done before it is one.

    Args:
        change: How the emulator counts it.
        unknown: A request about what Render does not know, or references of such.
    """

    async def make(subject: Any) -> Wish:
        for action, before in earlier:
            await do(subject, action, before)
            await subject.clock.advance(10)
        references = unknown if isinstance(unknown, tuple) else (reference_of(unknown),)
        return Wish(request, lambda: subject.count(change), references)

    return make


async def _verify_domain(subject: Any) -> Wish:
    await do(subject, "add-domain", domains.AddDomain(BLUE, NAME))
    unknown = (reference_of(domains.VerifyDomain(BLUE, "other.example.com")),)
    return Wish(domains.VerifyDomain(BLUE, NAME), lambda: subject.count("verify"), unknown)


async def _cancel_job(subject: Any) -> Wish:
    begun = await do(subject, "run-job", jobs.RunJob(BLUE, "sleep 60"))
    request = jobs.CancelJob(BLUE, begun.outputs["job"])
    return Wish(request, lambda: subject.count("cancel_job"), (f"{BLUE}/job-unknown",), '"running"')


async def _cancel_cron_run(subject: Any) -> Wish:
    begun = await do(subject, "run-cron-job", cronruns.RunCronJob(REPORT.id))
    request = cronruns.CancelCronRun(REPORT.id, begun.outputs["run"])
    return Wish(request, lambda: subject.count("cancel_cron_run"), (f"{REPORT.id}/crr-unknown",))


async def _deploy_build(subject: Any) -> Wish:
    built = await do(subject, "start-build", artifacts.StartBuild(SOURCE))
    await subject.clock.advance(10)
    request = artifacts.DeployBuild(BLUE, built.outputs["build"])
    return Wish(request, lambda: subject.count("deploy"), (f"{BLUE}/dep-unknown",), "update_in_progress")


async def _restore(subject: Any) -> Wish:
    at = subject.now() - timedelta(hours=1)
    request = backups.RestorePostgres(POSTGRES, at, "reports-an-hour-ago")
    unknown = reference_of(backups.RestorePostgres("dpg-unknown", at, "reports-an-hour-ago"))
    return Wish(request, lambda: subject.count("restore"), (unknown,), "recovery_in_progress")


AUTOSCALING = scaling.SetAutoscaling(BLUE, 1, 3, cpu=60)
VARIABLE = onevariable.SetVariable(BLUE, "FLAG", VALUE)
FILE = secretfiles.PutSecretFile(BLUE, "key.pem", VALUE)
GROUP_VARIABLE = envgroups.SetGroupVariable(GROUP, "FLAG", VALUE)
GROUP_FILE = envgroups.PutGroupFile(GROUP, "key.pem", VALUE)
NOBODY = "evg-unknown"


async def _cancel_deploy(subject: Any) -> Wish:
    begun = await do(subject, "deploy", byhand.DeployCommit(BLUE, commit_of("v1.2")))
    request = byhand.CancelDeploy(BLUE, begun.outputs["deploy"])
    return Wish(request, lambda: subject.count("cancel"), (f"{BLUE}/dep-unknown",))


async def _roll_back(subject: Any) -> Wish:
    first = subject.emulator.services[BLUE].deploys[0].id
    await do(subject, "deploy", byhand.DeployCommit(BLUE, commit_of("v1.2")))
    await subject.finish()
    return Wish(byhand.RollBackTo(BLUE, first), lambda: subject.count("rollback"), (f"{BLUE}/dep-unknown",))


WISHES: dict[str, Preparing] = {
    "deploy": wish_for(byhand.DeployCommit(BLUE, commit_of("v1.1")), "deploy", (f"{BLUE}/dep-unknown",)),
    "cancel-deploy": _cancel_deploy,
    "roll-back": _roll_back,
    "suspend": wish_for(byhand.SuspendService(BLUE), "suspend", (traced(Suspend(NOWHERE)),)),
    "resume": wish_for(byhand.ResumeService(GREEN), "resume", (f"{NOWHERE}/resume/{LONG_AGO}",)),
    "scale": wish_for(scaling.Scale(BLUE, 2), "scale", scaling.Scale(NOWHERE, 2)),
    "set-autoscaling": wish_for(AUTOSCALING, "autoscaling", scaling.SetAutoscaling(NOWHERE, 1, 3, cpu=60)),
    "remove-autoscaling": wish_for(
        scaling.RemoveAutoscaling(BLUE),
        "autoscaling",
        scaling.RemoveAutoscaling(NOWHERE),
        ("set-autoscaling", AUTOSCALING),
    ),
    "maintenance-on": wish_for(maintenance.MaintenanceOn(BLUE), "update", Maintain(NOWHERE, True)),
    "maintenance-off": wish_for(
        maintenance.MaintenanceOff(BLUE),
        "update",
        Maintain(NOWHERE, False),
        ("maintenance-on", maintenance.MaintenanceOn(BLUE)),
    ),
    "restart": wish_for(restarts.Restart(BLUE), "restart", (traced(restarts.Restart(NOWHERE)),)),
    "purge-cache": wish_for(purges.PurgeCache(BLUE), "purge", (f"{NOWHERE}/purge/{LONG_AGO}", f"{BLUE}/purge/x")),
    "add-domain": wish_for(domains.AddDomain(BLUE, NAME), "domain", domains.AddDomain(NOWHERE, NAME)),
    "verify-domain": _verify_domain,
    "remove-domain": wish_for(
        domains.RemoveDomain(BLUE, NAME),
        "domain",
        domains.RemoveDomain(NOWHERE, NAME),
        ("add-domain", domains.AddDomain(BLUE, NAME)),
    ),
    "run-job": wish_for(jobs.RunJob(BLUE, "true"), "job", (f"{BLUE}/job-unknown", f"{BLUE}/")),
    "cancel-job": _cancel_job,
    "run-cron-job": wish_for(
        cronruns.RunCronJob(REPORT.id), "cron_run", (f"{REPORT.id}/crr-unknown", "crn-unknown/crr-unknown")
    ),
    "cancel-cron-run": _cancel_cron_run,
    "hold-auto-deploy": wish_for(services.HoldAutoDeploy(BLUE), "update", SetAutoDeploy(NOWHERE, False)),
    "lift-auto-deploy": wish_for(
        services.LiftAutoDeploy(BLUE),
        "update",
        SetAutoDeploy(NOWHERE, True),
        ("hold-auto-deploy", services.HoldAutoDeploy(BLUE)),
    ),
    "deploy-image": wish_for(
        artifacts.DeployImage(SEARCH.id, "docker.io/acme/search:1.5.0"), "deploy", (f"{SEARCH.id}/dep-unknown",)
    ),
    "start-build": wish_for(artifacts.StartBuild(SOURCE), "build", (f"{SOURCE}/bld-unknown", f"{SOURCE}/")),
    "deploy-build": _deploy_build,
    "set-variable": wish_for(VARIABLE, "env_vars", ('{"name":"OTHER","service":"' + BLUE + '"}',)),
    "remove-variable": wish_for(
        onevariable.RemoveVariable(BLUE, "FLAG"),
        "env_vars",
        onevariable.RemoveVariable(NOWHERE, "FLAG"),
        ("set-variable", VARIABLE),
    ),
    "put-secret-file": wish_for(FILE, "secret_files", ('{"name":"other","service":"' + BLUE + '"}',)),
    "remove-secret-file": wish_for(
        secretfiles.RemoveSecretFile(BLUE, "key.pem"),
        "secret_files",
        secretfiles.RemoveSecretFile(NOWHERE, "key.pem"),
        ("put-secret-file", FILE),
    ),
    "set-group-variable": wish_for(GROUP_VARIABLE, "env_groups", ('{"group":"evg-unknown","name":"FLAG"}',)),
    "remove-group-variable": wish_for(
        envgroups.RemoveGroupVariable(GROUP, "FLAG"),
        "env_groups",
        envgroups.RemoveGroupVariable(NOBODY, "FLAG"),
        ("set-group-variable", GROUP_VARIABLE),
    ),
    "put-group-file": wish_for(GROUP_FILE, "env_groups", ('{"group":"evg-unknown","name":"key.pem"}',)),
    "remove-group-file": wish_for(
        envgroups.RemoveGroupFile(GROUP, "key.pem"),
        "env_groups",
        envgroups.RemoveGroupFile(NOBODY, "key.pem"),
        ("put-group-file", GROUP_FILE),
    ),
    "link-env-group": wish_for(envgroups.LinkGroup(GROUP, BLUE), "env_groups", envgroups.LinkGroup(NOBODY, BLUE)),
    "unlink-env-group": wish_for(
        envgroups.UnlinkGroup(GROUP, BLUE),
        "env_groups",
        envgroups.UnlinkGroup(NOBODY, BLUE),
        ("link-env-group", envgroups.LinkGroup(GROUP, BLUE)),
    ),
    "suspend-postgres": wish_for(
        datastores.SuspendPostgres(POSTGRES), "suspend_store", datastores.SuspendPostgres("dpg-unknown")
    ),
    "resume-postgres": wish_for(
        datastores.ResumePostgres(POSTGRES),
        "resume_store",
        datastores.ResumePostgres("dpg-unknown"),
        ("suspend-postgres", datastores.SuspendPostgres(POSTGRES)),
    ),
    "export-postgres": wish_for(
        backups.ExportPostgres(POSTGRES), "export", (traced(backups.ExportPostgres("dpg-unknown")),)
    ),
    "restore-postgres": _restore,
    "suspend-key-value": wish_for(
        datastores.SuspendKeyValue(KEY_VALUE), "suspend_store", datastores.SuspendKeyValue("red-unknown")
    ),
    "resume-key-value": wish_for(
        datastores.ResumeKeyValue(KEY_VALUE),
        "resume_store",
        datastores.ResumeKeyValue("red-unknown"),
        ("suspend-key-value", datastores.SuspendKeyValue(KEY_VALUE)),
    ),
}


async def wish(subject: Any, action: str) -> Wish:
    return await WISHES[action](subject)
