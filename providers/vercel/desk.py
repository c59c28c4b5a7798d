"""What an operator does on Vercel's dashboard, as one table."""

from __future__ import annotations

from providers.contract import Action, Desk, Nothing, Reading, Unsupported
from providers.translated import Translated
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
from providers.vercel.aliases import make_promote
from providers.vercel.client import VercelClient
from providers.vercel.deploys import Deploys, make_cancel
from providers.vercel.rolling_release import RollingCalls

NO_OBSERVABILITY = Unsupported(
    "Vercel sells these figures as an add-on, and no document says how a query names its scope or what is answered.",
    "Ask for `analytics` and `runtime-log`, or use a provider of kind web to probe the site.",
)
NO_CRON_RUN = Unsupported(
    "Vercel has no call that runs a cron job now.", "Request the job's path with the project's CRON_SECRET."
)


def build_desk(client: VercelClient, url_scheme: str) -> Desk:
    deploys = Deploys(client, url_scheme)
    project = projects.ProjectReader(client)
    deployment = deployments.DeploymentReader(client)
    hostname = hostnames.Hostnames(client)
    variable = environment.Environment(client)
    domain = domains.Domains(client)
    record = dns.Dns(client)
    certificate = certificates.CertificateOffice(client)
    check = checks.CheckDesk(client)
    edge = edge_config.EdgeConfigs(client)
    figures = usage.Figures(client)
    release = rolling.Rolling(RollingCalls(client))
    return Desk(
        readings={
            "projects": Reading("Projects of the team.", projects.Projects, project.fetch_projects),
            "project": Reading("One project.", projects.OneProject, project.fetch_project),
            "serving": Reading(
                "What serves production, and what is only READY.", projects.Serving, project.fetch_serving
            ),
            "deployments": Reading(
                "Deployments of a project, newest first.", deployments.Deployments, deployment.fetch_deployments
            ),
            "deployment": Reading("One deployment.", deployments.OneDeployment, deployment.fetch_deployment),
            "build-log": Reading("What a build said.", deployments.BuildLog, deployment.fetch_build_log),
            "runtime-log": Reading(
                "What a deployment says while one listens.", deployments.RuntimeLog, deployment.fetch_runtime_log
            ),
            "aliases": Reading("Hostnames and where they lead.", hostnames.Aliases, hostname.fetch),
            "rolling-release": Reading(
                "Whether the plan has rolling releases, their stages, and how far the present one is.",
                rolling.RollingReleaseOf,
                release.fetch,
            ),
            "variables": Reading(
                "Names of a project's variables, where they hold and whether they can be read back; no values.",
                environment.Variables,
                variable.fetch,
            ),
            "domains": Reading(
                "Domains of a project, and how to verify those that are not.", domains.ProjectDomains, domain.fetch
            ),
            "domain-configuration": Reading(
                "Whether the world's DNS leads a domain to Vercel, and the records that would.",
                domains.DomainConfiguration,
                domain.fetch_configuration,
            ),
            "dns-records": Reading("DNS records of a domain.", dns.DnsRecords, record.fetch),
            "certificates": Reading("TLS certificates.", certificates.Certificates, certificate.fetch_all),
            "checks": Reading("Checks of a deployment, and what waits for them.", checks.Checks, check.fetch),
            "edge-configs": Reading("Edge Configs of the team.", Nothing, edge.fetch_all),
            "edge-config-items": Reading("Items of an Edge Config.", edge_config.EdgeConfigItems, edge.fetch_items),
            "usage": Reading("What the team used, and what it costs, by service.", usage.Usage, figures.fetch_usage),
            "analytics": Reading(
                "Visitors and page views of a project, where Web Analytics is on.",
                usage.Analytics,
                figures.fetch_analytics,
            ),
            "observability": NO_OBSERVABILITY,
            "certificate": Reading("One TLS certificate.", certificates.OneCertificate, certificate.fetch),
        },
        actions={
            "pause": Action("Take a project's site down.", projects.Pause, projects.pausing(client), destroys=True),
            "unpause": Action("Bring a paused site back.", projects.Unpause, projects.unpausing(client)),
            "assign-domains": Action(
                "Say whether new production builds get the production domains by themselves.",
                projects.AssignDomains,
                projects.assigning(client),
            ),
            "deploy": Action(
                "Build a commit for production, staged unless it is to serve.",
                deployments.DeployCommit,
                Translated(deploys, deployments.as_deploy),
            ),
            "redeploy": Action(
                "Build an existing deployment again.", deployments.Redeploy, deployments.Redeploys(client, deploys)
            ),
            "cancel-deployment": Action(
                "Stop a build.",
                deployments.CancelDeployment,
                Translated(make_cancel(client, deploys), deployments.as_cancel),
            ),
            "delete-deployment": Action(
                "Delete a deployment that does not serve.",
                deployments.DeleteDeployment,
                deployments.deleting(client),
                destroys=True,
            ),
            "promote": Action(
                "Give the production domains to a deployment, or begin its rolling release.",
                moves.Promotion,
                moves.promoting(client),
            ),
            "roll-back": Action(
                "Return the production domains to a deployment that had them; new builds are held until undone.",
                moves.Rollback,
                moves.rolling_back(client),
            ),
            "undo-rollback": Action(
                "Promote what a rollback replaced, and let new builds have the production domains again.",
                projects.UndoRollback,
                projects.RollbackUndo(client, make_promote(client)),
            ),
            "assign-alias": Action(
                "Lead one hostname to a deployment; where it led before is in the outputs.",
                hostnames.AssignAlias,
                hostname.assigning,
            ),
            "remove-alias": Action(
                "Let a hostname lead nowhere.", hostnames.RemoveAlias, hostname.removing, destroys=True
            ),
            "configure-rolling-release": Action(
                "Divide the visitors in stages, from the next production deployment on.",
                rolling.ConfigureRolling,
                release.configuring,
            ),
            "disable-rolling-release": Action(
                "Give the next production deployment all visitors at once; one in flight goes on.",
                rolling.DisableRolling,
                release.disabling,
            ),
            "approve-stage": Action(
                "Let the rolling release go on to a stage.", rolling.ApproveStage, release.approving
            ),
            "complete-rolling-release": Action(
                "Give the canary all visitors now.", rolling.CompleteRolling, release.completing
            ),
            "abort-rolling-release": Action(
                "Give all visitors back to what served before the rolling release.",
                rolling.AbortRolling,
                release.aborting,
            ),
            "set-variables": Action(
                "Write variables, one by one, without touching others.",
                environment.SetEnvironment,
                variable,
                secrets=("variables",),
            ),
            "remove-variables": Action(
                "Take variables away from some targets.",
                environment.RemoveVariables,
                environment.removing(client),
                destroys=True,
            ),
            "add-domain": Action("Add a domain to a project.", domains.AddDomain, domain.adding),
            "verify-domain": Action(
                "Let Vercel look for the record that proves whose a domain is.", domains.VerifyDomain, domain.verifying
            ),
            "remove-domain": Action(
                "Take a domain away from a project.", domains.RemoveDomain, domain.removing, destroys=True
            ),
            "add-dns-record": Action("Add a DNS record.", dns.AddDnsRecord, record.adding),
            "remove-dns-record": Action("Remove a DNS record.", dns.RemoveDnsRecord, record.removing, destroys=True),
            "report-check": Action(
                "Say how a check of a deployment stands, as the integration that it belongs to.",
                checks.ReportCheck,
                check.reporting,
            ),
            "edit-edge-config": Action(
                "Set and remove items of an Edge Config.", edge_config.EditEdgeConfig, edge.editing()
            ),
            "run-cron": NO_CRON_RUN,
            "issue-certificate": Action("Issue a TLS certificate.", certificates.IssueCertificate, certificate),
        },
    )
