"""What a deployment waits for, in words for whoever looks: a person, or a platform while the rest is back already."""

from __future__ import annotations

from collections import Counter

from console.domain.deployment import Deployment, DeploymentStatus, StepState, is_rollback_step

WAITING_FOR = "waiting for "
"""What the detail of a step begins with while its platform does not answer."""


def say_waiting(deployment: Deployment) -> str:
    """One line; empty where nothing waits that its steps do not say themselves."""
    if deployment.status is DeploymentStatus.ROLLING_BACK:
        return _say_rollback(deployment)
    asked = [state for state in deployment.steps.values() if state.asked]
    if not asked or deployment.is_terminal:
        return ""
    ways = "Retry, skip or roll back?" if all(state.step.is_skippable for state in asked) else "Retry or roll back?"
    return "; ".join(f"{state.step.name} failed: {state.detail}" for state in asked) + f" {ways}"


def _say_rollback(deployment: Deployment) -> str:
    rollback = deployment.rollback
    left = [s for s in deployment.steps.values() if is_rollback_step(s) and not s.status.is_terminal]
    stuck = Counter(str(s.step.provider) for s in left if s.detail.startswith(WAITING_FOR))
    if rollback is None or not left:
        return ""
    head = "traffic is back" if rollback.traffic_restored_at is not None else "traffic is not back yet"
    parts = [f"{_steps(count)} for {provider}{_because(left, provider)}" for provider, count in stuck.items()]
    rest = len(left) - stuck.total()
    if stuck and rest:
        parts.append("1 more goes on or follows" if rest == 1 else f"{rest} more go on or follow")
    unfit = _unfit(left)
    return "; ".join([head, *parts, *unfit])


def _because(left: list[StepState], provider: str) -> str:
    """What the platform said last, or how it failed to; the longest sentence where steps differ."""
    head = f"{WAITING_FOR}{provider}: "
    reasons = (state.detail.removeprefix(head) for state in left if state.detail.startswith(head))
    reason = max(reasons, key=len, default="").splitlines()
    return f" ({reason[0].rstrip('.')})" if reason else ""


def _unfit(left: list[StepState]) -> list[str]:
    return [state.detail for state in left if state.waiting_until is not None and state.detail]


def _steps(count: int) -> str:
    return "1 step waits" if count == 1 else f"{count} steps wait"
