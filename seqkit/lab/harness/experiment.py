"""Experiments: a claim with its criteria, stated before anything runs, and the verdict of the numbers."""

from __future__ import annotations

import difflib
import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import UsageError

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
MIN_SEEDS = 3

_STUDENT_95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""95 % points of Student's t for 1 to 10 degrees of freedom; the last is a strict bound for more."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one criterion over all seeds; ``mean`` ± ``error`` is the two-sided 90 % interval."""

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

        It is the two-sided 90 % interval of the mean. The criterion holds if the whole interval lies on the
        claimed side, and fails if none of it does. It is undecided in between, and where a value is missing
        or not finite.

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


if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = Mapping[str, Any]
"""Measurements of one seed: numbers, lists and dicts of them. Scalars are printed, the rest is drawn."""

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Setup:
    """Seed, size and data of one run of an experiment.

    Args:
        seed: Random seed.
        quick: Whether to run at small sizes.
        data: Images to use: "digits" (scikit-learn's, 8×8, bundled) or "mnist".
    """

    seed: int
    quick: bool = False
    data: str = "digits"

    def scale(self, *, quick: Choice, full: Choice) -> Choice:
        """Return ``quick`` in a quick run, otherwise ``full``."""
        return quick if self.quick else full

    def generator(self, stream: str) -> Generator:
        """Return the seed's random generator of that name."""
        return Generator(self.seed, stream)


@dataclass(frozen=True)
class Experiment:
    """A claim and the code that tests it.

    Args:
        module: ``__name__`` of the experiment's module.
        chapter: Volume and chapter of "Deep Learning from Scratch" that teach it, such as "1.6"; "2.9" is
            for topics after the last chapter.
        place: Place among the experiments of that chapter on the course page, from 1.
        claim: One sentence.
        criteria: Conditions that the numbers must meet for the claim to hold.
        run: Function that measures the numbers of one seed.
        draw: Function that draws the numbers of all seeds.
        reads_images: Whether it reads the images that ``Setup.data`` names.
        has_sizes: Whether a quick run is smaller; some experiments take no time at their full size.
        note: A correction of a common misstatement.
        source: Reference for the claim or the note.
        seeds: Number of seeds, three or more.
        size: Size of the figure in inches.
    """

    module: str
    chapter: str
    place: int
    claim: str
    criteria: tuple[Criterion, ...]
    run: Callable[[Setup], Numbers]
    draw: Callable[[Figure, Sequence[Numbers]], None]
    reads_images: bool = False
    has_sizes: bool = True
    note: str | None = None
    source: str | None = None
    seeds: int = 3
    size: tuple[float, float] = (6.4, 4.0)

    @property
    def name(self) -> str:
        """Name of the experiment's file, with hyphens."""
        return self.module.rpartition(".")[2].replace("_", "-")

    def verdict(self, numbers: Sequence[Numbers]) -> Verdict:
        """Judge the numbers of all seeds by the criteria."""
        return Verdict(tuple(criterion.judge(numbers) for criterion in self.criteria))

    def statement(self) -> str:
        """Return the text that precedes a run: claim, measures with their margins, note and source."""
        measures = [f"  measure: {each.measure}, {each.condition}" for each in self.criteria]
        notes = [f"  note: {self.note}"] if self.note else []
        sources = [f"  source: {self.source}"] if self.source else []
        return "\n".join([f"claim: {self.claim}", *measures, *notes, *sources])

    def to_dict(self) -> dict[str, Any]:
        """Return what describes the experiment as JSON values."""
        return {
            "name": self.name,
            "chapter": self.chapter,
            "claim": self.claim,
            "criteria": [{"measure": each.measure, "condition": each.condition} for each in self.criteria],
            "note": self.note,
            "source": self.source,
            "seeds": self.seeds,
            "has_sizes": self.has_sizes,
        }


_FOLDER = Path(__file__).parents[1]


def experiment_names() -> list[str]:
    """Return the names of all experiments in alphabetical order."""
    modules = pkgutil.iter_modules([str(_FOLDER)])
    return sorted(module.name.replace("_", "-") for module in modules if not module.ispkg)


def get_experiment(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises:
        UsageError: There is none; the message suggests a similar name.
    """
    names = experiment_names()
    if name not in names:
        similar = difflib.get_close_matches(name, names, n=1)
        remedy = f"did you mean {similar[0]}?" if similar else "`seqkit lab list` shows all"
        raise UsageError(f"no experiment {name!r}", remedy=remedy)
    module = importlib.import_module(f"seqkit.lab.{name.replace('-', '_')}")
    experiment: Experiment = module.EXPERIMENT
    return experiment


def all_experiments() -> list[Experiment]:
    """Return all experiments in the order of the course page, docs/course.md."""
    experiments = map(get_experiment, experiment_names())
    return sorted(experiments, key=lambda experiment: (experiment.chapter, experiment.place))
