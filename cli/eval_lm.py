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
from seqkit.cli.parameter_types import CORPUS, RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.tasks.language_modeling import Evaluation


@click.command("eval-lm")
@click.argument("runs", nargs=-1, required=True, type=RUN, metavar="RUN...")
@split_option
@click.option(
    "--corpus", type=CORPUS, default=None, help="Corpus to evaluate on.  [default: that of the run]"
)
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
@click.option(
    "--interpolate",
    is_flag=True,
    help="Evaluate the linear mixture of several RUNs with the same vocabulary, with weights by EM on "
    "the validation split.",
)
@click.option(
    "--cache",
    type=click.IntRange(1, 100_000),
    default=None,
    help="Add a cache of this many past tokens to the model; its weight, by EM, and its flatness θ from the "
    "validation split.",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="Keep training a copy of the model on each segment after predicting it; rate and decay from the "
    "validation split.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    default=None,
    help="With --interpolate, --cache or --dynamic: keep the evaluation in this file while it runs; the same "
    "command goes on from it after an interruption.",
)
@click.option(
    "--out", type=click.Path(), default=None, help="Write the mixture as a run, for score and generate."
)
@device_option
@threads_option
@quiet_option
@json_option
def command(
    runs: tuple[str, ...],
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    batch_size: int,
    eval_protocol: str,
    interpolate: bool,
    cache: int | None,
    dynamic: bool,
    checkpoint: str | None,
    out: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Evaluate the language model in RUN: perplexity, with each token of the split predicted once.

    For a masked language model: accuracy on hidden tokens of the split, always the same ones. RUN may be an
    ARPA file, or a Hugging Face folder of a GPT-2, with --corpus.
    """
    from seqkit.errors import UsageError
    from seqkit.tasks.language_modeling.arpa_model import is_arpa
    from seqkit.tasks.runs import is_checkpoint_folder
    from seqkit.training import RunDirectory

    run = runs[0]
    if corpus is None:
        refuse_unused("text_column", "another --corpus")
    if eval_protocol != "exact":
        refuse_unused("batch_size", "the protocol exact")
    if interpolate or cache is not None:
        refuse_unused("batch_size eval_protocol", "a single model without cache")
        if interpolate and len(runs) + (cache is not None) < 2:
            raise UsageError("expected several runs to interpolate, got one")
    else:
        refuse_unused("out", "mixtures, with --interpolate")
        if not dynamic:
            refuse_unused("checkpoint", "evaluation with --interpolate, --cache or --dynamic")
    if out is not None and (cache is not None or not interpolate):
        raise UsageError("--out has no effect here: it is for mixtures without --cache")
    if len(runs) > 1 and not interpolate:
        raise UsageError(f"expected one run, or --interpolate for their mixture, got {len(runs)} runs")
    if any(is_arpa(each) or is_checkpoint_folder(each) for each in runs):
        refuse_unused("dynamic interpolate cache", "runs of train-lm, and not for other models")
    if dynamic:
        refuse_unused("batch_size eval_protocol cache interpolate", "evaluation without --dynamic")
        _evaluate_dynamic(run, split, corpus, text_column, device, checkpoint, as_json)
        return
    if interpolate or cache is not None:
        _evaluate_mixture(runs, split, corpus, text_column, cache or 0, out, device, checkpoint, as_json)
        return
    if is_arpa(run) or is_checkpoint_folder(run):
        refuse_unused("batch_size", "runs of train-lm")
        if corpus is None:
            raise UsageError("expected --corpus, a text to evaluate on, since this model has none", where=run)
        _evaluate_published(run, corpus, split, text_column, eval_protocol, device, as_json)
        return
    if RunDirectory.open(run).config.get("task") == "masked_language_modeling":
        from seqkit.cli.train_masked_lm import evaluate_masked

        refuse_unused("batch_size eval_protocol", "causal language models")
        evaluate_masked(run, split, corpus, text_column, device, as_json)
        return
    from seqkit.distributed import world
    from seqkit.tasks.language_modeling import load

    model = load(run, device=device)
    result = model.evaluate(
        split,
        corpus=corpus,
        text_column=text_column,
        batch_size=batch_size,
        protocol=eval_protocol,
        on_message=warn,
        group=world(),
    )
    print_evaluation(result, run, corpus or model.settings.corpus, as_json)


def _evaluate_mixture(
    runs: tuple[str, ...],
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    cache: int,
    out: str | None,
    device: str | None,
    checkpoint: str | None,
    as_json: bool,
) -> None:
    from seqkit.tasks.language_modeling import load
    from seqkit.tasks.language_modeling.mixture import evaluate_mixture

    models = [load(run, device=device) for run in runs]
    result = evaluate_mixture(
        models,
        split,
        corpus=corpus,
        text_column=text_column,
        cache=cache,
        out=out,
        checkpoint=checkpoint,
    )
    if as_json:
        print_json({**result.to_dict(), "runs": runs, "corpus": corpus or models[0].settings.corpus})
        return
    names = [*runs, f"cache of {cache:,} tokens, θ {result.flatness:g}"] if cache else runs
    for name, weight, perplexity in zip(names, result.weights, result.members, strict=True):
        alone = "" if perplexity is None else f"  perplexity {perplexity:.2f} alone"
        echo(f"weight {weight:.4f}{alone}  {name}")
    print_evaluation(result.mixture, "", "", as_json)


def _evaluate_published(
    run: str,
    corpus: str,
    split: str | None,
    text_column: int | str | None,
    protocol: str,
    device: str | None,
    as_json: bool,
) -> None:
    """Print the perplexity of a model that comes without a corpus: an ARPA file, or a folder of a GPT-2."""
    from seqkit.tasks import causal_checkpoints
    from seqkit.tasks.language_modeling.arpa_model import is_arpa, load_arpa

    if is_arpa(run):
        refuse_unused("eval_protocol", "models of windows and states")
        result = load_arpa(run, device=device).evaluate(split, corpus=corpus, text_column=text_column)
    else:
        folder = causal_checkpoints.load(run, device=device)
        result = folder.evaluate(split, corpus=corpus, text_column=text_column, protocol=protocol)
    print_evaluation(result, run, corpus, as_json)


def _evaluate_dynamic(
    run: str,
    split: str | None,
    corpus: str | None,
    text_column: int | str | None,
    device: str | None,
    checkpoint: str | None,
    as_json: bool,
) -> None:
    from seqkit.tasks.language_modeling import load
    from seqkit.tasks.language_modeling.dynamic import evaluate_dynamic

    model = load(run, device=device)
    result = evaluate_dynamic(
        model,
        split,
        corpus=corpus,
        text_column=text_column,
        device=device,
        checkpoint=checkpoint,
        on_message=lambda text: echo(text, err=True),
    )
    if as_json:
        print_json({**result.to_dict(), "run": run, "corpus": corpus or model.settings.corpus})
        return
    echo(f"lr {result.lr:g}, decay {result.decay:g}; without adaptation: perplexity {result.static:.2f}")
    print_evaluation(result.evaluation, run, "", as_json)


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
