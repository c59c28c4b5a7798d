"""What an operator does on Render's dashboard, as one table.

The ideas stand in modules of their own: each has the requests, the shapes of Render's answers, and the actuators.
"""

from __future__ import annotations

from typing import Any

from providers.contract import Action, Desk, Nothing, Reading
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
from providers.render.client import RenderClient
from providers.render.deploys import DeployReader, Deploys, Rollbacks, make_cancel
from providers.render.power import Resumptions, make_suspend
from providers.translated import Translated


def build_desk(client: RenderClient, owner: str) -> Desk:
    return Desk(
        readings=_service_readings(client, owner) | _store_readings(client, owner) | _blueprint_readings(client, owner),
        actions=_service_actions(client, owner)
        | _deploy_actions(client, owner)
        | _environment_actions(client, owner)
        | _store_actions(client, owner),
    )


def _service_readings(client: RenderClient, owner: str) -> dict[str, Reading[Any]]:
    reader, groups = services.ServiceReader(client, owner), envgroups.Groups(client, owner)
    builds, lines = artifacts.Builds(client, owner), loglines.LogReader(client, owner)
    return {
        "services": Reading("Services of every type.", services.Services, reader.fetch_services),
        "service": Reading("One service in full.", services.OneService, reader.fetch_service),
        "events": Reading("What happened to a service, with reasons.", events.Events, events.EventReader(client).fetch),
        "deploys": Reading("The newest deploys of a service.", services.OneService, reader.fetch_deploys),
        "instances": Reading(
            "Running instances of a service.", services.OneService, restarts.InstanceReader(client).fetch
        ),
        "variables": Reading(
            "Names of a service's variables.", services.OneService, onevariable.VariableNames(client).fetch
        ),
        "secret-files": Reading(
            "Names of a service's secret files.", services.OneService, secretfiles.SecretFiles(client).fetch_names
        ),
        "env-groups": Reading("Env groups and who sees them.", Nothing, groups.fetch_groups),
        "env-group": Reading("One env group, without its values.", envgroups.OneGroup, groups.fetch_group),
        "domains": Reading("Custom domains of a service.", services.OneService, domains.Domains(client).fetch),
        "jobs": Reading("One-off jobs of a service.", services.OneService, jobs.JobReader(client).fetch),
        "logs": Reading("Log lines, picked by text, level or path.", loglines.LogQuery, lines.fetch),
        "metrics": Reading("Figures that Render measures.", figures.Figure, figures.Figures(client).fetch),
        "build-sources": Reading("What builds once for several services.", Nothing, builds.fetch_sources),
        "builds": Reading("Builds of a build source.", artifacts.OneSource, builds.fetch_builds),
    }


def _store_readings(client: RenderClient, owner: str) -> dict[str, Reading[Any]]:
    stores = datastores.Datastores(client, owner)
    backup = backups.Backups(stores)
    runs = maintenance.MaintenanceRuns(client, owner)
    return {
        "postgres": Reading("Postgres instances.", Nothing, stores.fetch_postgres),
        "postgres-instance": Reading("One Postgres instance.", datastores.OnePostgres, stores.fetch_one_postgres),
        "postgres-recovery": Reading("How far back it can be restored.", datastores.OnePostgres, backup.fetch_window),
        "postgres-exports": Reading("Logical backups of it.", datastores.OnePostgres, backup.fetch_exports),
        "key-values": Reading("Key Value instances.", Nothing, stores.fetch_key_values),
        "key-value": Reading("One Key Value instance.", datastores.OneKeyValue, stores.fetch_one_key_value),
        "platform-maintenance": Reading("Maintenance that Render has planned or done.", Nothing, runs.fetch),
    }


