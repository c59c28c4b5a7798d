"""Something to ask of every action of Vercel's desk, in a world prepared for it; and a request for every reading."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from console.domain.codec import to_json
from console.playground.emulators import vercel_certs, vercel_edge
from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from console.playground.releases import commit_of
from providers.contract import Nothing
from providers.vercel import (
    certificates,
    checks,
    deployments,
    dns,
    domains,
    edge_config,
    environment,
    hostnames,
    moves,
    projects,
    rolling,
    usage,
)
from tests.providers.subject import Wish

FRONTEND = "prj_Hk7Shop2Front9Deck4Mw1Xv6Qd3"
NOWHERE = "prj_unknown"
STAGES = (10, 50, 100)
World = Any
Maker = Callable[[World], Awaitable[Wish]]


def reference(request: object) -> str:
    """How an action whose truth is a state refers to itself."""
    return json.dumps(to_json(request), sort_keys=True, separators=(",", ":"))


def of_project(request: Any, world: World, *kinds: str, word: str = "") -> Wish:
    """A wish whose reference names a project, so that an unknown one is lost."""
    elsewhere = reference(replace(request, project=NOWHERE))
    return Wish(request, lambda: sum(world.count(kind) for kind in kinds), (elsewhere, "{}"), word)


async def pause(world: World) -> Wish:
    return of_project(projects.Pause(FRONTEND), world, "pause")


async def unpause(world: World) -> Wish:
    await world.call("POST", f"/v1/projects/{FRONTEND}/pause")
    return of_project(projects.Unpause(FRONTEND), world, "unpause")


async def assign_domains(world: World) -> Wish:
    return of_project(projects.AssignDomains(FRONTEND, False), world, "project")


async def deploy(world: World) -> Wish:
    request = deployments.DeployCommit(FRONTEND, commit_of("v1.1"), "v1.1")
    return Wish(request, lambda: world.count("deployment"), (f"{FRONTEND}/dpl_unknown",), "QUEUED")


async def redeploy(world: World) -> Wish:
    request = deployments.Redeploy(FRONTEND, world.live())
    return Wish(request, lambda: world.count("deployment"), (f"{FRONTEND}/dpl_unknown",), "QUEUED")


async def cancel_deployment(world: World) -> Wish:
    building = (await world.begin_deploy("v1.2")).partition("/")[2]
    request = deployments.CancelDeployment(FRONTEND, building)
    return Wish(request, lambda: world.count("cancel"), (f"{FRONTEND}/dpl_unknown",))


async def delete_deployment(world: World) -> Wish:
    return of_project(deployments.DeleteDeployment(FRONTEND, await world.staged()), world, "delete")


async def promote(world: World) -> Wish:
    staged = await world.staged()
    unknown = (f"{NOWHERE}/promote/{staged}/1795000000000/",)
    return Wish(moves.Promotion(FRONTEND, staged), lambda: world.count("promote"), unknown, "pending")


async def roll_back(world: World) -> Wish:
    first = await world.replaced()
    unknown = (f"{NOWHERE}/rollback/{first}/1795000000000/",)
    return Wish(moves.Rollback(FRONTEND, first, "errors"), lambda: world.count("rollback"), unknown, "pending")


async def undo_rollback(world: World) -> Wish:
    first = await world.replaced()
    await world.call("POST", f"/v1/projects/{FRONTEND}/rollback/{first}")
    await world.finish()
    unknown = (f"{NOWHERE}/promote/{first}/1795000000000/",)
    return Wish(projects.UndoRollback(FRONTEND), lambda: world.count("promote"), unknown, "pending")


async def assign_alias(world: World) -> Wish:
    request = hostnames.AssignAlias(await world.staged(), "shop.harbour.example")
    elsewhere = reference(replace(request, deployment="dpl_unknown"))
    return Wish(request, lambda: world.count("alias"), (elsewhere, "{}"))


async def remove_alias(world: World) -> Wish:
    await world.call("POST", f"/v2/deployments/{world.live()}/aliases", {"alias": "shop.harbour.example"})
    return of_project(hostnames.RemoveAlias(FRONTEND, "shop.harbour.example"), world, "alias_removed")


async def configure_rolling_release(world: World) -> Wish:
    return of_project(rolling.ConfigureRolling(FRONTEND, STAGES), world, "rolling_config")


async def disable_rolling_release(world: World) -> Wish:
    await world.configure_rolling()
    return of_project(rolling.DisableRolling(FRONTEND), world, "rolling_config")


async def approve_stage(world: World) -> Wish:
    return of_project(rolling.ApproveStage(FRONTEND, await world.rolling(), 1), world, "stage")


async def complete_rolling_release(world: World) -> Wish:
    return of_project(rolling.CompleteRolling(FRONTEND, await world.rolling()), world, "rolling_complete")


async def abort_rolling_release(world: World) -> Wish:
    return of_project(rolling.AbortRolling(FRONTEND, await world.rolling()), world, "rolling_abort")


async def set_variables(world: World) -> Wish:
    request = environment.SetEnvironment(FRONTEND, {"FLAG": "a-secret-value"}, ("production", "preview"))
    return Wish(request, lambda: world.count("env_vars"), (f"{NOWHERE}/environment",))


async def remove_variables(world: World) -> Wish:
    word = {"key": "WORD", "value": "blue", "type": "plain", "target": ["production", "preview"]}
    await world.call("POST", f"/v10/projects/{FRONTEND}/env", word)
    return of_project(environment.RemoveVariables(FRONTEND, ("WORD",)), world, "env_vars")


async def add_domain(world: World) -> Wish:
    return of_project(domains.AddDomain(FRONTEND, "shop.elsewhere.example"), world, "domain")


async def verify_domain(world: World) -> Wish:
    await world.proven_domain("shop.elsewhere.example")
    return of_project(domains.VerifyDomain(FRONTEND, "shop.elsewhere.example"), world, "domain_verified")


async def remove_domain(world: World) -> Wish:
    await world.call("POST", f"/v10/projects/{FRONTEND}/domains", {"name": "shop.elsewhere.example"})
    return of_project(domains.RemoveDomain(FRONTEND, "shop.elsewhere.example"), world, "domain_removed")


async def add_dns_record(world: World) -> Wish:
    request = dns.AddDnsRecord(TEAM_DOMAIN, "A", "api", "192.0.2.42")
    elsewhere = reference(replace(request, domain="unknown.example"))
    return Wish(request, lambda: world.count("record"), (elsewhere, "{}"))


async def remove_dns_record(world: World) -> Wish:
    request = dns.RemoveDnsRecord(TEAM_DOMAIN, world.emulator.dns.zones[TEAM_DOMAIN][0].id)
    elsewhere = reference(replace(request, domain="unknown.example"))
    return Wish(request, lambda: world.count("record_removed"), (elsewhere, "{}"))


async def issue_certificate(world: World) -> Wish:
    request = certificates.IssueCertificate((f"shop.{TEAM_DOMAIN}",))
    return Wish(request, lambda: world.count("certificate"), ("cert_unknown",))


async def report_check(world: World) -> Wish:
    deployment, run = await world.checked_deployment()
    request = checks.ReportCheck(deployment, run, "succeeded", "42 pages")
    elsewhere = reference(replace(request, check="run_unknown"))
    return Wish(request, lambda: world.count("check_run"), (elsewhere, "{}"))


async def edit_edge_config(world: World) -> Wish:
    request = edge_config.EditEdgeConfig(vercel_edge.FIRST, {"banner": "true"})
    elsewhere = reference(replace(request, edge_config="ecfg_unknown"))
    return Wish(request, lambda: world.count("edge_items"), (elsewhere, "{}"))


WISHES: dict[str, Maker] = {
    make.__name__.replace("_", "-"): make
    for make in (
        pause,
        unpause,
        assign_domains,
        deploy,
        redeploy,
        cancel_deployment,
        delete_deployment,
        promote,
        roll_back,
        undo_rollback,
        assign_alias,
        remove_alias,
        configure_rolling_release,
        disable_rolling_release,
        approve_stage,
        complete_rolling_release,
        abort_rolling_release,
        set_variables,
        remove_variables,
        add_domain,
        verify_domain,
        remove_domain,
        add_dns_record,
        remove_dns_record,
        issue_certificate,
        report_check,
        edit_edge_config,
    )
}

ASKS: dict[str, object] = {
    "projects": projects.Projects(),
    "project": projects.OneProject(FRONTEND),
    "serving": projects.Serving(FRONTEND),
    "deployments": deployments.Deployments(FRONTEND),
    "deployment": deployments.OneDeployment(FRONTEND),
    "build-log": deployments.BuildLog(FRONTEND),
    "runtime-log": deployments.RuntimeLog(FRONTEND, listen=timedelta(milliseconds=10)),
    "aliases": hostnames.Aliases(FRONTEND),
    "rolling-release": rolling.RollingReleaseOf(FRONTEND),
    "variables": environment.Variables(FRONTEND),
    "domains": domains.ProjectDomains(FRONTEND),
    "domain-configuration": domains.DomainConfiguration(TEAM_DOMAIN),
    "dns-records": dns.DnsRecords(TEAM_DOMAIN),
    "checks": checks.Checks(FRONTEND),
    "edge-configs": Nothing(),
    "edge-config-items": edge_config.EdgeConfigItems(vercel_edge.FIRST),
    "usage": usage.Usage(),
    "analytics": usage.Analytics(FRONTEND),
    "certificates": certificates.Certificates(),
    "certificate": certificates.OneCertificate(vercel_certs.FIRST),
}
