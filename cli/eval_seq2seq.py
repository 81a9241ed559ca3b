"""seqkit eval-seq2seq."""

import click

from seqkit.cli.common import device_option, echo, json_option, print_json, threads_option, warn


@click.command("eval-seq2seq")
@click.argument("run", type=click.Path())
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default=None,
    help="Split to evaluate.  [default: test, or valid if there is none]",
)
@click.option(
    "--beam", type=click.IntRange(1, 1000), default=1, show_default=True, help="Beam size; 1 is greedy."
)
@device_option
@threads_option
@json_option
def command(run: str, split: str | None, beam: int, device: str | None, as_json: bool) -> None:
    """Evaluate the encoder-decoder in RUN: exact match, token accuracy, perplexity, BLEU."""
    from importlib.util import find_spec

    from seqkit.tasks.seq2seq import load

    if find_spec("sacrebleu") is None:
        warn("BLEU needs sacrebleu: pip install 'seqkit[bleu]'")
    scores = load(run, device=device).evaluate(split, beam=beam, on_message=warn)
    if as_json:
        print_json({**scores.to_dict(), "run": run})
        return
    echo(f"exact match {scores.exact_match:.2%} of {scores.pairs:,} targets, including their ends")
    echo(f"token accuracy {scores.token_accuracy:.2%}")
    echo(f"perplexity {scores.perplexity:.4f} over {scores.predictions:,} target tokens")
    if scores.bleu is not None:
        echo(f"BLEU {scores.bleu:.2f} ({scores.bleu_signature})")
