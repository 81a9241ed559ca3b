"""seqkit eval-images."""

from __future__ import annotations

import click

from seqkit.cli.common import device_option, json_option, print_json, threads_option


@click.command("eval-images")
@click.argument("run", type=click.Path())
@click.option("--split", type=click.Choice(["train", "valid", "test"]), default="test", show_default=True)
@device_option
@threads_option
@json_option
def command(run: str, split: str, device: str | None, as_json: bool) -> None:
    """Accuracy, precision, recall, F1 and confusions of a trained image classifier."""
    from seqkit.cli.class_scores import print_class_scores
    from seqkit.tasks.image_classification import load

    scores = load(run, device=device).evaluate(split)
    if as_json:
        print_json({**scores.to_dict(), "run": run})
        return
    print_class_scores(scores)
