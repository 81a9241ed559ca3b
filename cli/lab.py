"""seqkit lab list|run|plot."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import json_option, print_json, quiet_option, threads_option

if TYPE_CHECKING:
    from seqkit.lab import Experiment, Results


@click.group("lab")
def command() -> None:
    """Experiments of the course: a claim, its margin, and the verdict of the numbers."""


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All experiments in the order of the course, with what they claim."""
    from seqkit.lab import experiments

    found = experiments()
    if as_json:
        print_json([_stated(one) for one in found])
        return
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{one.chapter}  {one.name:<{width}}  {one.claim}")


def _stated(one: Experiment) -> dict[str, Any]:
    return {
        "name": one.name,
        "chapter": one.chapter,
        "claim": one.claim,
        "criteria": [{"measure": each.measure, "condition": each.condition} for each in one.criteria],
        "note": one.note,
        "source": one.source,
    }


@command.command("run")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every experiment, in the order of the course.")
@click.option("--quick", is_flag=True, help="Small sizes: all of them in minutes.")
@click.option("--seeds", type=click.IntRange(3), default=None, help="How many.  [default: 3, some 5]")
@click.option(
    "--data",
    type=click.Choice(["digits", "mnist"]),
    default="digits",
    show_default=True,
    help="Images: scikit-learn's 8×8 digits, or MNIST from $SEQKIT_DATA.",
)
@click.option(
    "--plot", type=click.Path(dir_okay=False), default=None, help="Figure of one experiment: .png, .svg, .pdf"
)
@click.option(
    "--out", type=click.Path(file_okay=False), default=None, help="Folder for the numbers, NAME.json each."
)
@threads_option
@quiet_option
@json_option
def run(
    names: tuple[str, ...],
    everything: bool,
    quick: bool,
    seeds: int | None,
    data: str,
    plot: str | None,
    out: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run experiments by NAME; each states its claim and margin, then its numbers and the verdict."""
    _one_thread()
    from seqkit.errors import UsageError
    from seqkit.lab import draw, experiment, experiments, write
    from seqkit.lab import run as run_experiment
    from seqkit.plotting import figure_file

    chosen = experiments() if everything else [experiment(name) for name in names]
    if not chosen or (everything and names):
        raise UsageError("name experiments, or give --all", remedy="seqkit lab list shows them")
    if plot is not None and len(chosen) > 1:
        raise UsageError("--plot is for one experiment", remedy="use --out, then `seqkit lab plot`")
    if plot is not None:
        figure_file(plot)  # before hours of training
    say = (lambda text: None) if quiet else (lambda text: click.echo(text, err=True))
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
    finished = []
    for one in chosen:
        if not as_json:
            click.echo(f"{one.name}\n{one.statement()}")
        results = run_experiment(
            one, quick=quick, data=data, seeds=None if seeds is None else range(seeds), say=say
        )
        finished.append(results)
        if not as_json:
            click.echo("\n".join(_report(results)) + "\n")
        if out is not None:
            results.save(Path(out) / f"{one.name}.json")
        if plot is not None:
            write(draw(results), plot)
    if as_json:
        print_json([_judged(results) for results in finished])
    elif len(finished) > 1:
        click.echo("\n".join(_summary(finished)))


@command.command("plot")
@click.argument("numbers", type=click.Path(exists=True, dir_okay=False))
@click.option("--out", type=click.Path(dir_okay=False), required=True, help=".png, .svg or .pdf")
@json_option
def plot_(numbers: str, out: str, as_json: bool) -> None:
    """Draw the figure of saved NUMBERS, the NAME.json of `lab run --out`, and judge them again."""
    from seqkit.lab import Results, draw, write

    results = Results.load(numbers)
    write(draw(results), out)
    if as_json:
        print_json({"file": out, **_judged(results)})
        return
    click.echo("\n".join(_report(results)))
    click.echo(out)


def _one_thread() -> None:
    """Unless the user asks for more: products this small lose more by a second thread than they gain."""
    from seqkit.threads import VARIABLES, set_thread_count

    if not any(os.environ.get(name) for name in VARIABLES):
        set_thread_count(1)


def _report(results: Results) -> Iterable[str]:
    """The numbers, mean and deviation over the seeds, and the verdict."""
    table = results.table()
    width = max((len(name) for name, _, _ in table), default=0)
    for name, mean, deviation in table:
        yield f"  {name:<{width}}  {mean:10.4g} ± {deviation:.2g}"
    yield f"verdict: {results.verdict()}"
    quick = ", quick" if results.quick else ""
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
