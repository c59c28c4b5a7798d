"""The chore of a backup: taken in one snapshot, restored beside its database, and equal; or it has failed."""

from __future__ import annotations

from pathlib import Path

from console.chores.lines import Done, Failed, Stopped
from console.chores.tasks import Asked, Outcome

SHOWN = 5


def back_up(asked: Asked) -> Outcome:
    """Take one and prove it. Given again after a kill it takes another; the half one is removed."""
    from console.backups.address import Address
    from console.backups.prove import ProveRequest, prove
    from console.backups.take import TakeRequest, take
    from console.backups.values import Interrupted, Progress

    secrets, jobs = asked.order.secrets, int(asked.argument("jobs", 2))

    def told(progress: Progress) -> None:
        asked.told(progress.phase, progress.about, progress.done, progress.total)

    address = Address(str(asked.argument("name")), secrets["address"])
    request = TakeRequest(
        address,
        Path(asked.argument("root")),
        tuple(asked.argument("leave_out", ())),
        jobs,
        tuple(asked.argument("recipients", ())),
        str(asked.argument("note", "")),
    )
    try:
        backup = take(request, told=told, stopped=asked.stopped)
        where = ProveRequest(address, False, "a database beside it", jobs, secrets.get("identity", ""))
        proof = prove(backup, where, told=told, stopped=asked.stopped)
    except Interrupted:
        return Stopped()
    if not proof.verified:
        return Failed(
            f"The backup {backup.id} is damaged: {' '.join(proof.why[:SHOWN])}",
            backup.folder,
            "Nothing was migrated. Find out why it differs from the database, then deploy again.",
        )
    words = f"{backup.id} is verified: {backup.sums.rows:,} rows, restored in {proof.restore_s:.1f} s and equal"
    return Done(words, {"backup": backup.id, "rows": backup.sums.rows, "rto_s": proof.total_s})
