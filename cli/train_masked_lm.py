"""train-lm and eval-lm of masked language models."""

from pathlib import Path

from seqkit.cli.common import echo, print_json, warn
from seqkit.cli.training import Request, epoch_scores
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.masked_language_modeling import MaskedLanguageModelSettings, load, train
from seqkit.tasks.masked_language_modeling.task import make_task, open_corpus


def train_masked(request: Request[LanguageModelSettings]) -> None:
    """Run ``train-lm --objective masked``: the given flags, and the defaults of this objective.

    Raises:
        UsageError: A flag does not apply to this objective.
    """
    settings = MaskedLanguageModelSettings.from_values(
        request.given, source="the settings of --objective masked"
    )
    masked = Request(**{**vars(request), "settings": settings})
    if request.dry_run:
        masked.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(settings.corpus.replace(":", "-")).stem
    out, trained, log = masked.train(train, name=f"{corpus}-masked", evaluate="eval-lm RUN --split valid")
    log.on_message(f"evaluate: seqkit eval-lm {out}\nfine-tune: seqkit train-classifier DATA --init {out}")
    best = trained.run.best
    scores = best.get("scores") or {}
    result = {
        "run": out,
        "model": repr(trained),
        "best_step": best["step"],
        "best_epoch": best["epoch"],
        "valid_loss": scores.get("loss"),
        "valid_accuracy": scores.get("accuracy"),
        "epochs": epoch_scores(trained.run),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif not scores:
        echo(f"{out}: trained; the corpus has no validation split")
    else:
        echo(
            f"{out}: {scores['accuracy']:.2%} of masked validation tokens predicted correctly "
            f"(epoch {best['epoch']})"
        )


def evaluate_masked(
    run: str,
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Run ``eval-lm`` on a masked language model."""
    model = load(run, device=device)
    scores = model.evaluate(split, corpus=corpus, text_column=text_column, on_message=warn)
    if as_json:
        print_json({**scores.to_dict(), "run": run, "corpus": corpus or model.settings.corpus})
        return
    echo(
        f"{scores.accuracy:.2%} of {scores.predictions:,} masked tokens predicted correctly "
        f"({scores.split}); always predicting {scores.unigram!r}: {scores.unigram_accuracy:.2%}\n"
        f"perplexity {scores.perplexity:.2f} (loss {scores.loss:.4f}), vocabulary {len(model.vocabulary):,}, "
        f"tokenizer {model.tokenizer.name}"
    )
