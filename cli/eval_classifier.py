"""seqkit eval-classifier."""

import click

from seqkit.cli.common import device_option, json_option, print_class_scores, print_json, threads_option, warn


@click.command("eval-classifier")
@click.argument("run", type=click.Path())
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default=None,
    help="Split to evaluate.  [default: test, or valid if there is none]",
)
@device_option
@threads_option
@json_option
def command(run: str, split: str | None, device: str | None, as_json: bool) -> None:
    """Evaluate the text classifier in RUN: accuracy, precision, recall, F1, confusion matrix."""
    from seqkit.tasks.text_classification import load

    scores = load(run, device=device).evaluate(split, on_message=warn)
    if as_json:
        print_json({**scores.to_dict(), "run": run})
        return
    print_class_scores(scores)