def _blueprint_readings(client: RenderClient, owner: str) -> dict[str, Reading[Any]]:
    reader, text = blueprint_readings.BlueprintReader(client, owner), blueprint_readings.BlueprintText
    one = blueprint_readings.OneBlueprint
    return {
        "blueprints": Reading("Blueprints of the workspace.", Nothing, reader.fetch_blueprints),
        "blueprint": Reading("One Blueprint, with what it made.", one, reader.fetch_blueprint),
        "blueprint-syncs": Reading("When a Blueprint was applied, and how that went.", one, reader.fetch_syncs),
        "validate-blueprint": Reading("What Render says of a render.yaml.", text, reader.validate),
        "blueprint-drift": Reading("How the workspace differs from a render.yaml.", text, reader.fetch_drift),
        "import-blueprint": Reading("A render.yaml as configuration of Quarterdeck.", text, reader.write_configuration),
    }


def _service_actions(client: RenderClient, owner: str) -> dict[str, Action[Any]]:
    reader, names = services.ServiceReader(client, owner), domains.Domains(client)
    job, run = jobs.JobReader(client), cronruns.CronRunReader(client)
    maintain = maintenance.make_maintain(reader)
    return {
        "scale": Action("Run a fixed number of instances.", scaling.Scale, scaling.make_scale(reader)),
        "set-autoscaling": Action(
            "Let the number of instances follow the load.", scaling.SetAutoscaling, scaling.make_autoscaling(reader)
        ),
        "remove-autoscaling": Action(
            "Return to a fixed number of instances.", scaling.RemoveAutoscaling, scaling.make_fixed(reader)
        ),
        "maintenance-on": Action(
            "Show a maintenance page instead of the service.",
            maintenance.MaintenanceOn,
            maintenance.make_maintenance_on(maintain),
            destroys=True,
        ),
        "maintenance-off": Action(
            "Show the service again.", maintenance.MaintenanceOff, maintenance.make_maintenance_off(maintain)
        ),
        "restart": Action("Replace every instance by a fresh one.", restarts.Restart, restarts.make_restart(client)),
        "purge-cache": Action("Empty the edge's cache of a service.", purges.PurgeCache, purges.Purges(client)),
        "add-domain": Action("Add a custom domain.", domains.AddDomain, domains.make_add(names)),
        "verify-domain": Action("Look at a domain's DNS again.", domains.VerifyDomain, domains.make_verify(names)),
        "remove-domain": Action(
            "Take a custom domain away.", domains.RemoveDomain, domains.make_remove(names), destroys=True
        ),
        "run-job": Action("Run a command once, beside the service.", jobs.RunJob, jobs.Jobs(job)),
        "cancel-job": Action("Stop a one-off job.", jobs.CancelJob, jobs.make_cancel(job), destroys=True),
        "run-cron-job": Action(
            "Run a cron job now, which cancels its active run.",
            cronruns.RunCronJob,
            cronruns.CronRuns(run),
            destroys=True,
        ),
        "cancel-cron-run": Action(
            "Stop a run of a cron job.", cronruns.CancelCronRun, cronruns.make_cancel(run), destroys=True
        ),
    }


def _deploy_actions(client: RenderClient, owner: str) -> dict[str, Action[Any]]:
    deploys = DeployReader(client)
    auto_deploy = services.make_auto_deploy(services.ServiceReader(client, owner))
    return {
        "deploy": Action(
            "Build and deploy a commit.", byhand.DeployCommit, Translated(Deploys(deploys), byhand.as_deploy)
        ),
        "cancel-deploy": Action(
            "Stop a deploy; what serves goes on serving.",
            byhand.CancelDeploy,
            Translated(make_cancel(deploys), byhand.as_cancel),
            destroys=True,
        ),
        "roll-back": Action(
            "Return to an earlier deploy, and hold auto-deploy off.",
            byhand.RollBackTo,
            Translated(Rollbacks(deploys), byhand.as_rollback),
        ),
        "suspend": Action(
            "Stop a service.",
            byhand.SuspendService,
            Translated(make_suspend(client), byhand.as_suspend),
            destroys=True,
        ),
        "resume": Action(
            "Start a suspended service.",
            byhand.ResumeService,
            Translated(Resumptions(deploys), byhand.as_resume),
        ),
        "hold-auto-deploy": Action(
            "Let no push deploy the service.", services.HoldAutoDeploy, services.make_holding(auto_deploy)
        ),
        "lift-auto-deploy": Action(
            "Let pushes deploy the service again.", services.LiftAutoDeploy, services.make_lifting(auto_deploy)
        ),
        "deploy-image": Action(
            "Deploy another tag or digest of the service's image.",
            artifacts.DeployImage,
            artifacts.ImageDeploys(deploys),
        ),
        "start-build": Action(
            "Build once, for several services.", artifacts.StartBuild, artifacts.Builds(client, owner)
        ),
        "deploy-build": Action(
            "Deploy a build that is there already.", artifacts.DeployBuild, artifacts.BuildDeploys(deploys)
        ),
    }


