"""Everything that people do at GitHub by hand, as one table."""

from __future__ import annotations

from providers.contract import Action, Desk, Nothing, Reading
from providers.github.client import GitHubClient
from providers.github.deployments import DeploymentReadings, ListDeployments, ShowDeployment
from providers.github.environments import Environments, SetEnvironment, ShowEnvironment


def build_desk(client: GitHubClient) -> Desk:
    deployments, environments = DeploymentReadings(client), Environments(client)
    return Desk(
        readings={
            "deployments": Reading("What was deployed, newest first.", ListDeployments, deployments.list),
            "deployment": Reading("One deployment with all its statuses.", ShowDeployment, deployments.show),
            "environments": Reading("The environments and their rules.", Nothing, environments.list),
            "environment": Reading("One environment and its rules.", ShowEnvironment, environments.show),
        },
        actions={
            "set-environment": Action(
                "Set the rules of an environment; what is left out stays.", SetEnvironment, environments.setting
            ),
        },
    )
