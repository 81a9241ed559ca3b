"""seqkit plot curves."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("plot")
def command() -> None:
    """Draw figures of runs (needs the extra "plot")."""


@command.command("curves")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="curves.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
def curves(runs: tuple[str, ...], out: str) -> None:
    """Loss and perplexity against steps, of one or more RUNS."""
    from seqkit.errors import DataError
    from seqkit.plotting import plot_curves, save
    from seqkit.training import RunDirectory

    records = []
    for run in runs:
        path = RunDirectory.open(run).log.path
        try:
            lines = path.read_text("utf-8").splitlines()
            records.append([json.loads(line) for line in lines])
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read {path} ({error})", remedy="has the run logged anything yet?"
            ) from error
    save(plot_curves(records, [Path(run).name for run in runs]), Path(out))
    click.echo(out)
