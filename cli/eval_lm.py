"""seqkit eval-lm."""

from __future__ import annotations

import click

from seqkit.cli.common import device_option, json_option, print_json, threads_option


@click.command("eval-lm")
@click.argument("run", type=click.Path())
@click.option("--split", type=click.Choice(["train", "valid", "test"]), default="test", show_default=True)
@click.option("--corpus", default=None, help="Another text to evaluate on.  [default: the run's own]")
@click.option(
    "--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Streams read side by side."
)
@click.option(
    "--eval-protocol",
    type=click.Choice(["exact", "textbook", "blocks"]),
    default="exact",
    show_default=True,
    help="exact: every token predicted once, state carried. textbook: 10 streams of 35, tail dropped. "
    "blocks: consecutive windows as long as in training, each by itself.",
)
@device_option
@threads_option
@json_option
def command(
    run: str,
    split: str,
    corpus: str | None,
    batch_size: int,
    eval_protocol: str,
    device: str | None,
    as_json: bool,
) -> None:
    """Exact perplexity of the language model in RUN, each token of the split predicted once.

    Of one that finds hidden tokens: how many of a split's it finds, the same ones every time.
    """
    from seqkit.training import RunDirectory

    if RunDirectory.open(run).config.get("task") == "masked_language_modeling":
        from seqkit.cli.train_masked_lm import evaluate_masked

        evaluate_masked(run, split, corpus, device, as_json)
        return
    from seqkit.tasks.language_modeling import load

    model = load(run, device=device)
    result = model.evaluate(split, corpus=corpus, batch_size=batch_size, protocol=eval_protocol)
    if as_json:
        print_json(
            {**result.to_dict(), "run": run, "corpus": corpus or model.settings.corpus, "split": split}
        )
        return
    bits = (
        "" if result.bits_per_character is None else f", {result.bits_per_character:.4f} bits per character"
    )
    click.echo(
        f"perplexity {result.perplexity:.2f} (loss {result.loss:.4f}) over "
        f"{result.predictions:,} predictions ({split}){bits}\n"
        f"vocabulary {result.vocab_size:,}, <unk> {result.unk_fraction:.2%} of the tokens, tokenizer "
        f"{result.tokenizer}, batch size {result.batch_size}, protocol {result.protocol}"
    )
