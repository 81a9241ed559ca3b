"""seqkit eval-images."""

import click

from seqkit.cli.common import (
    device_option,
    json_option,
    print_class_scores,
    print_json,
    split_option,
    threads_option,
)
from seqkit.cli.parameter_types import CORPUS, RUN
from seqkit.cli.progress import quiet_option


@click.command("eval-images")
@click.argument("run", type=RUN)
@split_option
@click.option(
    "--corpus", type=CORPUS, default=None, help="Images to evaluate on.  [default: those of the run]"
)
@device_option
@threads_option
@quiet_option
@json_option
def command(run: str, split: str | None, corpus: str | None, device: str | None, as_json: bool) -> None:
    """Evaluate the image classifier in RUN: accuracy, precision, recall, F1, confusion matrix.

    Of a --corpus without splits of its own, all images are evaluated unless --split is given.
    """
    from seqkit.tasks.image_classification import load

    classifier = load(run, device=device)
    scores = classifier.evaluate(split, corpus=corpus)
    if as_json:
        print_json({**scores.to_dict(), "run": run, "corpus": corpus or classifier.settings.corpus})
        return
    print_class_scores(scores)
