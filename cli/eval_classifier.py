"""seqkit eval-classifier."""

import click

from seqkit.cli.common import (
    COLUMN,
    device_option,
    json_option,
    print_class_scores,
    print_json,
    refuse_unused,
    split_option,
    text_column_option,
    threads_option,
    warn,
)
from seqkit.cli.parameter_types import CORPUS, RUN
from seqkit.cli.progress import quiet_option


@click.command("eval-classifier")
@click.argument("run", type=RUN)
@split_option
@click.option(
    "--corpus", type=CORPUS, default=None, help="Labelled texts to evaluate on.  [default: those of the run]"
)
@text_column_option
@click.option(
    "--label-column",
    "--label-field",
    "label_column",
    type=COLUMN,
    default=None,
    help="Column of the labels in the table --corpus.  [default: that of the run, or found]",
)
@click.option("--header/--no-header", default=None, help="Whether the first row of --corpus has names.")
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    label_column: int | str | None,
    header: bool | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Evaluate the text classifier in RUN: accuracy, precision, recall, F1, confusion matrix.

    Of a --corpus without splits of its own, all texts are evaluated unless --split is given.
    """
    from seqkit.tasks.text_classification import load

    if corpus is None:
        refuse_unused("text_column label_column header", "another --corpus")
    classifier = load(run, device=device)
    scores = classifier.evaluate(
        split,
        corpus=corpus,
        label_column=label_column,
        text_column=text_column,
        header=header,
        on_message=warn,
    )
    if as_json:
        print_json({**scores.to_dict(), "run": run, "corpus": corpus or classifier.settings.corpus})
        return
    print_class_scores(scores)
