"""Experiments: a claim with its criteria, stated before anything runs; found by their files in seqkit/lab."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.lab.harness.verdict import Criterion, Verdict

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
        claim: One sentence.
        criteria: Conditions that the numbers must meet for the claim to hold.
        run: Function that measures the numbers of one seed.
        draw: Function that draws the numbers of all seeds.
        note: A correction of a common misstatement.
        source: Reference for the claim or the note.
        seeds: Number of seeds, three or more.
        size: Size of the figure in inches.
    """

    module: str
    chapter: str
    claim: str
    criteria: tuple[Criterion, ...]
    run: Callable[[Setup], Numbers]
    draw: Callable[[Figure, Sequence[Numbers]], None]
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
    """Return all experiments in the order of the course."""
    experiments = map(get_experiment, experiment_names())
    return sorted(experiments, key=lambda experiment: (experiment.chapter, experiment.name))
