"""Running, saving, loading and drawing experiments, and runs of the cheapest."""

import json
import math
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DataError, SeqkitError, UsageError
from seqkit.lab import (
    Criterion,
    Results,
    Setup,
    all_experiments,
    draw,
    experiment_names,
    get_experiment,
    run_experiment,
)
from seqkit.lab.harness.results import to_json_types
from seqkit.lab.harness.training import shortest_seconds, smooth
from seqkit.plotting import save
from tests.files.mutations import mutated
from tests.lab.verdict_table import TABLE, Row

CHEAP = [
    "activations",
    "batches-and-epochs",
    "cross-entropy-of-a-batch",
    "gradients-over-time",
    "optimizer-paths",
]


@pytest.fixture(scope="module")
def results() -> Results:
    return run_experiment(get_experiment("batches-and-epochs"), quick=True)


def test_every_experiment_states_its_claim() -> None:
    experiments = all_experiments()
    assert sorted(each.name for each in experiments) == experiment_names()
    assert [each.chapter for each in experiments] == sorted(each.chapter for each in experiments)
    for experiment in experiments:
        assert experiment.claim.endswith("."), experiment.name
        assert experiment.claim.count(". ") == 0, f"{experiment.name}: a claim is one sentence"
        assert experiment.seeds >= 3
        for criterion in experiment.criteria:
            assert f"{criterion.measure}, {criterion.condition}" in experiment.statement()


@pytest.mark.parametrize("name", CHEAP)
def test_cheap_experiments_hold(name: str) -> None:
    assert run_experiment(get_experiment(name), quick=True).verdict().outcome == "holds"


