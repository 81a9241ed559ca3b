"""seqkit eval-seq2seq."""

from typing import Any

import click

from seqkit.cli.common import (
    COLUMN,
    device_option,
    echo,
    json_option,
    print_json,
    refuse_unused,
    refuse_unused_search,
    search_options,
    split_option,
    threads_option,
    warn,
)
from seqkit.cli.parameter_types import CORPUS, RUN
from seqkit.cli.progress import quiet_option


@click.command("eval-seq2seq")
@click.argument("run", type=RUN)
@split_option
@click.option(
    "--corpus", type=CORPUS, default=None, help="Pairs to evaluate on.  [default: those of the run]"
)
@click.option("--target", default=None, help="File of targets, if --corpus is a file of sources.")
@click.option(
    "--source-column",
    type=COLUMN,
    default=None,
    help="Column of the sources in the table --corpus.  [default: found]",
)
@click.option("--target-column", type=COLUMN, default=None, help="Column of the targets.  [default: found]")
@click.option("--header/--no-header", default=None, help="Whether the first row of --corpus has names.")
@search_options
@click.option("--baseline", is_flag=True, help="Also score the source as it is, and its words one by one.")
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    corpus: str | None,
    target: str | None,
    source_column: int | str | None,
    target_column: int | str | None,
    header: bool | None,
    device: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Evaluate the encoder-decoder in RUN: exact match, token accuracy, perplexity, BLEU, chrF.

    BLEU is counted by words, and by characters in scripts without blanks between words. Of a --corpus without
    splits of its own, all pairs are evaluated unless --split is given.
    """
    from seqkit.tasks.seq2seq import load

    if corpus is None:
        refuse_unused("target source_column target_column header", "another --corpus")
    refuse_unused_search(options["beam"], options["temperature"])
    model = load(run, device=device)
    scores = model.evaluate(
        corpus=corpus,
        target=target,
        source_column=source_column,
        target_column=target_column,
        header=header,
        on_message=warn,
        **options,
    )
    if as_json:
        print_json({**scores.to_dict(), "run": run, "corpus": corpus or model.settings.corpus})
        return
    echo(f"{scores.split} split")
    echo(f"exact match {scores.exact_match:.2%} of {scores.pairs:,} targets, including their ends")
    echo(f"token accuracy {scores.token_accuracy:.2%}")
    echo(f"perplexity {scores.perplexity:.4f} over {scores.predictions:,} target tokens")
    echo(f"BLEU {scores.bleu:.2f} ({scores.bleu_signature})")
    echo(f"chrF2 {scores.chrf:.2f} ({scores.chrf_signature})")
    for name, bleu in scores.baselines.items():
        echo(f"baseline, {name}: BLEU {bleu:.2f}")
