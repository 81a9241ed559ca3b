"""seqkit demo."""

import sys
import time

import click

from seqkit.cli.common import echo, threads_option
from seqkit.cli.progress import quiet_option


@click.command("demo")
@click.option("--out", type=click.Path(), default=None, help="Run directory.  [default: runs/demo-TIME]")
@threads_option
@quiet_option
def command(out: str | None, quiet: bool) -> None:
    """Train a language model on the embedded corpus for 8 epochs and compare its perplexity with baselines.

    The baselines, a unigram and a 5-gram model, predict the same tokens of the test split. Exits with 1 if
    the LSTM is not better than both.
    """
    from seqkit.cli.log_lines import LogLines
    from seqkit.metrics import perplexity
    from seqkit.models import NGramConfig, Unigram, fit_kneser_ney
    from seqkit.tasks.language_modeling import LanguageModelSettings, train

    out = out or f"runs/demo-{time.strftime('%Y%m%d-%H%M%S')}"
    settings = LanguageModelSettings(epochs=8)
    model = train(settings, out, callbacks=LogLines(quiet))
    encoded = model.encoded()
    train_ids, test_ids, vocab_size = encoded.splits["train"], encoded.splits["test"], len(model.vocabulary)
    unigram = Unigram.fit(train_ids, vocab_size)
    five_gram = fit_kneser_ney(train_ids, NGramConfig(vocab_size, 5, model.eos_id))
    result = model.evaluate("test")
    figures = [
        ("unigram", perplexity(-float(unigram.log_probs(test_ids).sum()), len(test_ids))),
        (
            "5-gram, modified Kneser-Ney",
            perplexity(-float(five_gram.log_probs(test_ids).sum()), len(test_ids)),
        ),
        (model.settings.describe(), result.perplexity),
    ]
    source = model.run.entry("corpus")
    echo(f"\ntest perplexity over {result.predictions:,} predictions, {vocab_size:,} types")
    for name, figure in figures:
        echo(f"  {figure:>8.2f}  {name}")
    tokens = ", ".join(f"{count:,} {split}" for split, count in source["tokens"].items())
    echo(f"corpus: {source['description']}; {tokens} tokens; sha256 {source.get('sha256', 'of each file')}")
    echo("\nsamples at temperature 0.8:")
    for sample in model.generate(num_samples=4, temperature=0.8, max_new_tokens=40):
        echo(f"  {sample.text}")
    echo(f"\nrun directory: {out}   (seqkit generate {out} --prompt 'the function')")
    if figures[2][1] >= min(figures[0][1], figures[1][1]):
        echo("error: the LSTM is not better than both baselines", err=True)
        sys.exit(1)
