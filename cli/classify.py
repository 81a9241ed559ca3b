"""seqkit classify."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    device_option,
    input_column_option,
    json_option,
    refuse_unused,
    threads_option,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.cli.lines import Line
    from seqkit.tasks.classes import Prediction


@click.command("classify")
@click.argument("run", type=RUN)
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(allow_dash=True))
@click.option("--resize", is_flag=True, help="Resize images to the model's size.")
@input_column_option
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    files: tuple[str, ...],
    resize: bool,
    text_column: int | str | None,
    device: str | None,
    as_json: bool,
) -> int:
    """Classify images or texts with the classifier in RUN.

    RUN is a run of train-images or train-classifier. FILEs are images, text files with one text per line, or
    tables; without FILE, texts are read from standard input. For each image or line, prints the label, its
    probability, and the file or the line, separated by tabs. For an empty line, prints an empty line.
    """
    from seqkit.cli.lines import UnknownTokens, answer_lines, count_lines, input_lines
    from seqkit.errors import RunError, UsageError
    from seqkit.files.what_is import what_is
    from seqkit.training import RunDirectory

    task = RunDirectory.open(run).config.get("task")
    lines: Iterator[list[Line]]
    total: int | None
    classify: Callable[[list[str]], list[Prediction]]
    unknown: UnknownTokens | None = None
    if task == "image_classification":
        refuse_unused("text_column", "texts")
        if not files:
            raise UsageError(f"expected image files for {run}, got none", remedy="name the files")
        key, lines, total = "file", _image_lines(files), len(files)
        classify = _image_classifier(run, resize, device)
    elif task == "text_classification":
        if resize:
            raise UsageError(f"--resize applies to images, but {run} classifies texts", remedy="leave it out")
        inputs = [input_lines(file, text_column) for file in files or (None,)]
        key, lines, total = "text", itertools.chain.from_iterable(inputs), count_lines(*files or (None,))
        from seqkit.tasks.text_classification import load

        classifier = load(run, device=device)
        unknown = UnknownTokens(classifier.tokenizer, classifier.vocabulary)
        classify = classifier.classify
    else:
        raise RunError(
            f"expected a run of train-images or train-classifier, got a run of {task}",
            where=run,
            remedy=what_is(run).remedy,
        )

    def to_text(text: str, result: Prediction) -> str:
        return f"{result.label}\t{result.probability:.4f}\t{text}"

    def to_dict(text: str, result: Prediction) -> dict[str, Any]:
        return {key: text, **vars(result)}

    def answer(batch: list[str]) -> list[Prediction]:
        if unknown is not None:
            unknown.count(batch)
        return classify(batch)

    code = answer_lines(lines, answer, to_text, to_dict, key=key, as_json=as_json, total=total)
    if unknown is not None:
        unknown.report()
    return code


def _image_lines(files: tuple[str, ...]) -> Iterator[list[Line]]:
    from seqkit.cli.lines import LINES_AT_ONCE, Line

    for start in range(0, len(files), LINES_AT_ONCE):
        yield [Line(file, file) for file in files[start : start + LINES_AT_ONCE]]


def _image_classifier(run: str, resize: bool, device: str | None) -> Callable[[list[str]], list[Prediction]]:
    from seqkit.tasks.image_classification import load

    classifier = load(run, device=device)
    return lambda files: list(classifier.classify_files(files, resize=resize))
