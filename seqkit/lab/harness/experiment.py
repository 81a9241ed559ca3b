"""What an experiment is: a claim with its measure, direction and margin, stated before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from seqkit.backend.random import Generator
from seqkit.lab.harness.verdict import Criterion, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = Mapping[str, Any]
"""What one seed measured: numbers, lists and dicts of them. Plain numbers are printed, the rest drawn."""

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Setup:
    """What one run is given. data: "digits" (scikit-learn's, 8×8, bundled) or "mnist", for images."""

    seed: int
    quick: bool = False
    data: str = "digits"

    def scale(self, *, quick: Choice, full: Choice) -> Choice:
        """One of two sizes."""
        return quick if self.quick else full

    def generator(self, stream: str) -> Generator:
        """The seed's randomness under a name."""
        return Generator(self.seed, stream)


@dataclass(frozen=True)
class Experiment:
    """A claim, and all that is needed to test it.

    module: its ``__name__``. chapter: book and chapter of "Deep Learning from Scratch" that teach it, such as
    "1.6"; "2.9" is what comes after them. claim: one sentence. criteria: what must be true of the numbers if
    it holds. run: from a setup to the numbers of one seed. draw: the numbers of all seeds onto a figure.
    note: what the course's notes say wrong or loosely, put right. source: where that, or the claim, stands.
    seeds: how many, three or more. size: of the figure, in inches.
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
        """That of its file, with hyphens."""
        return self.module.rpartition(".")[2].replace("_", "-")

    def verdict(self, numbers: Sequence[Numbers]) -> Verdict:
        """What the numbers of all seeds decide."""
        return Verdict(tuple(criterion.judge(numbers) for criterion in self.criteria))

    def statement(self) -> str:
        """What is said before the run: the claim, and each measure with its direction and margin."""
        measures = [f"  measure: {one.measure}, {one.condition}" for one in self.criteria]
        notes = [f"  note: {self.note}"] if self.note else []
        sources = [f"  source: {self.source}"] if self.source else []
        return "\n".join([f"claim: {self.claim}", *measures, *notes, *sources])
