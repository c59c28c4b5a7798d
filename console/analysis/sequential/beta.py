"""The beta distribution in logarithms: what the evidence of every test here is made of.

Standard library only. Counts of a million keep nine digits, since everything stays a logarithm until the end.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_RELATIVE_STEP = 1e-16
_MOST_STEPS = 200_000


def log_beta(a: float, b: float) -> float:
    """Natural logarithm of the beta function, for positive a and b."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_below(a: float, b: float, x: float) -> float:
    """Natural logarithm of P[Beta(a, b) < x], the regularised incomplete beta function I_x(a, b).

    Source: continued fraction 26.5.8 of Abramowitz & Stegun, evaluated by Lentz's method on the side of the mean
    where it converges fast; the other side is the complement, which is then at most about one half.
    """
    if x <= 0.0:
        return -math.inf
    if x >= 1.0:
        return 0.0
    if x <= (a + 1.0) / (a + b + 2.0):
        return _log_fraction(a, b, x)
    complement = math.exp(_log_fraction(b, a, 1.0 - x))
    return math.log1p(-complement) if complement < 1.0 else -math.inf


def log_above(a: float, b: float, x: float) -> float:
    """Natural logarithm of P[Beta(a, b) > x]."""
    return log_below(b, a, 1.0 - x)


def _log_fraction(a: float, b: float, x: float) -> float:
    front = a * math.log(x) + b * math.log1p(-x) - math.log(a) - log_beta(a, b)
    return front + math.log(_continued_fraction(a, b, x))


def _continued_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _not_zero(1.0 + even * d)
        c = _not_zero(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _not_zero(1.0 + odd * d)
        c = _not_zero(1.0 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1.0) <= _RELATIVE_STEP:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
