"""The answer of a gate or a judgement, with what it rests on.

Doubt has its own name: a check that could not run or could not decide is never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class VerdictKind(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not_run"


SEVERITY = (VerdictKind.PASS, VerdictKind.NOT_RUN, VerdictKind.INCONCLUSIVE, VerdictKind.FAIL)


@dataclass(frozen=True)
class Verdict:
    """One answer. `evidence` holds the figures, keyed by words that a reader knows (`canary_errors`: 12)."""

    kind: VerdictKind
    explanation: str
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_pass(self) -> bool:
        return self.kind is VerdictKind.PASS

    @property
    def is_fail(self) -> bool:
        return self.kind is VerdictKind.FAIL


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Pick the gravest verdict; nothing judged is *not run*, never a pass."""
    return max(
        verdicts,
        key=lambda verdict: SEVERITY.index(verdict.kind),
        default=Verdict(VerdictKind.NOT_RUN, "Nothing was judged."),
    )


def number(evidence: Mapping[str, object], key: str) -> float | None:
    """A figure of a verdict's evidence; None where it has none."""
    value = evidence.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
