"""The steps of one service with instances, one method a step, with what they all repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from console.config.metrics import metric_arguments
from console.config.settings import ArmSettings, EnvironmentSettings
from console.domain.emergency import Gate
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.traffic import divide_evenly
from console.planning.configuration import ConfigurationSteps, hidden_arguments, plan_place
from console.planning.draft import (
    SLACK,
    Draft,
    count_requests,
    health_limit,
    judge_arguments,
    probe_arguments,
    request_arguments,
)
from console.planning.live import LiveArm
from console.planning.measures import measure_arguments

NOTHING_RAN = "Nothing ran there before; it gets no traffic once the others have it back."


class InstanceWriter:
    """Writes single steps; who comes when is decided elsewhere.

    `taking` are the instances that take part in serving now, in the order of the configuration.
    """

    def __init__(self, draft: Draft, name: str) -> None:
        self.draft = draft
        self.name = name
        self.settings = draft.service(name)
        self.live = draft.live_of(name)
        self.placement = draft.placement(name)
        self.instances: Mapping[str, ArmSettings] = self.placement.instances
        self.names = tuple(self.instances)
        self.traffic = self.placement.traffic
        self.taking = tuple(each for each in self.names if self._is_taking(each))
        self.is_first = not self.taking
        health = self.settings.health
        self.probe = probe_arguments(health) if health is not None else {}

    @property
    def environment(self) -> EnvironmentSettings:
        return self.draft.environment

    @property
    def is_manual(self) -> bool:
        """Whether batches wait for a person though they passed, which only those do whose requests are divided."""
        wanted = self.draft.shape_of(self.name).is_manual and not self.draft.passes(Gate.PROMOTION)
        return wanted and self.traffic is not None

    def configured(self, instance: str) -> ConfigurationSteps:
        phase = Phase.PREPARE if self.is_first else Phase.ROLLOUT
        step_id = f"{self.name}.configure-{instance}"
        return plan_place(self.draft, self.name, instance, phase, step_id=step_id)

    def changing(self, instance: str, batch: int, phase: Phase, *, tries: bool) -> list[Step]:
        """What brings one instance to the release, up to where it is known to be well."""
        url, settings = self.instances[instance].url, self.settings
        steps = [self._resume(instance, phase)] if self.state(instance).suspended else []
        steps += [*self.configured(instance).steps, self._deploy(instance, batch, phase)]
        if settings.health is not None and url:
            steps.append(
                self.draft.step_of(
                    self.name,
                    f"health-{instance}",
                    f"Check the health of {instance}",
                    StepKind.HEALTH,
                    phase,
                    arguments={"url": url, "arm": instance, **self.probe},
                    time_limit=health_limit(settings.health),
                )
            )
        if settings.integration and url and tries:
            steps.append(
                self.draft.step_of(
                    self.name,
                    f"integration-{instance}",
                    f"Try {instance} with {count_requests(settings.integration)}",
                    StepKind.INTEGRATION,
                    phase,
                    arguments={
                        "url": url,
                        "arm": instance,
                        "requests": [request_arguments(check) for check in settings.integration],
                    },
                )
            )
        return steps

    def _resume(self, instance: str, phase: Phase) -> Step:
        arguments = {"target": self.instances[instance].id, "arm": instance}
        return self.draft.step_of(
            self.name,
            f"resume-{instance}",
            f"Start {instance} of {self.name}",
            StepKind.RESUME,
            phase,
            arguments=arguments,
            undo=Undo(StepKind.SUSPEND, f"Suspend {instance} of {self.name} again", arguments),
        )

    def _deploy(self, instance: str, batch: int, phase: Phase) -> Step:
        settings, live = self.instances[instance], self.state(instance)
        place = {"target": settings.id, "arm": instance, "batch": batch}
        drain = self._draining(instance) if instance in self.taking else {}
        back = {
            **place,
            "url": settings.url,
            "deployment": live.deployment,
            "serving": len(self.taking),
            **self._draining(instance),
        }
        undo = Undo(StepKind.ROLL_BACK_RELEASE, f"Return {instance} of {self.name} to what ran before", back)
        has_past = bool(live.deployment) and not self.is_first
        return self.draft.step_of(
            self.name,
            f"deploy-{instance}",
            f"Deploy {self.draft.release.name} to {instance} of {self.name}",
            StepKind.DEPLOY,
            phase,
            arguments={**place, "serve": True, **drain, **hidden_arguments(self.draft, self.name, instance)},
            undo=undo if has_past else None,
            no_undo="" if has_past else NOTHING_RAN,
        )

    def _draining(self, instance: str) -> dict[str, object]:
        """Whom to ask before the instance changes, and how long it may take to finish what is under way."""
        if self.traffic is None:
            return {}
        limit = self.traffic.drain.total_seconds()
        asked = {"router": self.traffic.router, "route": self.traffic.route, "arm": instance, "limit_s": limit}
        return {"drain": asked}

    def drain(
        self,
        number: int,
        leaving: Sequence[str],
        others: Sequence[str],
        updated: Sequence[str],
        needs: Sequence[StepId],
    ) -> Step:
        """Lead traffic to the others. Those of them that were updated are watched while the batch changes."""
        weights = divide_evenly(self.names, others)
        title = f"Take {listed(leaving)} of {self.name} out of traffic"
        step = self.shift(f"drain-{number}", title, weights, needs, self.undo())
        share = sum(weights[each] for each in updated)
        if not share:
            return step
        watched = self._watched(timedelta(), share, updated, others)
        return replace(step, arguments={**watched, **step.arguments})

    def rejoin(self, number: int, batch: Sequence[str], taking: Sequence[str], needs: Sequence[StepId]) -> Step:
        title = f"Give {listed(batch)} of {self.name} {'its' if len(batch) == 1 else 'their'} share of traffic"
        return self.shift(f"rejoin-{number}", title, divide_evenly(self.names, taking), needs, self.undo())

    def join(self, needs: Sequence[StepId]) -> Step:
        """Where nothing was live: its undo is the weights that the router had, whoever is behind them."""
        before = {each: self.state(each).weight for each in self.names}
        words = f"Divide {self.name}'s traffic as before"
        undo = Undo(StepKind.SHIFT, words, {**self._route, "weights": before}) if sum(before.values()) == 100 else None
        title = f"Divide traffic evenly between the instances of {self.name}"
        return self.shift("join", title, divide_evenly(self.names, self.names), needs, undo)

    def shift(
        self, word: str, title: str, weights: Mapping[str, int], needs: Sequence[StepId], undo: Undo | None
    ) -> Step:
        return self.draft.step_of(
            self.name,
            word,
            title,
            StepKind.SHIFT,
            Phase.ROLLOUT,
            provider=self._router,
            arguments={**self._route, "weights": dict(weights), **self._guards(weights)},
            needs=needs,
            undo=undo,
            no_undo="" if undo else "The router had no weights before.",
        )

    def undo(self) -> Undo | None:
        """Where traffic goes is decided when it goes back, by which instances were touched until then."""
        before = {each: self.state(each).weight for each in self.names}
        if sum(before.values()) != 100:
            return None
        urls = {each: self.instances[each].url for each in self.names}
        back = {**self._route, "weights": before, "instances": urls, "probe": self.probe}
        return Undo(StepKind.SHIFT, f"Give {self.name}'s traffic back", back)

    def _guards(self, weights: Mapping[str, int]) -> dict[str, object]:
        """Who must be well before traffic is divided so."""
        asked = [each for each in self.asked(self.names) if weights[each]]
        return {"guards": [{"arm": each, "url": self.instances[each].url, **self.probe} for each in asked]}

    def bake(
        self,
        number: int,
        batch: Sequence[str],
        updated: Sequence[str],
        taking: Sequence[str],
        needs: Sequence[StepId],
    ) -> Step:
        shape, environment = self.draft.shape_of(self.name), self.environment
        length = shape.stages[min(number, len(shape.stages)) - 1].bake_time
        is_last = len(updated) == len(taking)
        waits = self.is_manual and not is_last
        limit = environment.limits.approval if waits else timedelta()
        weights = divide_evenly(self.names, taking)
        share = sum(weights[each] for each in updated)
        promotion: dict[str, object] = {"manual": True, "promotion_s": limit.total_seconds()} if waits else {}
        watched = self._watched(length, share, updated, taking, batch[0])
        return self.draft.step_of(
            self.name,
            f"bake-{number}",
            f"Hold {listed(batch)} of {self.name} and judge",
            StepKind.BAKE,
            Phase.ROLLOUT,
            provider=self._router,
            arguments={**watched, **promotion},
            needs=needs,
            lasts=length,
            time_limit=length + environment.judge.hold + SLACK + limit,
        )

    def verify(self) -> tuple[Step, ...]:
        length = self.environment.verify_time
        if self.traffic is None and not self.asked(self.names):
            return ()
        step = self.draft.step_of(
            self.name,
            "verify",
            f"Watch all instances of {self.name}",
            StepKind.VERIFY,
            Phase.VERIFY,
            arguments=self._watched(length, 100, self.names, self.names),
            lasts=length,
            time_limit=length + SLACK,
        )
        return (step,)

    def _watched(
        self, length: timedelta, share: int, updated: Sequence[str], taking: Sequence[str], newest: str = ""
    ) -> dict[str, object]:
        """What a step needs to judge `updated` beside the others; `newest` is the one whose figures are looked at."""
        urls = [self.instances[each].url for each in self.asked(updated)]
        current = [each for each in taking if each not in updated]
        arguments: dict[str, object] = {
            "duration_s": length.total_seconds(),
            "weight": share,
            "service": self.name,
            "updated": list(updated),
            "current": current,
            "urls": urls,
            "targets": {each: self.instances[each].id for each in updated},
            **({"health": self.probe} if self.probe else {}),
        }
        if self.traffic is None:
            return arguments
        judge = judge_arguments(self.environment.judge)
        return {
            **arguments,
            "router": self.traffic.router,
            "route": self.traffic.route,
            "weights": divide_evenly(self.names, taking),
            "metrics": {each: self.traffic.metrics.replace("{arm}", each) for each in self.names},
            "judge": {**judge, **({"split_alpha": 0.0} if self.live.sticky else {}), **self._metrics(current)},
            **self._measures(newest or updated[0], current),
            **({"uncounted": True} if self.live.uncounted else {}),
        }

    def _metrics(self, current: Sequence[str]) -> dict[str, object]:
        """The operator's, while something of the release before runs beside what was updated."""
        metrics = metric_arguments(self.draft.settings, self.draft.wish.environment, self.name) if current else []
        return {"metrics": metrics} if metrics else {}

    def _measures(self, newest: str, current: Sequence[str]) -> dict[str, object]:
        """One instance of each side stands for it: the first of the last batch beside the last to be changed."""
        return measure_arguments(self.draft, self.name, newest, current[-1] if current else None)

    def measure(self, first: str) -> tuple[Step, ...]:
        """Measure every metric of the operator's once, on an instance that serves; `first` is the first to change."""
        current = [each for each in self.taking if each != first]
        metrics = self._metrics(current)
        if self.traffic is None or self.live.uncounted or not metrics or self.draft.passes(Gate.BAKE):
            return ()
        names = ", ".join(str(one["name"]) for one in cast("list[dict[str, object]]", metrics["metrics"]))
        step = self.draft.step_of(
            self.name,
            "measure",
            f"Measure {names} of {self.name} once",
            StepKind.MEASURE,
            Phase.PREPARE,
            arguments={
                "router": self.traffic.router,
                "route": self.traffic.route,
                "metrics": {each: self.traffic.metrics.replace("{arm}", each) for each in self.names},
                "judge": metrics,
                **({"health": self.probe} if self.probe else {}),
                **self._measures(first, current),
            },
        )
        return (step,)

    def asked(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those whose health can be asked."""
        return tuple(each for each in names if self.probe and self.instances[each].url)

    @property
    def _route(self) -> dict[str, object]:
        assert self.traffic is not None
        return {"router": self.traffic.router, "route": self.traffic.route, "service": self.name}

    @property
    def _router(self) -> str:
        return self.traffic.router if self.traffic is not None else self.settings.provider

    def state(self, instance: str) -> LiveArm:
        return self.live.arms.get(instance, LiveArm())

    def runs(self, instance: str) -> bool:
        state = self.state(instance)
        return bool(state.commit or state.deployment) and not state.suspended

    def _is_taking(self, instance: str) -> bool:
        return self.runs(instance) and (self.traffic is None or self.state(instance).weight > 0)

    def ordered(self, names: set[str]) -> tuple[str, ...]:
        return tuple(each for each in self.names if each in names)


def listed(names: Sequence[str]) -> str:
    return ", ".join(names)
