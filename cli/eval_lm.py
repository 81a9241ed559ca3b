"""seqkit eval-lm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seqkit.cli.common import (
    device_option,
    echo,
    json_option,
    print_json,
    refuse_unused,
    split_option,
    text_column_option,
    threads_option,
    warn,
)

if TYPE_CHECKING:
    from seqkit.tasks.language_modeling import Evaluation


@click.command("eval-lm")
@click.argument("run", type=click.Path())
@split_option
@click.option("--corpus", default=None, help="Corpus to evaluate on.  [default: that of the run]")
@text_column_option
@click.option(
    "--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Number of parallel streams."
)
@click.option(
    "--eval-protocol",
    type=click.Choice(["exact", "textbook", "blocks"]),
    default="exact",
    show_default=True,
    help="exact: predict every token once with the recurrent state kept. textbook: 10 streams in windows of "
    "35, without the incomplete end. blocks: independent consecutive windows as long as in training.",
)
@device_option
@threads_option
@json_option
def command(
    run: str,
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    batch_size: int,
    eval_protocol: str,
    device: str | None,
    as_json: bool,
) -> None:
    """Evaluate the language model in RUN: perplexity, with each token of the split predicted once.

    For a masked language model: accuracy on hidden tokens of the split, always the same ones. RUN may be a
    Hugging Face folder of a GPT-2, with --corpus.
    """
    from seqkit.errors import UsageError
    from seqkit.tasks.runs import is_checkpoint_folder
    from seqkit.training import RunDirectory

    if corpus is None:
        refuse_unused("text_column", "another --corpus")
    if eval_protocol != "exact":
        refuse_unused("batch_size", "the protocol exact")
    if is_checkpoint_folder(run):
        from seqkit.tasks import causal_checkpoints

        refuse_unused("batch_size", "runs of train-lm")
        if corpus is None:
            raise UsageError("expected --corpus, a text to evaluate on, since the folder has none", where=run)
        folder = causal_checkpoints.load(run, device=device)
        result = folder.evaluate(split, corpus=corpus, text_column=text_column, protocol=eval_protocol)
        print_evaluation(result, run, corpus, as_json)
        return
    if RunDirectory.open(run).config.get("task") == "masked_language_modeling":
        from seqkit.cli.train_masked_lm import evaluate_masked

        refuse_unused("batch_size eval_protocol", "causal language models")
        evaluate_masked(run, split, corpus, text_column, device, as_json)
        return
    from seqkit.tasks.language_modeling import load

    model = load(run, device=device)
    result = model.evaluate(
        split,
        corpus=corpus,
        text_column=text_column,
        batch_size=batch_size,
        protocol=eval_protocol,
        on_message=warn,
    )
    print_evaluation(result, run, corpus or model.settings.corpus, as_json)


def print_evaluation(result: Evaluation, run: str, corpus: str, as_json: bool) -> None:
    """Print a perplexity with its protocol."""
    if as_json:
        print_json({**result.to_dict(), "run": run, "corpus": corpus})
        return
    bits = (
        "" if result.bits_per_character is None else f", {result.bits_per_character:.4f} bits per character"
    )
    echo(
        f"perplexity {result.perplexity:.2f} (loss {result.loss:.4f}) over "
        f"{result.predictions:,} predictions ({result.split}){bits}\n"
        f"vocabulary {result.vocab_size:,}, <unk> {result.unk_fraction:.2%} of the tokens, tokenizer "
        f"{result.tokenizer}, batch size {result.batch_size}, protocol {result.protocol}"
    )
