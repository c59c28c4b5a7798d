"""What the stages of a service with two arms are judged by: the router's counts, probes, metrics of the operator's."""

from __future__ import annotations

from datetime import timedelta

from console.config.metrics import metric_arguments
from console.config.settings import TrafficSettings
from console.planning.draft import Draft, judge_arguments, probe_arguments
from console.planning.measures import measure_arguments


class Evidence:
    """As arguments of the steps that look, and as notes of the plan.

    Attributes:
        own: The operator's metrics by which the candidate is compared, each as arguments. None without a stable arm.
    """

    def __init__(self, draft: Draft, name: str, candidate: str, stable: str | None, traffic: TrafficSettings) -> None:
        self._draft = draft
        self._name = name
        self._candidate = candidate
        self._stable = stable
        self._traffic = traffic
        self._arms = draft.placement(name).arms
        self._live = draft.live_of(name)
        self._health = draft.service(name).health
        self.own = metric_arguments(draft.settings, draft.wish.environment, name) if stable else []

    def watching(self, length: timedelta, weight: int) -> dict[str, object]:
        """For a step that judges for `length`, with `weight` percent of traffic at the candidate."""
        other = next(arm for arm in self._arms if arm != self._candidate)
        return {
            "duration_s": length.total_seconds(),
            "weight": weight,
            "service": self._name,
            **self._where(),
            "candidate": self._candidate,
            "stable": self._stable or other,
            "url": self._arms[self._candidate].url,
            "judge": {
                **judge_arguments(self._draft.environment.judge),
                **({"split_alpha": 0.0} if self._live.sticky else {}),
                **self._measured(),
            },
            **({"uncounted": True} if self._live.uncounted else {}),
        }

    def measuring(self) -> dict[str, object]:
        """For the step that measures every metric of the operator's once, on the arm that serves."""
        return {**self._where(), "judge": self._measured()}

    def names(self) -> str:
        return ", ".join(str(one["name"]) for one in self.own)

    def notes(self) -> tuple[str, ...]:
        """What stages are judged by, where that is not what visitors were answered, or not by all of it."""
        name, live = self._name, self._live
        if self._stable and live.sticky and not live.uncounted:
            stays = f"{name}: visitors stay at the arm they first had ({live.sticky}), so shares follow slowly."
            return (
                f"{stays} Stages are judged without a look at shares, and need longer for the candidate's requests.",
            )
        if not live.uncounted or self._stable is None:
            return ()
        because = f"{name}: {live.uncounted}"
        if self._health is None or not self._arms[self._candidate].url:
            return (f"{because} It has no health check either: each stage waits for a person, or judge.undecided.",)
        return (f"{because} Stages are judged by asking {self._candidate} itself, not by what visitors get.",)

    def _where(self) -> dict[str, object]:
        return {
            "router": self._traffic.router,
            "route": self._traffic.route,
            "metrics": {arm: self._traffic.metrics.replace("{arm}", arm) for arm in self._arms},
            **({"health": probe_arguments(self._health)} if self._health else {}),
            **measure_arguments(self._draft, self._name, self._candidate, self._stable),
        }

    def _measured(self) -> dict[str, object]:
        return {"metrics": self.own} if self.own else {}
