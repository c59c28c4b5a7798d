"""Figures and log lines that platforms and routers tell while services run; adapters need no more of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.ids import EnvironmentName


@dataclass(frozen=True)
class Measurement:
    """One figure that somebody else counted. `labels` tell service, arm and release."""

    at: datetime
    environment: EnvironmentName
    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogLine:
    """One line of a service, a platform's build or ourselves. `number` rises within its source."""

    at: datetime
    source: str
    text: str
    level: str = "info"
    number: int = 0
