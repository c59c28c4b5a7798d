"""Everything that people do at GitHub by hand, as one table."""

from __future__ import annotations

from providers.contract import Action, Desk, Nothing, Reading
from providers.github.client import GitHubClient
from providers.github.comparing import Compare, Comparing
from providers.github.deployments import DeploymentReadings, ListDeployments, ShowDeployment
from providers.github.environments import Environments, SetEnvironment, ShowEnvironment
from providers.github.protection import ProtectionReadings, ShowProtection
from providers.github.publishing import CreateRelease, Creation, Publication, PublishRelease, Upload, UploadArtifact
from providers.github.releases import ListReleases, ReleaseReadings, ShowRelease, WriteNotes
from providers.github.reviews import ListPulls, ReviewReadings, ShowReviews


def build_desk(client: GitHubClient) -> Desk:
    deployments, environments = DeploymentReadings(client), Environments(client)
    releases, reviews, protection = ReleaseReadings(client), ReviewReadings(client), ProtectionReadings(client)
    comparing = Comparing(client)
    return Desk(
        readings={
            "compare": Reading("How two releases, branches or commits differ.", Compare, comparing.compare),
            "deployments": Reading("What was deployed, newest first.", ListDeployments, deployments.list),
            "deployment": Reading("One deployment with all its statuses.", ShowDeployment, deployments.show),
            "environments": Reading("The environments and their rules.", Nothing, environments.list),
            "environment": Reading("One environment and its rules.", ShowEnvironment, environments.show),
            "protection": Reading("What a branch demands, by rules and by itself.", ShowProtection, protection.show),
            "pulls": Reading("The pull requests of a commit.", ListPulls, reviews.list_pulls),
            "release": Reading("The release of a tag, with its files.", ShowRelease, releases.show),
            "release-notes": Reading("The notes that GitHub would write.", WriteNotes, releases.write_notes),
            "releases": Reading("Releases, newest first.", ListReleases, releases.list),
            "reviews": Reading("What the reviewers of a pull request think now.", ShowReviews, reviews.show),
            "rulesets": Reading("The rulesets of the repository.", Nothing, protection.list_rulesets),
        },
        actions={
            "create-release": Action("Make the release of a tag, or a draft of it.", CreateRelease, Creation(client)),
            "publish-release": Action("Make a draft public.", PublishRelease, Publication(client).setting),
            "upload-artifact": Action("Hang a file on a release.", UploadArtifact, Upload(client)),
            "set-environment": Action(
                "Set the rules of an environment; what is left out stays.", SetEnvironment, environments.setting
            ),
        },
    )
