"""A deployment as one JSON object: what `show` and `deploy --wait` print with `--format json`, and scripts rely on.

Keys in snake_case, times ISO 8601 in UTC, durations in seconds as numbers. Keys may be added, never taken away.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from console.domain.codec import to_json
from console.domain.deployment import Deployment, StepState
from console.domain.failover import read_figures
from console.reports.model import Report


def deployment_to_json(deployment: Deployment, now: datetime) -> dict[str, Any]:
    """Describe a deployment; what has not ended is measured up to `now`."""
    plan = deployment.plan
    return {
        "id": deployment.id,
        "environment": deployment.environment,
        "strategy": plan.strategy,
        "status": deployment.status.value,
        "release": plan.release.name,
        "commit": plan.release.commit,
        "requested_by": deployment.requested_by,
        "requested_at": to_json(deployment.requested_at),
        "started_at": to_json(deployment.started_at),
        "ended_at": to_json(deployment.ended_at),
        "duration_s": deployment.duration(now).total_seconds(),
        "reason": deployment.reason,
        "emergency": _emergency(deployment),
        "services": list(plan.services),
        "current": dict(plan.current),
        "candidate_arms": dict(plan.candidate_arms),
        "plan_digest": plan.digest,
        "risk": {"score": plan.risk.score, "word": plan.risk.word, "reasons": list(plan.risk.reasons)},
        "notes": list(plan.notes),
        "forecast_s": _seconds(plan.forecast),
        "steps": [_step(state, now) for state in deployment.steps.values()],
        "traffic": [to_json(record) for record in deployment.traffic],
        "verdicts": [
            {
                "at": to_json(record.at),
                "step": record.step,
                "service": record.service,
                "verdict": record.verdict.kind.value,
                "explanation": record.verdict.explanation,
                "evidence": to_json(record.verdict.evidence),
            }
            for record in deployment.verdicts
        ],
        "controls": [to_json(record) for record in deployment.controls],
        "rollback": _rollback(deployment),
        "failover": to_json(read_figures(deployment)),
        "paused_by": deployment.paused_by,
        "failure": deployment.failure,
        "left_behind": dict(deployment.left_behind),
        "workers": list(deployment.workers),
        "seq": deployment.seq,
    }


def render_json(report: Report) -> str:
    """Write the deployment's object with the report's own findings beside it, under `report`."""
    findings = {
        "written_at": to_json(report.written_at),
        "headline": report.headline,
        "summary": list(report.summary),
        "figures": {figure.label: figure.value for figure in report.figures},
        "platforms": [
            {"provider": platform.provider, "services": list(platform.services), "result": platform.result}
            for platform in report.platforms
        ],
        "stages": to_json(report.stages),
        "issues": [{"what": issue.what, "where": issue.where, "tone": issue.tone.value} for issue in report.issues],
        "next_steps": list(report.next_steps),
        "artifacts": {row.label: row.value for row in report.artifacts},
    }
    whole = {**deployment_to_json(report.deployment, report.written_at), "report": findings}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _step(state: StepState, now: datetime) -> dict[str, Any]:
    step = state.step
    return {
        "id": step.id,
        "name": step.name,
        "kind": step.kind.value,
        "phase": step.phase.value,
        "service": step.service,
        "provider": step.provider,
        "status": state.status.value,
        "attempts": state.attempts,
        "started_at": to_json(state.started_at),
        "ended_at": to_json(state.ended_at),
        "duration_s": _seconds(state.duration(now)),
        "forecast_s": _seconds(step.forecast),
        "detail": state.detail,
        "needs": list(step.needs),
        "undoes": step.undoes,
        "has_undo": step.undo is not None,
        "no_undo": step.no_undo,
        "waiting_until": to_json(state.waiting_until),
        "retry_at": to_json(state.retry_at),
        "operation": to_json(state.operation),
    }


def _emergency(deployment: Deployment) -> dict[str, Any] | None:
    emergency = deployment.emergency
    if emergency is None:
        return None
    review = emergency.review
    return {
        "reason": emergency.reason,
        "skipped": list(emergency.skipped),
        "asked_by": list(emergency.asked_by),
        "expires_at": to_json(emergency.expires_at),
        "review": None
        if review is None
        else {
            "open": review.is_open,
            "opened_at": to_json(review.opened_at),
            "closed_at": to_json(review.closed_at),
            "closed_by": review.closed_by,
            "comment": review.comment,
            "traced_at": review.traced_at,
        },
    }


def _rollback(deployment: Deployment) -> dict[str, Any] | None:
    rollback = deployment.rollback
    if rollback is None:
        return None
    return {
        "trigger": rollback.trigger.value,
        "reason": rollback.reason,
        "requested_by": rollback.requested_by,
        "requested_at": to_json(rollback.requested_at),
        "services": list(rollback.services),
        "steps": list(rollback.steps),
        "traffic_restored_at": to_json(rollback.traffic_restored_at),
        "traffic_restored_s": _seconds(rollback.traffic_restored_after),
        "ended_at": to_json(rollback.ended_at),
        "duration_s": _seconds(rollback.duration),
    }


def _seconds(took: timedelta | None) -> float | None:
    return None if took is None else took.total_seconds()