def _environment_actions(client: RenderClient, owner: str) -> dict[str, Action[Any]]:
    files, groups = secretfiles.SecretFiles(client), envgroups.Groups(client, owner)
    value, content = ("value",), ("content",)
    return {
        "set-variable": Action(
            "Set one variable.", onevariable.SetVariable, onevariable.make_set_variable(client), secrets=value
        ),
        "remove-variable": Action(
            "Remove one variable.", onevariable.RemoveVariable, onevariable.make_remove_variable(client), destroys=True
        ),
        "put-secret-file": Action(
            "Write one secret file.", secretfiles.PutSecretFile, secretfiles.make_put_file(files), secrets=content
        ),
        "remove-secret-file": Action(
            "Remove one secret file.", secretfiles.RemoveSecretFile, secretfiles.make_remove_file(files), destroys=True
        ),
        "set-group-variable": Action(
            "Set one variable of an env group.",
            envgroups.SetGroupVariable,
            envgroups.make_set_variable(groups),
            secrets=value,
        ),
        "remove-group-variable": Action(
            "Remove one variable of an env group.",
            envgroups.RemoveGroupVariable,
            envgroups.make_remove_variable(groups),
            destroys=True,
        ),
        "put-group-file": Action(
            "Write one secret file of an env group.",
            envgroups.PutGroupFile,
            envgroups.make_put_file(groups),
            secrets=content,
        ),
        "remove-group-file": Action(
            "Remove one secret file of an env group.",
            envgroups.RemoveGroupFile,
            envgroups.make_remove_file(groups),
            destroys=True,
        ),
        "link-env-group": Action("Let a service see an env group.", envgroups.LinkGroup, envgroups.make_link(groups)),
        "unlink-env-group": Action(
            "Hide an env group from a service.", envgroups.UnlinkGroup, envgroups.make_unlink(groups), destroys=True
        ),
    }


def _store_actions(client: RenderClient, owner: str) -> dict[str, Action[Any]]:
    stores = datastores.Datastores(client, owner)
    return {
        "suspend-postgres": Action(
            "Stop a Postgres instance; its data stays.",
            datastores.SuspendPostgres,
            datastores.make_suspend_postgres(stores),
            destroys=True,
        ),
        "resume-postgres": Action(
            "Start a Postgres instance again.", datastores.ResumePostgres, datastores.make_resume_postgres(stores)
        ),
        "export-postgres": Action("Make a logical backup.", backups.ExportPostgres, backups.make_export(client)),
        "restore-postgres": Action(
            "Restore a moment into a new instance.",
            backups.RestorePostgres,
            backups.make_restore(backups.Backups(stores)),
        ),
        "suspend-key-value": Action(
            "Stop a Key Value instance.",
            datastores.SuspendKeyValue,
            datastores.make_suspend_key_value(stores),
            destroys=True,
        ),
        "resume-key-value": Action(
            "Start a Key Value instance again.", datastores.ResumeKeyValue, datastores.make_resume_key_value(stores)
        ),
    }
