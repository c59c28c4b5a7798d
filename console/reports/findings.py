"""The sentences of a report: what happened, what did not go as planned, what to do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.events import Control, Trigger
from console.domain.release import Release
from console.domain.verdict import VerdictKind
from console.planning.rollback import name_irreversible
from console.reports.evidence import judged_totals
from console.reports.model import Figure, Issue, Tone
from console.reports.words import ABSENT, STATUS_WORDS, count, length, percent, weights_text

CHANGES_SHOWN = 5


def headline(deployment: Deployment) -> str:
    """One line that says how it ended."""
    release, environment = deployment.plan.release.name, deployment.environment
    rollback = deployment.rollback
    if deployment.status is DeploymentStatus.SUCCEEDED:
        return f"{release} is live in {environment}."
    if deployment.status is DeploymentStatus.ROLLED_BACK and rollback is not None:
        how = "automatically" if rollback.trigger is Trigger.AUTOMATIC else f"by {rollback.requested_by}"
        part = f" for {', '.join(rollback.services)}" if rollback.services else ""
        return f"{release} was taken back from {environment}{part} {how}."
    if deployment.status is DeploymentStatus.ABORTED:
        return f"{release} was not deployed to {environment}; nothing was changed."
    if deployment.status is DeploymentStatus.FAILED:
        return f"{release} in {environment} needs a person."
    return f"{release} is on its way to {environment}: {STATUS_WORDS[deployment.status]}."


def summarise(deployment: Deployment, now: datetime, changes: Sequence[Release]) -> tuple[str, ...]:
    """A few sentences for someone who reads nothing else."""
    return tuple(
        sentence
        for sentence in (
            _sentence_of_scope(deployment),
            _sentence_of_traffic(deployment),
            _sentence_of_judgement(deployment),
            _sentence_of_rollback(deployment),
            deployment.failure and f"It ended because: {deployment.failure}",
            _sentence_of_changes(changes),
            _sentence_of_adoption(deployment),
            *deployment.plan.notes,
        )
        if sentence
    )


def _sentence_of_scope(deployment: Deployment) -> str:
    done = [deployment.steps[step.id] for step in deployment.plan.steps]
    good = sum(state.status in {StepStatus.SUCCEEDED, StepStatus.UNDONE} for state in done)
    platforms = dict.fromkeys(state.step.provider for state in done if state.step.provider)
    services = ", ".join(deployment.plan.services) or "no service"
    return (
        f"{deployment.requested_by} asked for {deployment.plan.release} by {deployment.plan.strategy}: {services}, "
        f"on {', '.join(str(name) for name in platforms) or 'no platform'}. {good} of {len(done)} steps were done."
    )


def _sentence_of_traffic(deployment: Deployment) -> str:
    moved: dict[str, list[Mapping[str, int]]] = {}
    for record in deployment.traffic:
        moved.setdefault(record.service, []).append(record.weights)
    parts = []
    for service, weights in moved.items():
        arm = deployment.plan.candidate_arms.get(service)
        shares = [f"{given[arm]} %" for given in weights if arm in given] if arm else []
        road = f"{arm} got {' → '.join(shares)}" if shares else f"now {weights_text(weights[-1])}"
        parts.append(f"{service}: {road}")
    return f"Traffic moved. {'. '.join(parts)}." if parts else ""


def _sentence_of_judgement(deployment: Deployment) -> str:
    requests, errors = judged_totals(deployment)
    if not requests:
        return ""
    return (
        f"The new release was judged on {count(requests)} requests, of which {count(errors)} failed "
        f"({percent(errors / requests)})."
    )


def _sentence_of_rollback(deployment: Deployment) -> str:
    rollback = deployment.rollback
    if rollback is None:
        return ""
    by = "Quarterdeck" if rollback.trigger is Trigger.AUTOMATIC else rollback.requested_by
    back = length(rollback.traffic_restored_after)
    when = f"Traffic was back {back} later" if back != ABSENT else "No traffic had to be moved back"
    all_done = f", everything after {length(rollback.duration)}" if rollback.duration is not None else ""
    return f"{by} took it back: {rollback.reason.rstrip('.')}. {when}{all_done}."


def _sentence_of_changes(changes: Sequence[Release]) -> str:
    if not changes:
        return ""
    shown = "; ".join(change.message.splitlines()[0] for change in changes[-CHANGES_SHOWN:] if change.message)
    noun = "1 commit" if len(changes) == 1 else f"{len(changes)} commits"
    return f"It adds {noun}: {shown}." if shown else f"It adds {noun}."


def _sentence_of_adoption(deployment: Deployment) -> str:
    if len(deployment.workers) < 2:
        return ""
    return f"Worker {deployment.workers[-1]} finished what another one had begun."


def list_figures(deployment: Deployment, now: datetime) -> tuple[Figure, ...]:
    plan = deployment.plan
    requests, errors = judged_totals(deployment)
    done = sum(deployment.steps[step.id].status.is_terminal for step in plan.steps)
    forecast = f"forecast {length(plan.forecast)}" if plan.forecast is not None else ""
    risk_tone = {"high": Tone.BAD, "medium": Tone.DOUBT}.get(plan.risk.word, Tone.GOOD)
    figures = [
        Figure("Duration", length(deployment.duration(now)), forecast),
        Figure("Steps", f"{done} / {len(plan.steps)}", "ended, of the plan's"),
        Figure("Risk", plan.risk.word, f"{plan.risk.score} of 100", risk_tone),
    ]
    if requests:
        tone = Tone.BAD if any(record.verdict.is_fail for record in deployment.verdicts) else Tone.GOOD
        figures.append(Figure("Requests judged", count(requests), f"{count(errors)} failed", tone))
    rollback = deployment.rollback
    if rollback is not None:
        figures.append(Figure("Traffic back", length(rollback.traffic_restored_after), "after it was asked", Tone.GOOD))
        figures.append(Figure("All taken back", length(rollback.duration), "after it was asked"))
    return tuple(figures)


def list_issues(deployment: Deployment) -> tuple[Issue, ...]:
    """What did not go as planned, the gravest first."""
    issues = [Issue(what, service, Tone.BAD) for service, what in deployment.left_behind.items()]
    for state in deployment.steps.values():
        issues += _issues_of_step(state)
    last = {record.step: record for record in deployment.verdicts}
    for record in last.values():
        if record.verdict.kind in {VerdictKind.INCONCLUSIVE, VerdictKind.NOT_RUN}:
            issues.append(Issue(record.verdict.explanation, f"step {record.step}", Tone.DOUBT))
    for control in deployment.controls:
        if control.control is Control.PROMOTE:
            issues.append(Issue(f"{control.actor} let it go on before its time.", f"step {control.step}", Tone.DOUBT))
    order = (Tone.BAD, Tone.DOUBT)
    return tuple(sorted(issues, key=lambda issue: order.index(issue.tone)))


def _issues_of_step(state: StepState) -> list[Issue]:
    where = f"step {state.step.id}"
    if state.status is StepStatus.FAILED:
        return [Issue(f"{state.step.name} failed: {state.detail}", where, Tone.BAD)]
    if state.status is StepStatus.LOST:
        return [Issue(f"{state.step.name} was left before its end was known. {state.detail}", where, Tone.BAD)]
    if state.attempts > 1:
        return [Issue(f"{state.step.name} needed {state.attempts} attempts.", where, Tone.DOUBT)]
    return []


def list_next_steps(deployment: Deployment) -> tuple[str, ...]:
    """What a person may or must do now."""
    name, environment = deployment.id, deployment.environment
    release = deployment.plan.release.name
    if deployment.status is DeploymentStatus.SUCCEEDED:
        return (f"Nothing has to be done. `quarterdeck rollback {name}` takes it back.",)
    if deployment.status is DeploymentStatus.ROLLED_BACK:
        return (
            *_cause(deployment),
            f"`quarterdeck logs {name}` shows what the services said meanwhile.",
            *(f"By hand, if it is wanted: {what}" for what in name_irreversible(deployment)),
            f"Once it is mended: `quarterdeck plan {environment}`, then `quarterdeck deploy {environment}`.",
        )
    if deployment.status is DeploymentStatus.ABORTED:
        again = f"`quarterdeck deploy {environment} --release {release}` tries again."
        return (*_cause(deployment), again)
    if deployment.status is DeploymentStatus.FAILED:
        return (
            *_cause(deployment),
            *(f"{service}: {what}" for service, what in deployment.left_behind.items()),
            f"`quarterdeck retry {name}` goes on where it stopped; `quarterdeck rollback {name}` takes it back.",
        )
    return (f"It goes on. `quarterdeck show {name}` tells where it stands.",)


def _cause(deployment: Deployment) -> tuple[str, ...]:
    failed = next((state for state in deployment.steps.values() if state.status is StepStatus.FAILED), None)
    return () if failed is None else (f"Find out why “{failed.step.name}” failed: {failed.detail}",)
