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


@click.command("eval-images")
@click.argument("run", type=click.Path())
@split_option
@device_option
@threads_option
@json_option
def command(run: str, split: str, device: str | None, as_json: bool) -> None:
    """Evaluate the image classifier in RUN: accuracy, precision, recall, F1, confusion matrix."""
    from seqkit.tasks.image_classification import load

    scores = load(run, device=device).evaluate(split)
    if as_json:
        print_json({**scores.to_dict(), "run": run})
        return
    print_class_scores(scores)
