"""train-lm and eval-lm of masked language models."""

from __future__ import annotations

from pathlib import Path

import click

from seqkit.cli.common import print_json
from seqkit.cli.settings_file import to_toml
from seqkit.cli.training import Request, epoch_scores
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.masked_language_modeling import MaskedLanguageModelSettings, load, train


def train_masked(request: Request[LanguageModelSettings]) -> None:
    """``train-lm --objective masked``: the flags that were given, with the defaults of this objective.

    UsageError for a flag that it does not have.
    """
    settings = MaskedLanguageModelSettings.from_values(
        request.given, source="the settings of --objective masked"
    )
    if request.dry_run:
        _dry_run(settings)
        return
    corpus = Path(settings.corpus.replace(":", "-")).stem
    masked = Request(**{**vars(request), "settings": settings})
    out, trained, watcher = masked.train(train, name=f"{corpus}-masked", evaluate="eval-lm RUN --split valid")
    watcher.message(f"evaluate: seqkit eval-lm {out}\nfine-tune: seqkit train-classifier DATA --init {out}")
    _, published = trained.run.load_model()
    scores = published.get("scores") or {}
    result = {
        "run": out,
        "model": repr(trained),
        "best_step": published["step"],
        "best_epoch": published["epoch"],
        "valid_loss": scores.get("loss"),
        "valid_accuracy": scores.get("accuracy"),
        "epochs": epoch_scores(trained.run),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif not scores:
        click.echo(f"{out}: trained; the corpus has no validation part")
    else:
        click.echo(
            f"{out}: {scores['accuracy']:.2%} of hidden validation tokens found (epoch {published['epoch']})"
        )


def _dry_run(settings: MaskedLanguageModelSettings) -> None:
    from seqkit.corpora import open_corpus
    from seqkit.tasks.masked_language_modeling.trained import make_model
    from seqkit.tasks.masked_language_modeling.training import complete, encode

    source = open_corpus(settings.corpus)
    full = complete(settings, source)
    encoded = encode(full, source)
    types = len(encoded.vocabulary) + 2  # <cls> and <mask>
    click.echo(to_toml(full.to_dict()))
    parts = ", ".join(f"{name} {info.tokens:,}" for name, info in encoded.info.items())
    click.echo(f"# tokens: {parts}; types: {types:,}")
    click.echo(f"# parameters: {make_model(full, types).parameter_count():,}")


def evaluate_masked(run: str, split: str, corpus: str | None, device: str | None, as_json: bool) -> None:
    """``eval-lm`` of such a run."""
    model = load(run, device=device)
    scores = model.evaluate(split, corpus=corpus)
    if as_json:
        print_json(
            {**scores.to_dict(), "run": run, "corpus": corpus or model.settings.corpus, "split": split}
        )
        return
    click.echo(
        f"{scores.accuracy:.2%} of {scores.predictions:,} hidden tokens found ({split}), "
        f"always {scores.unigram!r} would be {scores.unigram_accuracy:.2%}\n"
        f"perplexity {scores.perplexity:.2f} (loss {scores.loss:.4f}), vocabulary {len(model.vocabulary):,}, "
        f"tokenizer {model.tokenizer.name}"
    )
