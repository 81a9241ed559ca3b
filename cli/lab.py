"""seqkit lab list|run|plot."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    echo,
    figure_option,
    json_option,
    print_json,
    refuse_unused,
    threads_option,
    warn,
)
from seqkit.cli.parameter_types import ExperimentName
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.lab import Results


@click.group("lab")
def command() -> None:
    """Run the experiments of the course and judge their claims."""


@command.command("list", short_help="List all experiments and their claims.")
@json_option
def list_(as_json: bool) -> None:
    """List all experiments and their claims in the order of the course page."""
    from seqkit.lab import all_experiments

    experiments = all_experiments()
    if as_json:
        print_json([experiment.to_dict() for experiment in experiments])
        return
    width = max(len(experiment.name) for experiment in experiments)
    for experiment in experiments:
        echo(f"{experiment.chapter}  {experiment.name:<{width}}  {experiment.claim}")


@command.command("run", short_help="Run experiments and print their verdicts.")
@click.argument("names", nargs=-1, type=ExperimentName())
@click.option("--all", "run_all", is_flag=True, help="Run every experiment, in the order of the course page.")
@click.option(
    "--quick",
    is_flag=True,
    help="Use small sizes, where an experiment has any; all experiments then take minutes.",
)
@click.option(
    "--seeds",
    type=click.IntRange(3, 1000),
    default=None,
    help="Number of seeds.  [default: 3 or 5]",
)
@click.option(
    "--data",
    type=click.Choice(["digits", "mnist"]),
    default=None,
    help="Images: scikit-learn's 8×8 digits, or MNIST from $SEQKIT_DATA.  [default: digits]",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    default=None,
    help="Figure file for one experiment: .png, .svg or .pdf.  [default: no figure]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default=None,
    help="Folder for the numbers, as NAME.json.  [default: not saved]",
)
@threads_option
@quiet_option
@json_option
def run(
    names: tuple[str, ...],
    run_all: bool,
    quick: bool,
    seeds: int | None,
    data: str | None,
    plot: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Run experiments by NAME; print each claim with its margins, then the numbers and the verdict."""
    _default_to_one_thread()
    from seqkit.corpora import open_images
    from seqkit.errors import UsageError
    from seqkit.lab import all_experiments, draw, get_experiment, run_experiment
    from seqkit.lab.harness.drawing import PALETTE
    from seqkit.plotting import check_figure_path, save
    from seqkit.progress import tracked

    experiments = all_experiments() if run_all else [get_experiment(name) for name in names]
    if not experiments or (run_all and names):
        raise UsageError("expected the names of experiments, or --all", remedy="`seqkit lab list` shows them")
    if plot is not None and len(experiments) > 1:
        raise UsageError(
            f"--plot draws one experiment, got {len(experiments)}",
            remedy="use --out, then `seqkit lab plot`",
        )
    if plot is not None:
        check_figure_path(plot)
    readers = {experiment.name for experiment in experiments if experiment.reads_images}
    if data is not None and not run_all:
        for experiment in experiments:
            if experiment.name not in readers:
                refuse_unused("data", f"experiments with images, and {experiment.name} reads none")
    if readers:
        open_images(data or "digits")
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise UsageError("the folder cannot be written", where=out, remedy="name another folder")
    finished = []
    for experiment in tracked(experiments, "experiments", ""):
        if not as_json:
            echo(f"{experiment.name}\n{experiment.statement()}")
        results = run_experiment(
            experiment,
            quick=quick,
            data=data if experiment.name in readers else None,
            seeds=None if seeds is None else range(seeds),
            report=warn,
        )
        finished.append(results)
        if not as_json:
            echo("\n".join(_report(results)) + "\n")
        if out is not None:
            results.save(Path(out) / f"{experiment.name}.json")
        if plot is not None:
            save(draw(results), plot, colors=PALETTE, on_message=warn)
    if as_json:
        print_json([_judged(results) for results in finished])
    elif len(finished) > 1:
        echo("\n".join(_summary(finished)))


@command.command("plot", short_help="Draw the figure of saved numbers.")
@click.argument("numbers", type=click.Path(exists=True, dir_okay=False))
@figure_option()
@json_option
def plot_(numbers: str, out: str, as_json: bool) -> None:
    """Draw the figure of saved NUMBERS, a NAME.json of `lab run --out`, and print the verdict."""
    from seqkit.lab import Results, draw
    from seqkit.lab.harness.drawing import PALETTE
    from seqkit.plotting import save

    results = Results.load(numbers)
    save(draw(results), out, colors=PALETTE, on_message=warn)
    if as_json:
        print_json({"file": out, **_judged(results)})
        return
    echo("\n".join(_report(results)))
    echo(out)


def _default_to_one_thread() -> None:
    """Use one thread unless the user asks for more: products this small are slower with two."""
    from seqkit.threads import VARIABLES, set_thread_count

    if not any(os.environ.get(name) for name in VARIABLES):
        set_thread_count(1)


def _report(results: Results) -> Iterable[str]:
    """Return lines with mean and deviation of the numbers, and the verdict."""
    from seqkit.lab import get_experiment

    table = results.table()
    width = max((len(name) for name, _, _ in table), default=0)
    for name, mean, deviation in table:
        yield f"  {name:<{width}}  {mean:10.4g} ± {deviation:.2g}"
    yield f"verdict: {results.verdict()}"
    quick = ", quick" if results.quick else ""
    if results.quick and not get_experiment(results.experiment).has_sizes:
        quick = ", of one size: --quick changes nothing"
    yield f"  ({len(results.seeds)} seeds{quick}, {results.seconds:.1f} s)"


def _judged(results: Results) -> dict[str, Any]:
    verdict = results.verdict()
    return {
        **vars(results),
        "verdict": verdict.outcome,
        "findings": [vars(finding) for finding in verdict.findings],
    }


def _summary(finished: list[Results]) -> Iterable[str]:
    width = max(len(results.experiment) for results in finished)
    for results in finished:
        yield f"{results.experiment:<{width}}  {results.verdict().outcome:<9}  {results.seconds:6.1f} s"
    yield f"{len(finished)} experiments, {sum(results.seconds for results in finished):.0f} s"
