"""Do users report more of the canary than of the baseline? Counts of issues, each a Poisson number of its arm.

With the canary's share of the users as its exposure, a report is the canary's with at most that probability while it is
no worse, whatever number of them comes altogether: the same exact test as for errors tells whose they are. They are
few, so a Beta prior over all sizes of damage is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.analysis.budget import REPORTS
from console.analysis.evidence import Evidence
from console.analysis.sequential.error_share import log_e_of_stages
from console.analysis.settings import JudgeSettings


@dataclass(frozen=True)
class ReportFinding:
    log_evidence: float
    log_evidence_needed: float
    is_damage: bool
    words: str


def find_reports(evidence: Evidence, settings: JudgeSettings) -> ReportFinding:
    """Weigh the reports of all stages in which both arms ran."""
    needed = settings.alpha.log_evidence_needed(REPORTS)
    ours = sum(stage.candidate.reports for stage in evidence.concurrent)
    theirs = sum(stage.stable.reports for stage in evidence.concurrent)
    if not ours:
        return ReportFinding(0.0, needed, False, "")
    measured = log_e_of_stages((s.share, s.candidate.reports, s.stable.reports) for s in evidence.concurrent)
    words = f"Users reported {ours} issues of the new release and {theirs} of the current one."
    return ReportFinding(measured, needed, measured >= needed, words)
