"""Everything that people do at GitHub by hand, as one table."""

from __future__ import annotations

from collections.abc import Sequence

from providers.contract import Action, Desk, Nothing, Reading, Unsupported
from providers.github.alerts import AlertReadings, ListAlerts
from providers.github.check_runs import CheckRuns, SetCheck
from providers.github.client import GitHubClient
from providers.github.comparing import Compare, Comparing
from providers.github.deployments import DeploymentReadings, ListDeployments, ShowDeployment
from providers.github.dispatching import Dispatch, Dispatching, SetWorkflow, Workflows
from providers.github.environments import Environments, SetEnvironment, ShowEnvironment
from providers.github.logs import Logs, ReadArtifact, ReadJobLog, ReadRunLogs
from providers.github.protection import ProtectionReadings, ShowProtection
from providers.github.publishing import CreateRelease, Creation, Publication, PublishRelease, Upload, UploadArtifact
from providers.github.readings import Checks
from providers.github.releases import ListReleases, ReleaseReadings, ShowRelease, WriteNotes
from providers.github.reviews import ListPulls, ReviewReadings, ShowReviews
from providers.github.run_control import Cancelling, CancelRun, Rerun, Rerunning, ReviewDeployment, Reviewing
from providers.github.runs import ListRuns, RunReadings, ShowRun
from providers.github.statuses import CommitStatuses, SetStatus, ShowChecks
from providers.github.tracking import ShowTracking, Track, Tracking

NO_CHECK_RUNS = Unsupported(
    "GitHub lets only Apps write check runs, and this is a person's token.",
    "Use set-status, which GitHub shows beside them, or configure an App.",
)


def build_desk(client: GitHubClient, required_checks: Sequence[str], *, is_app: bool = False) -> Desk:
    deployments, environments = DeploymentReadings(client), Environments(client)
    releases, reviews, protection = ReleaseReadings(client), ReviewReadings(client), ProtectionReadings(client)
    runs, logs, workflows = RunReadings(client), Logs(client), Workflows(client)
    tracking, statuses = Tracking(client), CommitStatuses(client, Checks(client, required_checks))
    comparing = Comparing(client)
    set_check = Action("Write a check run of ours on a commit.", SetCheck, CheckRuns(client).setting)
    return Desk(
        readings={
            "alerts": Reading("What GitHub's scanners found, still open.", ListAlerts, AlertReadings(client).list),
            "approvals": Reading("The environments that a run waits for.", ShowRun, runs.list_approvals),
            "artifact": Reading("What is in an artifact of a run.", ReadArtifact, logs.read_artifact),
            "artifacts": Reading("The artifacts of a run.", ShowRun, logs.list_artifacts),
            "checks": Reading("Checks and statuses of a commit as one answer.", ShowChecks, statuses.show),
            "compare": Reading("How two releases, branches or commits differ.", Compare, comparing.compare),
            "deployments": Reading("What was deployed, newest first.", ListDeployments, deployments.list),
            "deployment": Reading("One deployment with all its statuses.", ShowDeployment, deployments.show),
            "environments": Reading("The environments and their rules.", Nothing, environments.list),
            "environment": Reading("One environment and its rules.", ShowEnvironment, environments.show),
            "job-log": Reading("The end of a job's log, once the job has ended.", ReadJobLog, logs.read_job),
            "jobs": Reading("The jobs of a run's latest attempt, with their steps.", ShowRun, runs.list_jobs),
            "protection": Reading("What a branch demands, by rules and by itself.", ShowProtection, protection.show),
            "pulls": Reading("The pull requests of a commit.", ListPulls, reviews.list_pulls),
            "release": Reading("The release of a tag, with its files.", ShowRelease, releases.show),
            "release-notes": Reading("The notes that GitHub would write.", WriteNotes, releases.write_notes),
            "releases": Reading("Releases, newest first.", ListReleases, releases.list),
            "reviews": Reading("What the reviewers of a pull request think now.", ShowReviews, reviews.show),
            "run": Reading("One workflow run.", ShowRun, runs.show),
            "run-logs": Reading("The end of each job's log, once the run has ended.", ReadRunLogs, logs.read_run),
            "runs": Reading("Workflow runs, newest first.", ListRuns, runs.list),
            "tracking": Reading("The issue of a deployment, and what it says.", ShowTracking, tracking.show),
            "workflows": Reading("The workflows, and whether they are in force.", Nothing, workflows.list),
            "rulesets": Reading("The rulesets of the repository.", Nothing, protection.list_rulesets),
        },
        actions={
            "cancel-run": Action("Stop a workflow run.", CancelRun, Cancelling(client).setting, destroys=True),
            "dispatch": Action("Begin a workflow by hand.", Dispatch, Dispatching(client)),
            "rerun": Action("Do a workflow run again.", Rerun, Rerunning(client)),
            "review-deployment": Action(
                "Let a waiting run into its environment, or send it away.", ReviewDeployment, Reviewing(client).setting
            ),
            "set-workflow": Action("Enable or disable a workflow.", SetWorkflow, workflows.setting),
            "create-release": Action("Make the release of a tag, or a draft of it.", CreateRelease, Creation(client)),
            "set-check": set_check if is_app else NO_CHECK_RUNS,
            "set-status": Action("Say how something went on a commit.", SetStatus, statuses.setting),
            "track": Action("Tell how a deployment goes in its one issue.", Track, tracking),
            "publish-release": Action("Make a draft public.", PublishRelease, Publication(client).setting),
            "upload-artifact": Action("Hang a file on a release.", UploadArtifact, Upload(client)),
            "set-environment": Action(
                "Set the rules of an environment; what is left out stays.", SetEnvironment, environments.setting
            ),
        },
    )