@pytest.mark.parametrize("page", ["course.md", "course.zh.md"])
def test_experiments_come_in_the_order_of_the_page(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    names = [each.name for each in all_experiments()]
    assert names == sorted(names, key=lambda name: text.index(f"(figures/lab-{name}.png)"))
    chapters: dict[str, list[int]] = {}
    for each in all_experiments():
        chapters.setdefault(each.chapter, []).append(each.place)
    for places in chapters.values():
        assert places == [*range(1, len(places) + 1)]


def test_sizes_are_those_of_the_code() -> None:
    """An experiment without sizes, for which --quick changes nothing, says so."""
    folder = Path(seqkit.lab.__file__).parent
    for experiment in all_experiments():
        source = (folder / f"{experiment.name.replace('-', '_')}.py").read_text("utf-8")
        assert experiment.has_sizes == bool(re.search(r"setup\.scale\(|\boverfit\(", source)), experiment.name


def test_data_is_for_experiments_that_read_images(results: Results) -> None:
    folder = Path(seqkit.lab.__file__).parent
    for experiment in all_experiments():
        source = (folder / f"{experiment.name.replace('-', '_')}.py").read_text("utf-8")
        assert experiment.reads_images == bool(re.search(r"\b(load_images|overfit)\(", source)), (
            experiment.name
        )
        assert "setup.data" not in source
        if not experiment.reads_images:
            with pytest.raises(
                UsageError, match=f"data has no effect here: {experiment.name} reads no images"
            ):
                run_experiment(experiment, data="digits")
    assert results.data is None


def test_the_same_seed_gives_the_same_numbers(results: Results) -> None:
    again = run_experiment(get_experiment("batches-and-epochs"), quick=True)
    assert again.numbers == results.numbers
    assert results.numbers[0] != results.numbers[1]


def test_numbers_survive_the_disk(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "numbers.json")
    again = Results.load(tmp_path / "numbers.json")
    assert again == results
    assert str(again.verdict()) == str(results.verdict())


def test_a_saved_figure_can_be_drawn_again(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    results.save(tmp_path / "numbers.json")
    for file, source in (("a.png", results), ("b.png", Results.load(tmp_path / "numbers.json"))):
        save(draw(source), tmp_path / file, colors=128)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    figure = draw(results)
    assert "(holds)" in figure.get_suptitle()
    for axes in figure.axes:
        assert axes.get_xlabel()
        assert axes.get_ylabel()


def test_the_table_has_every_plain_number() -> None:
    numbers: list[Any] = [
        {"a": 1.0, "b": {"c": 2, "d": None}, "list": [1, 2]},
        {"a": 3.0, "b": {"c": 2, "d": 1}},
    ]
    table = Results("x", "0", True, "digits", [0, 1], 0.0, numbers).table()
    assert table[:2] == [("a", 2.0, math.sqrt(2)), ("b, c", 2.0, 0.0)]
    assert table[2][0] == "b, d"
    assert math.isnan(table[2][1])
    assert len(table) == 3


def test_numbers_become_what_json_has() -> None:
    given = {"x": np.array([1.5, np.nan]), "n": np.int64(3), 7: (np.float32(0.5), math.inf), "s": "word"}
    assert to_json_types(given) == {"x": [1.5, None], "n": 3, "7": [0.5, None], "s": "word"}
    json.dumps(to_json_types(given), allow_nan=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected the results of an experiment"),
        ("[1]", "expected the results of an experiment"),
        ('{"experiment": "activations"}', "expected the results of an experiment"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match=message):
        Results.load(tmp_path / "x.json")


def test_damaged_numbers_are_refused(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    results.save(path)
    good = json.loads(path.read_text())
    for key, value, message in (
        ("numbers", good["numbers"][:2], "numbers for each of 3 seeds, got 2"),
        ("numbers", [{"other": 1.0}] * 3, "perhaps of another version"),
        ("experiment", "activatoins", "did you mean activations"),
    ):
        path.write_text(json.dumps({**good, key: value}))
        with pytest.raises((DataError, UsageError), match=message):
            Results.load(path)


def test_mutated_numbers_are_refused_or_judged(results: Results, tmp_path: Path) -> None:
    """Results are a foreign file: other types and bytes are refused by an error of seqkit, and soon."""
    path, chance, refused, drawn = tmp_path / "x.json", random.Random(21), 0, 0
    results.save(path)
    whole = path.read_bytes()
    for number in range(200):
        data = mutated(path.name, whole, chance)
        path.write_bytes(data)
        start = time.process_time()
        try:
            loaded = Results.load(path)
            loaded.verdict()
            loaded.table()
            if drawn < 8:
                drawn += 1
                draw(loaded)
        except SeqkitError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"mutation {number}: {data[:300]!r}") from error
        assert time.process_time() - start < 5
    assert 100 < refused < 200


@pytest.mark.parametrize("seeds", [[0, 1], [0, 1, 1], []])
def test_seeds_must_be_three(seeds: list[int]) -> None:
    with pytest.raises(UsageError, match="expected 3 different seeds or more"):
        run_experiment(get_experiment("batches-and-epochs"), seeds=seeds)


def test_functions_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least of each, the first turn not counted."""
    clock, order = [0.0], []
    durations = {"a": iter((0.5, 3.0, 5.0, 2.0)), "b": iter((9.0, 4.0, 6.0, 4.0))}
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def function(name: str) -> None:
        order.append(name)
        clock[0] += next(durations[name])

    assert shortest_seconds({name: lambda name=name: function(name) for name in "ab"}, 3) == {
        "a": 2.0,
        "b": 4.0,
    }  # type: ignore[misc]
    assert order == list("abababab")


def test_a_setup_has_sizes_and_streams() -> None:
    quick, full = Setup(3, quick=True), Setup(3)
    assert (quick.scale(quick=1, full=2), full.scale(quick=1, full=2)) == (1, 2)
    assert quick.generator("a").uniform(3).tolist() == full.generator("a").uniform(3).tolist()
    assert quick.generator("a").uniform(3).tolist() != quick.generator("b").uniform(3).tolist()


def test_smoothing_takes_means_of_stretches() -> None:
    assert smooth([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]


def test_an_image_experiment_on_the_bundled_digits() -> None:
    pytest.importorskip("sklearn")
    results = run_experiment(get_experiment("batch-norm-modes"), quick=True)
    assert results.verdict().outcome == "holds"
    assert results.numbers[0]["accuracy"]["statistics of the batch"][0] is None


DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["course.md", "course.zh.md"])
def test_the_course_names_every_experiment_and_figure(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for name in experiment_names():
        assert f"`{name}`" in text, name
        assert f"(figures/lab-{name}.png)" in text, name
        assert (DOCS / "figures" / f"lab-{name}.png").stat().st_size < 60_000
    for path in re.findall(r"`(seqkit/[\w/]+(?:\.py|/))`", text):
        assert (DOCS.parent / path).exists(), path


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
