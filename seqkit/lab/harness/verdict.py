"""From the numbers of several seeds to a verdict: holds, fails or undecided."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.errors import UsageError

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
MIN_SEEDS = 3

_STUDENT_95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""95 % points of Student's t for 1 to 10 degrees of freedom; the last serves for more, being strict."""


@dataclass(frozen=True)
class Finding:
    """What one criterion came to over the seeds: ``mean`` ± ``error``, a one-sided 95 % bound each way."""

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
    """One condition of a claim: a measure of a seed's numbers, and on which side of a margin it should lie.

    Exactly one of ``above`` and ``below`` is given. A difference between two ways is measured within each
    seed, so that what they share (data, first weights) cancels.
    """

    measure: str
    of: Callable[[Mapping[str, Any]], float]
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise UsageError(f"the criterion {self.measure!r} needs either above or below")

    @property
    def condition(self) -> str:
        """Direction and margin, such as "above 0.1"."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"

    def judge(self, numbers: Sequence[Mapping[str, Any]]) -> Finding:
        """Holds where the whole interval mean ± t·s/√n lies on the claimed side, fails where none of it does.

        Undecided in between, and where a value is missing or not finite. UsageError below three seeds.
        """
        if len(numbers) < MIN_SEEDS:
            raise UsageError(f"a verdict needs {MIN_SEEDS} seeds or more, got {len(numbers)}")
        values = tuple(_finite(self.of, each) for each in numbers)
        n = len(values)
        t = _STUDENT_95[min(n - 1, len(_STUDENT_95)) - 1]
        mean, error = float(np.mean(values)), t * float(np.std(values, ddof=1)) / math.sqrt(n)
        sign, margin = (1, self.above) if self.above is not None else (-1, self.below)
        assert margin is not None
        lowest, highest = sorted((sign * (mean - error - margin), sign * (mean + error - margin)))
        outcome = HOLDS if lowest > 0 else FAILS if highest <= 0 else UNDECIDED
        return Finding(self.measure, self.condition, values, mean, error, outcome)


def _finite(of: Callable[[Mapping[str, Any]], float], numbers: Mapping[str, Any]) -> float:
    """The measure of one seed, NaN where there is none: saved numbers have None in place of NaN."""
    try:
        value = float(of(numbers))
    except (TypeError, ZeroDivisionError):
        return math.nan
    return value if math.isfinite(value) else math.nan


@dataclass(frozen=True)
class Verdict:
    """Fails if one criterion fails, holds if all hold, otherwise undecided."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> str:
        """The word."""
        outcomes = {finding.outcome for finding in self.findings}
        return FAILS if FAILS in outcomes else HOLDS if outcomes == {HOLDS} else UNDECIDED

    def __str__(self) -> str:
        return self.outcome + "".join(f"\n  {finding}" for finding in self.findings)
