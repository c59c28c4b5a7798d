"""What a rehearsal makes go wrong: platforms that fail, and a release that errs or is slow."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from console.domain.errors import ProviderError, RateLimited, Unreachable, UsageError

KINDS = ("status", "hang", "rate-limit", "lose-replies")
HANG_S = 30.0
RETRY_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class Fault:
    """What a share (0..1) of all calls to platforms suffers; `lose-replies` concerns those that change something."""

    kind: str
    share: float = 0.3

    @staticmethod
    def parse(text: str) -> Fault:
        """Read `KIND` or `KIND:SHARE`.

        Raises:
            UsageError: It is neither.
        """
        kind, _, share = text.partition(":")
        try:
            number = float(share) if share else 0.3
        except ValueError:
            number = -1.0
        if kind not in KINDS or not 0 < number <= 1:
            raise UsageError(
                f"{text!r} is no fault.", "option --fault", f"Write KIND[:SHARE], with {', '.join(KINDS)} and 0 to 1."
            )
        return Fault(kind, number)


@dataclass
class Troubles:
    """Draws by lot, the same lots for the same seed."""

    faults: tuple[Fault, ...] = ()
    bad: str = ""
    seed: int = 1
    struck: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lots = random.Random(self.seed)  # noqa: S311 - a rehearsal needs no secrecy

    def before(self, provider: str) -> tuple[float, ProviderError | None]:
        """What a call meets before it takes effect: seconds that pass, and an error."""
        for fault in self.faults:
            if fault.kind == "lose-replies" or self._lots.random() >= fault.share:
                continue
            self._count(provider)
            if fault.kind == "hang":
                return HANG_S, Unreachable(provider, f"{provider} did not answer within {HANG_S:.0f} s.")
            if fault.kind == "rate-limit":
                words = f"{provider} asks to come back in {RETRY_AFTER.total_seconds():.0f} s."
                return 0.0, RateLimited(provider, words, retry_after=RETRY_AFTER)
            return 0.0, Unreachable(provider, f"{provider} answered HTTP 503.")
        return 0.0, None

    def after(self, provider: str) -> ProviderError | None:
        """What becomes of the answer to a change that took effect."""
        for fault in self.faults:
            if fault.kind == "lose-replies" and self._lots.random() < fault.share:
                self._count(provider)
                return Unreachable(provider, f"The answer of {provider} was lost.")
        return None

    def _count(self, provider: str) -> None:
        self.struck[provider] = self.struck.get(provider, 0) + 1
