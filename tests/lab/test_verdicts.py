"""Verdicts: each criterion of each experiment holds, fails and stays undecided as the table says."""

import math

import pytest

from seqkit.errors import UsageError
from seqkit.lab import Criterion, experiment_names, get_experiment
from tests.lab.verdict_table import TABLE, Row

CASES = [
    pytest.param(row, criterion, id=f"{row.name}-{criterion}")
    for row in TABLE
    for criterion in range(len(row.fails))
]


def test_every_criterion_has_its_case() -> None:
    assert sorted(row.name for row in TABLE) == experiment_names()
    assert {row.name: len(row.fails) for row in TABLE} == {
        name: len(get_experiment(name).criteria) for name in experiment_names()
    }


@pytest.mark.parametrize(("row", "criterion"), CASES)
def test_verdicts_of_the_table(row: Row, criterion: int) -> None:
    experiment, good, bad = get_experiment(row.name), row.holds, row.changed(criterion)
    verdicts = [
        (experiment.verdict([good, good, good]), "holds"),
        (experiment.verdict([bad, bad, bad]), "fails"),
        (experiment.verdict([good, bad, good]), "undecided"),
    ]
    for verdict, outcome in verdicts:
        assert verdict.outcome == outcome, str(verdict)
        assert verdict.findings[criterion].outcome == outcome


# Margins and intervals


def judged(*values: float | None, **margin: float) -> str:
    return Criterion("x", lambda n: n["x"], **margin).judge([{"x": value} for value in values]).outcome


def test_the_interval_decides() -> None:
    """Of 1, 2, 3 the mean is 2, s is 1, and t for two degrees of freedom 2.920: 2 ± 1.686."""
    assert judged(1.0, 2.0, 3.0, above=0.31) == "holds"
    assert judged(1.0, 2.0, 3.0, above=0.32) == "undecided"
    assert judged(1.0, 2.0, 3.0, above=3.68) == "undecided"
    assert judged(1.0, 2.0, 3.0, above=3.69) == "fails"
    assert judged(1.0, 2.0, 3.0, below=3.69) == "holds"
    assert judged(1.0, 2.0, 3.0, below=3.68) == "undecided"
    assert judged(1.0, 2.0, 3.0, below=0.32) == "undecided"
    assert judged(1.0, 2.0, 3.0, below=0.31) == "fails"


def test_a_margin_that_is_just_reached_fails() -> None:
    assert judged(1.0, 1.0, 1.0, above=1.0) == "fails"
    assert judged(1.0, 1.0, 1.0, below=1.0) == "fails"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_value_that_is_not_finite_is_undecided(value: float | None) -> None:
    assert judged(5.0, value, 5.0, above=1.0) == "undecided"


def test_two_seeds_are_too_few() -> None:
    with pytest.raises(UsageError, match="3 seeds or more for a verdict, got 2"):
        judged(1.0, 2.0, above=0.0)


def test_exactly_one_margin_is_required() -> None:
    with pytest.raises(UsageError, match="either above or below"):
        Criterion("x", lambda n: n["x"])
    with pytest.raises(UsageError, match="either above or below"):
        Criterion("x", lambda n: n["x"], above=1.0, below=2.0)
