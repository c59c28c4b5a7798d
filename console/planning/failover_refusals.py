"""What speaks against a failover: what the wish lacks, and what is wrong with either side now."""

from __future__ import annotations

from collections.abc import Iterator

from console.domain.standby import Pair, StandbyService
from console.planning.failover_steps import FailoverWriter


class Refusals:
    """Each refusal says what to do about it."""

    def __init__(self, writer: FailoverWriter) -> None:
        self.writer = writer

    def always(self) -> Iterator[str]:
        if self.writer.draft.wish.services:
            yield "A failover is of the whole environment: leave --service away."
        if not self.writer.failover.databases and not self.writer.failover.services:
            table = f"environments.{self.writer.draft.wish.environment}.failover"
            yield f"There is nothing to move: write [{table}.databases.NAME] or [{table}.services.NAME]."
        if self.writer.facts.held:
            yield f"{self.writer.facts.held}."

    def of_state(self) -> Iterator[str]:
        for name in self.writer.services:
            known = self.writer.facts.services.get(name)
            if known is None:
                yield f"{self.writer.new} has no service {name}."
            else:
                yield from self._refuse_service(name, known)
        for name, pair in self.writer.facts.databases.items():
            yield from self._refuse_pair(name, pair)
        for name, pointer in self.writer.facts.pointers.items():
            if pointer.problem:
                yield f"Where {name} leads visitors cannot be read: {pointer.problem}"
        ttl, promise = self.writer.ttl, self.writer.failover.rto
        if ttl is not None and promise is not None and ttl >= promise.total_seconds():
            yield (
                f"Resolvers may keep the old address for {ttl} s, so nobody can keep the promise of "
                f"{promise.total_seconds():.0f} s (rto). Lower the record's time to live beforehand, or promise less."
            )

    def _refuse_service(self, name: str, known: StandbyService) -> Iterator[str]:
        if known.problem:
            yield f"{name} in {self.writer.new}: {known.problem}"
        elif not known.commit:
            yield f"{name} in {self.writer.new} runs nothing: deploy it there first."
        if known.missing and not self.writer.asked.force:
            new, names = self.writer.new, ", ".join(known.missing)
            yield f"{name} in {new} lacks {names}. Run `quarterdeck config sync {new}`, or go without by --force."

    def _refuse_pair(self, name: str, pair: Pair) -> Iterator[str]:
        old, new = pair.old, pair.new
        if new.problem:
            yield f"The standby of {name} cannot be asked: {new.problem}"
            return
        if not new.in_recovery:
            yield self._not_a_standby(name)
            return
        if not new.may_promote:
            yield f"The role may not promote {name}: grant it execute on pg_promote."
        if old.problem:
            if not self.writer.asked.force:
                yield (
                    f"The primary of {name} does not answer, so nothing keeps it from taking writes should it come "
                    f"back: {old.problem} Make sure that it is off for good, then repeat with --force."
                )
            return
        if old.cluster and new.cluster and old.cluster != new.cluster:
            yield f"The two servers of {name} are not one cluster: this is no standby of that primary."
        if old.in_recovery:
            yield f"The primary of {name} is a standby itself; nobody takes writes."
        elif not old.may_fence:
            yield (
                f"The role may not fence {name}: `grant alter system on parameter default_transaction_read_only` to "
                "it, or name a superuser."
            )
        most = self.writer.failover.max_lag.total_seconds()
        if (pair.lag_s is None or pair.lag_s > most) and not self.writer.asked.force:
            lag = "an unknown time" if pair.lag_s is None else f"{pair.lag_s:.0f} s"
            yield f"The standby of {name} lags by {lag}; max_lag is {most:.0f} s. Wait, or accept that by --force."

    def _not_a_standby(self, name: str) -> str:
        if not self.writer.asked.back:
            return f"{name} was promoted already: what stands by is no standby. `--back` fails back."
        return (
            f"{name}: the server to return to is no standby yet. By hand, there: stop it, `pg_rewind "
            "--target-pgdata=… --source-server=…` (or an empty directory and `pg_basebackup -R`), create "
            "standby.signal, start it. Then repeat."
        )
