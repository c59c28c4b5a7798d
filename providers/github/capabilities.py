"""What GitHub does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.contract import Capabilities, Unsupported
from providers.github.account import AppAccount, TokenAccount
from providers.github.alerts import CommitAlerts
from providers.github.announce import Announcements
from providers.github.readings import Checks, Releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.github.client import GitHubClient

NO_HOSTING = Unsupported("GitHub holds the source and runs no services.", "Deploy with the services' platform.")


def build_capabilities(client: GitHubClient, required_checks: Sequence[str], *, is_app: bool) -> Capabilities:
    """Everything by role.

    Args:
        required_checks: Names without which a commit is not judged good, beyond what GitHub itself requires.
        is_app: Whether an App asks rather than a person's token.
    """
    releases = Releases(client)
    return Capabilities(
        account=AppAccount(client) if is_app else TokenAccount(client),
        releases=releases,
        tags=releases,
        checks=Checks(client, required_checks),
        alerts=CommitAlerts(client),
        announce=Announcements(client),
        deploy=NO_HOSTING,
        cancel=NO_HOSTING,
        promote=NO_HOSTING,
        roll_back=NO_HOSTING,
        suspend=NO_HOSTING,
        resume=NO_HOSTING,
        inventory=NO_HOSTING,
        logs=NO_HOSTING,
        metrics=NO_HOSTING,
    )
