"""Verdicts on the numbers of several seeds: holds, fails or undecided."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.errors import UsageError

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
MIN_SEEDS = 3

_STUDENT_95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""95 % points of Student's t for 1 to 10 degrees of freedom; the last is a strict bound for more."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one criterion over all seeds: ``mean`` ± ``error``, one-sided 95 % bounds."""

    measure: str
    condition: str
    values: tuple[float, ...]
    mean: float
    error: float
    outcome: str

    def __str__(self) -> str:
        return f"{self.measure}: {self.mean:.4g} ± {self.error:.2g} ({self.condition}): {self.outcome}"


@dataclass(frozen=True)
class Criterion:
    """One condition of a claim: a measure of a seed's numbers, and the side of a margin where it should lie.

    A difference between two methods is measured within each seed, so that the effects of data and first
    weights, which they share, cancel.

    Args:
        measure: Description of the measure.
        compute: Function from the numbers of a seed to the measure.
        above: The margin, for a measure that should exceed it.
        below: The margin, for a measure that should stay below it.
    """

    measure: str
    compute: Callable[[Mapping[str, Any]], float]
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise UsageError(
                f"expected either above or below for the criterion {self.measure!r}, got both or none"
            )

    @property
    def condition(self) -> str:
        """The direction and the margin, such as "above 0.1"."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"

    def judge(self, numbers: Sequence[Mapping[str, Any]]) -> Finding:
        """Compare the interval mean ± t·s/√n of the seeds with the margin.

        The criterion holds if the whole interval lies on the claimed side, and fails if none of it
        does. It is undecided in between, and where a value is missing or not finite.

        Raises:
            UsageError: There are fewer than three seeds.
        """
        if len(numbers) < MIN_SEEDS:
            raise UsageError(f"expected {MIN_SEEDS} seeds or more for a verdict, got {len(numbers)}")
        values = tuple(_finite(self.compute, each) for each in numbers)
        n = len(values)
        t = _STUDENT_95[min(n - 1, len(_STUDENT_95)) - 1]
        mean, error = float(np.mean(values)), t * float(np.std(values, ddof=1)) / math.sqrt(n)
        sign, margin = (1, self.above) if self.above is not None else (-1, self.below)
        assert margin is not None
        lowest, highest = sorted((sign * (mean - error - margin), sign * (mean + error - margin)))
        outcome = HOLDS if lowest > 0 else FAILS if highest <= 0 else UNDECIDED
        return Finding(self.measure, self.condition, values, mean, error, outcome)


def _finite(compute: Callable[[Mapping[str, Any]], float], numbers: Mapping[str, object]) -> float:
    """Return the measure of one seed, NaN if it is missing: saved numbers have None in place of NaN."""
    try:
        value = float(compute(numbers))
    except (TypeError, ZeroDivisionError):
        return math.nan
    return value if math.isfinite(value) else math.nan


@dataclass(frozen=True)
class Verdict:
    """The findings of all criteria: fails if one fails, holds if all hold, otherwise undecided."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> str:
        """The verdict: "holds", "fails" or "undecided"."""
        outcomes = {finding.outcome for finding in self.findings}
        return FAILS if FAILS in outcomes else HOLDS if outcomes == {HOLDS} else UNDECIDED

    def __str__(self) -> str:
        return self.outcome + "".join(f"\n  {finding}" for finding in self.findings)
