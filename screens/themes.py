"""Four looks: dark, light, high contrast, and 16 colours. A look turns the tones of `screens.view` into styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from screens.view.rows import Tone


@dataclass(frozen=True)
class Palette:
    """The colours of a look as `#rrggbb`; an empty `background` leaves the terminal's own."""

    background: str
    text: str
    dim: str
    strong: str
    accent: str
    good: str
    warn: str
    bad: str
    info: str
    rule: str
    selected: str
    dark: bool = True


PALETTES: dict[str, Palette] = {
    # Good is a bluish green and bad an orange red: they stay apart for readers who confuse red and green.
    "dark": Palette(
        background="#0f1419",
        text="#c5cdd8",
        dim="#78859a",
        strong="#f2f5f9",
        accent="#7cb7ff",
        good="#4fd1a5",
        warn="#e8b84a",
        bad="#ff7f6e",
        info="#6fd3e8",
        rule="#2f3a48",
        selected="#1d2936",
    ),
    "light": Palette(
        background="#fbfaf7",
        text="#2b3139",
        dim="#667080",
        strong="#0b0e12",
        accent="#0b57b0",
        good="#0b6b4b",
        warn="#865400",
        bad="#b3261e",
        info="#0a6374",
        rule="#cdd3da",
        selected="#e3ebf5",
        dark=False,
    ),
    "contrast": Palette(
        background="#000000",
        text="#ffffff",
        dim="#cfd6de",
        strong="#ffffff",
        accent="#6cc7ff",
        good="#2bffb0",
        warn="#ffd900",
        bad="#ff8a7a",
        info="#7df3ff",
        rule="#9aa4b0",
        selected="#003a70",
    ),
}

ANSI = "ansi"
NAMES = (*PALETTES, ANSI)


@dataclass(frozen=True)
class Look:
    """A theme for Textual, and a style for each tone. `selected` goes under the row that holds the cursor."""

    name: str
    theme: Theme
    base: Style
    tones: Mapping[Tone, Style]
    selected: Style
    badge: Style
    selected_hides_tones: bool = False


def theme_name(name: str) -> str:
    return f"quarterdeck-{name}"


@lru_cache(maxsize=8)
def look(name: str) -> Look:
    """The look of this name.

    Raises:
        KeyError: There is none.
    """
    return _ansi() if name == ANSI else _painted(name, PALETTES[name])


def _painted(name: str, p: Palette) -> Look:
    def style(colour: str, *, bold: bool = False) -> Style:
        return Style(color=colour, bgcolor=p.background, bold=bold)

    theme = Theme(
        name=theme_name(name),
        primary=p.accent,
        secondary=p.info,
        warning=p.warn,
        error=p.bad,
        success=p.good,
        accent=p.accent,
        foreground=p.text,
        background=p.background,
        surface=p.background,
        panel=p.selected,
        dark=p.dark,
        text_alpha=1.0,
        variables={
            "rule": p.rule,
            "input-cursor-background": p.strong,
            "input-cursor-foreground": p.background,
            "input-selection-background": p.rule,
            "scrollbar": p.rule,
            "scrollbar-background": p.background,
        },
    )
    tones: dict[Tone, Style] = {
        "text": style(p.text),
        "dim": style(p.dim),
        "strong": style(p.strong, bold=True),
        "accent": style(p.accent),
        "good": style(p.good),
        "warn": style(p.warn),
        "bad": style(p.bad, bold=True),
        "info": style(p.info),
        "rule": style(p.rule),
        "key": style(p.accent, bold=True),
        "bar": style(p.accent),
    }
    return Look(
        name,
        theme,
        style(p.text),
        tones,
        Style(bgcolor=p.selected),
        Style(color=p.background, bgcolor=p.accent, bold=True),
    )


def _ansi() -> Look:
    """The terminal's own 16 colours on its own background; without any colour codes under NO_COLOR."""
    builtin = BUILTIN_THEMES["ansi-dark"]
    theme = replace(
        builtin, name=theme_name(ANSI), accent="ansi_cyan", variables={**builtin.variables, "rule": "ansi_bright_black"}
    )
    tones: dict[Tone, Style] = {
        "text": Style(),
        "dim": Style(dim=True),
        "strong": Style(bold=True),
        "accent": Style(color="cyan"),
        "good": Style(color="green"),
        "warn": Style(color="yellow"),
        "bad": Style(color="red", bold=True),
        "info": Style(color="cyan"),
        "rule": Style(dim=True),
        "key": Style(color="cyan", bold=True),
        "bar": Style(color="cyan"),
    }
    return Look(
        ANSI, theme, Style(), tones, Style(reverse=True), Style(reverse=True, bold=True), selected_hides_tones=True
    )
