"""Identifiers. Distinct types, so that a release's name does not pass for a deployment's id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

DeploymentId = NewType("DeploymentId", str)
EnvironmentName = NewType("EnvironmentName", str)
ServiceName = NewType("ServiceName", str)
ProviderName = NewType("ProviderName", str)
StepId = NewType("StepId", str)
Actor = NewType("Actor", str)

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def build_deployment_id(at: datetime, entropy: bytes) -> DeploymentId:
    """Build an id that sorts by time and can be read out over a phone: `261122-061603-k3f9`.

    Args:
        at: When the deployment was requested (aware).
        entropy: Four or more random bytes; one character is taken from each of the first four.
    """
    letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in entropy[:4])
    return DeploymentId(f"{at.astimezone(UTC):%y%m%d-%H%M%S}-{letters}")
