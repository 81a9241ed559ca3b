"""seqkit train-lm."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seqkit.cli.common import print_json, quiet_option, threads_option, use_threads


def _flag(arguments: list[str], name: str) -> str | None:
    """The value of a flag on the command line, "--name value" or "--name=value"; the last one counts."""
    value = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == name:
            value = following
        elif argument.startswith(f"{name}="):
            value = argument.removeprefix(f"{name}=")
    return value


def _threads_before_numpy(arguments: list[str]) -> None:
    """Use --threads, or for --resume the run's own count: same bits need the same threads.

    The imports below load NumPy, after which it is too late: click has not seen the flags by then.
    """
    threads, out = _flag(arguments, "--threads"), _flag(arguments, "--out")
    try:
        if threads is None and out is not None and "--resume" in arguments:
            threads = str(json.loads((Path(out) / "config.json").read_bytes())["threads"])
        if threads is not None and int(threads) > 0:
            use_threads(int(threads))
    except (OSError, ValueError, KeyError, TypeError):
        return  # click, or opening the run, says what is wrong


_threads_before_numpy(sys.argv)

from seqkit.cli.progress import ProgressWatcher  # noqa: E402
from seqkit.cli.settings_file import read_recipe, read_settings, recipe_names, to_toml  # noqa: E402
from seqkit.errors import TrainingInterrupted, UsageError  # noqa: E402
from seqkit.tasks.language_modeling import LanguageModelSettings, settings_from, train  # noqa: E402
from seqkit.tasks.language_modeling.settings import MODELS, OPTIMIZER_DEFAULTS  # noqa: E402

HELP = {
    "tokenizer": "word, whitespace or char.  [default: the corpus's own]",
    "lowercase": "Lower-case the text.  [default: the corpus's own]",
    "vocab_size": "Keep at most this many types.",
    "min_count": "Drop types rarer than this.  [default: the corpus's own]",
    "model": "Kind of model.",
    "order": "Order of a Kneser-Ney model: words of context plus one.",
    "emsize": "Size of the embeddings.",
    "nhid": "Size of the hidden layers.",
    "nlayers": "Number of layers.",
    "dropout": "Dropout on the input, between layers and on the output.",
    "dropout_input": "Dropout on the embedded input only.",
    "dropout_hidden": "Dropout between layers only.",
    "dropout_output": "Dropout on the output only.",
    "locked_dropout": "One dropout mask for all time steps.",
    "tied": "Use the embeddings as output weights.",
    "init_range": "Start all weights uniform within ± this.",
    "bptt": "Time steps of a training window.",
    "batch_size": "Streams read side by side.",
    "eval_batch_size": "Streams of the validation after each epoch.",
    "epochs": "Passes over the training text.",
    "max_steps": "Stop after this many optimiser steps.",
    "max_time": "Stop after this many seconds of training.",
    "patience": "Stop after this many epochs without a better validation.",
    "valid_tokens": "Validate on the first N tokens only (for very large corpora).",
    "optimizer": "Optimiser.",
    "lr": "Learning rate.  [default: the optimiser's usual one]",
    "schedule": "How the rate moves: constant, step, linear, cosine, inverse-sqrt, plateau, zaremba.  "
    "[default: plateau for sgd, cosine for adam]",
    "warmup": "Steps of rising learning rate.",
    "momentum": "Momentum of the optimisers momentum and nesterov.",
    "weight_decay": "Weight decay.",
    "clip": "Largest global norm of the gradient.",
    "accumulate": "Windows whose gradients make one step.",
    "seed": "Seed of everything random.",
    "log_interval": "Steps between lines of the log.",
    "checkpoint_interval": "Seconds between checkpoints.",
}
CHOICES = {"model": MODELS, "optimizer": tuple(OPTIMIZER_DEFAULTS)}


def _setting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """One flag for each field of LanguageModelSettings; its default stands there and nowhere else."""
    for field in reversed(dataclasses.fields(LanguageModelSettings)):
        if field.name in ("corpus", "device"):
            continue
        flag = "--" + field.name.replace("_", "-")
        text, kinds = HELP[field.name], str(field.type)
        if field.default is not None:
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            text += f"  [default: {shown}]"
        if "bool" in kinds:
            option = click.option(f"{flag}/--no-{flag[2:]}", default=None, help=text)
        else:
            kind: Any = int if "int" in kinds else float if "float" in kinds else str
            kind = click.Choice(CHOICES[field.name]) if field.name in CHOICES else kind
            option = click.option(flag, type=kind, default=None, help=text)
        function = option(function)
    return function


@click.command("train-lm")
@click.argument("corpus", required=False)
@click.option(
    "--out", type=click.Path(), default=None, help="Run directory.  [default: runs/CORPUS-MODEL-TIME]"
)
@click.option("--resume", is_flag=True, help="Go on with the run at --out.")
@click.option("--config", type=click.Path(dir_okay=False), default=None, help="Settings in a TOML file.")
@click.option(
    "--recipe", default=None, metavar="NAME", help="Settings of a published result; --recipe help lists."
)
@_setting_options
@click.option("--device", default=None, metavar="NAME", help="auto, cpu, cuda or cuda:N  [default: cpu]")
@threads_option
@click.option("--dry-run", is_flag=True, help="Print the settings as TOML and what they make; train nothing.")
@quiet_option
@click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")
def command(
    corpus: str | None,
    out: str | None,
    resume: bool,
    config: str | None,
    recipe: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train a language model on CORPUS: a registered name, nltk:NAME, a text file or a folder.

    Without CORPUS the embedded one, pydocs, is used. Flags win over --config, --config over --recipe. Ctrl-C
    saves and stops; the same command with --resume goes on, with the same bits as if it had never stopped.
    """
    given: dict[str, Any] = {}
    if recipe == "help":
        click.echo("\n".join(recipe_names()))
        return
    if recipe:
        given |= read_recipe(recipe)
    if config:
        given |= read_settings(config)
    given = {name.replace("-", "_"): value for name, value in given.items()}
    given |= {name: value for name, value in flags.items() if value is not None}
    if corpus is not None:
        given["corpus"] = corpus
    settings = settings_from(given, source=config or "the settings")
    if dry_run:
        _dry_run(settings)
        return
    if out is None:
        if resume:
            raise UsageError("--resume needs to know which run", remedy="add --out RUN")
        name = Path(settings.corpus.replace(":", "-")).stem
        out = f"runs/{name}-{settings.model}-{time.strftime('%Y%m%d-%H%M%S')}"
    watcher = ProgressWatcher(quiet)
    echoed = set(given) if resume else {*given, "corpus"}  # a run that goes on has its own corpus
    if echoed:
        watcher.message(to_toml({k: v for k, v in settings.to_dict().items() if k in echoed}))
    try:
        trained = train(settings, out, resume=resume, changes=given, watcher=watcher)
    except TrainingInterrupted as stop:
        raise TrainingInterrupted(
            f"{stop.what}\n  go on:    seqkit train-lm --out {out} --resume\n"
            f"  evaluate: seqkit eval-lm {out} --split valid  (once an epoch was finished)",
            signum=stop.signum,
        ) from None
    _, published = trained.run.load_model()
    loss = (published.get("scores") or {}).get("loss")
    watcher.message(f"evaluate: seqkit eval-lm {out}\ngenerate: seqkit generate {out}")
    result = {
        "run": str(out),
        "model": repr(trained),
        "best_step": published["step"],
        "best_epoch": published["epoch"],
        "valid_loss": loss,
        "valid_perplexity": None if loss is None else math.exp(loss),
        "settings": trained.settings.to_dict(),
    }
    if as_json:
        print_json(result)
    elif loss is None:
        click.echo(f"{out}: trained; the corpus has no validation part")
    else:
        click.echo(
            f"{out}: best validation perplexity {result['valid_perplexity']:.2f} (epoch {published['epoch']})"
        )


def _dry_run(settings: LanguageModelSettings) -> None:
    from seqkit.corpora import open_corpus
    from seqkit.tasks.language_modeling.train import complete, encode
    from seqkit.tasks.language_modeling.trained import make_model

    source = open_corpus(settings.corpus)
    full = complete(settings, source)
    encoded = encode(full, source)
    click.echo(to_toml(full.to_dict()))
    parts = ", ".join(f"{name} {info.tokens:,}" for name, info in encoded.info.items())
    click.echo(f"# tokens: {parts}; types: {len(encoded.vocabulary):,}")
    if full.model != "kneser-ney":
        click.echo(f"# parameters: {make_model(full, len(encoded.vocabulary)).parameter_count():,}")
