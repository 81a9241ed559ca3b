"""seqkit classify."""

from __future__ import annotations

from typing import Any

import click

from seqkit.cli.common import device_option, json_option, lines_of, print_json, threads_option


@click.command("classify")
@click.argument("run", type=click.Path())
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(allow_dash=True))
@click.option("--resize", is_flag=True, help="Bring images to the model's size.")
@device_option
@threads_option
@json_option
def command(run: str, files: tuple[str, ...], resize: bool, device: str | None, as_json: bool) -> None:
    """Classify images or texts with RUN, of train-images or train-classifier.

    FILEs are images; or texts, one a line, without any of them those of standard input. Prints per image or
    line, separated by tabs: label, its probability, and the file or the line.
    """
    from seqkit.errors import RunError, UsageError
    from seqkit.training import RunDirectory

    task = RunDirectory.open(run).config.get("task")
    if task == "image_classification":
        if not files:
            raise UsageError(f"{run} classifies images, and none is given", remedy="name their files")
        kind, examples, found = "file", list(files), _images(run, files, resize, device)
    elif task == "text_classification":
        if resize:
            raise UsageError(f"{run} classifies texts, which --resize does not", remedy="leave it out")
        kind, examples = "text", [line for file in files or (None,) for line in lines_of(file)]
        found = _texts(run, examples, device)
    else:
        raise RunError(
            f"{run} is a run of {task}, which classifies nothing",
            remedy="give one of train-images or train-classifier",
        )
    if as_json:
        print_json([{kind: each, **vars(one)} for each, one in zip(examples, found, strict=True)])
        return
    for each, one in zip(examples, found, strict=True):
        click.echo(f"{one.label}\t{one.probability:.4f}\t{each}")


def _images(run: str, files: tuple[str, ...], resize: bool, device: str | None) -> list[Any]:
    from seqkit.tasks.image_classification import load

    return list(load(run, device=device).classify_files(files, resize=resize))


def _texts(run: str, texts: list[str], device: str | None) -> list[Any]:
    from seqkit.tasks import load

    return list(load(run, device=device).classify(texts))
