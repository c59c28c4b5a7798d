"""What a plan says about the arms, or the instances, that are measured while a release gets traffic."""

from __future__ import annotations

from console.config.kinds import DATABASE_KINDS
from console.config.metrics import arm_arguments
from console.planning.draft import Draft


def measure_arguments(draft: Draft, service: str, candidate: str, stable: str | None) -> dict[str, object]:
    """Of both arms; nothing where nothing runs beside the candidate."""
    if stable is None:
        return {}
    placement, live = draft.placement(service), draft.live_of(service)
    return {
        "measures": {
            "candidate": arm_arguments(placement, candidate, draft.release.commit, draft.release.name),
            "stable": arm_arguments(placement, stable, live.arms[stable].commit if stable in live.arms else ""),
            "platform": draft.service(service).provider,
            "alerts": draft.settings.source.provider,
            "databases": [
                {"service": name, "provider": draft.service(name).provider, "id": other.id}
                for name, other in draft.environment.services.items()
                if draft.settings.kind_of(name) in DATABASE_KINDS and other.id
            ],
        }
    }
