"""seqkit train-seq2seq."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from seqkit.cli.common import print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.settings_file import to_toml  # noqa: E402
from seqkit.cli.training import Request, training_command  # noqa: E402
from seqkit.tasks.seq2seq import Seq2SeqSettings, TrainedSeq2Seq, train  # noqa: E402
from seqkit.tasks.seq2seq.settings import (  # noqa: E402
    ATTENTIONS,
    MODELS,
    ON_BAD_LINE,
    STARTS,
)

HELP = {
    "target": "File of targets, line by line with TASK.",
    "on_bad_line": "What to do with a line that is no pair.",
    "tokenizer": "word, whitespace or char.  [default: the task's own]",
    "lowercase": "Lower-case the texts.  [default: the task's own]",
    "vocab_size": "Keep at most this many types on each side.",
    "min_count": "Drop types rarer than this.  [default: the task's own]",
    "shared_vocabulary": "One vocabulary and embedding for both sides.",
    "reverse": "Read each source from its end.",
    "model": "Kind of encoder and decoder.",
    "attention": "How the decoder looks back.  [default: general; none for addition]",
    "input_feeding": "Feed what was read and said to the next step (Luong).",
    "peeky": "Show the encoder's last state to every step of the decoder.",
    "readout": "A tanh layer before the output layer.",
    "bidirectional": "The encoder reads both ways.",
    "pass_cell": "The decoder starts with the LSTM's cell too, not with h alone.",
    "embedding_size": "Size of the embeddings.  [default: 64; of a Transformer 128]",
    "hidden_size": "Size of the hidden layers.  [default: 256; in a Transformer 4 × embedding_size]",
    "num_layers": "Number of layers of each side.  [default: 1; of a Transformer 3]",
    "num_heads": "Heads of a Transformer's attention.",
    "dropout": "Dropout on embeddings, between layers and before the output.",
    "tied": "Use the target's embeddings as output weights.",
    "weight_init": "Weights start uniform, or normal as in the textbook.",
    "init_range": "Start all weights uniform within ± this.",
    "teacher_forcing": "Probability that the decoder is fed the true token and not its own.",
    "batch_size": "Pairs of a batch.",
    "bucket": "Batches of like lengths.  [default: for words; characters learn slower by it]",
    "eval_batch_size": "Pairs of a batch in validation.",
    "max_new_tokens": "Longest answer.",
    "examples": "Validation answers shown after each epoch.",
}
CHOICES = {
    "model": MODELS,
    "attention": ATTENTIONS,
    "on_bad_line": ON_BAD_LINE,
    "weight_init": STARTS,
}


@training_command("train-seq2seq", Seq2SeqSettings, HELP, CHOICES)
def command(request: Request[Seq2SeqSettings]) -> None:
    """Train an encoder and decoder on TASK: dates, addition, book:dates, book:addition, tatoeba-eng-fra, or a
    file of pairs with a tab between; with --target a file of sources.

    Flags win over --config, --config over --recipe. Ctrl-C saves and stops; the same command with --resume
    goes on, with the same bits as if it had never stopped.
    """
    if request.dry_run:
        _dry_run(request.settings)
        return
    task = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, watcher = request.train(
        train, name=f"{task}-{request.settings.model}", evaluate="eval-seq2seq RUN"
    )
    watcher.message(f"evaluate: seqkit eval-seq2seq {out}\ntranslate: seqkit translate {out} TEXT")
    epochs = _epochs(trained)
    last = epochs[-1] if epochs else {}
    result = {
        "run": out,
        "model": repr(trained),
        "epochs": epochs,
        "exact_match": last.get("exact_match"),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif last:
        click.echo(f"{out}: exact match {last['exact_match']:.2%} after epoch {last['epoch']}")
    else:
        click.echo(f"{out}: trained; the task has no validation part")


def _epochs(trained: TrainedSeq2Seq) -> list[dict[str, Any]]:
    """Epoch, loss and exact match of each validation, from the log."""
    records = [json.loads(line) for line in trained.run.log.path.read_text("utf-8").splitlines()]
    return [
        {"epoch": r["epoch"], "valid_loss": r["valid_loss"], "exact_match": r["valid_exact_match"]}
        for r in records
        if "valid_exact_match" in r
    ]


def _dry_run(settings: Seq2SeqSettings) -> None:
    from seqkit.tasks.seq2seq.trained import make_model, open_task
    from seqkit.tasks.seq2seq.training import complete, encode

    corpus = open_task(settings)
    full = complete(settings, corpus)
    encoded = encode(full, corpus)
    sizes = len(encoded.source_vocabulary), len(encoded.target_vocabulary)
    click.echo(to_toml(full.to_dict()))
    pairs = ", ".join(f"{name} {info.pairs:,}" for name, info in encoded.info.items())
    click.echo(f"# pairs: {pairs}; types: {sizes[0]:,} and {sizes[1]:,}")
    click.echo(f"# parameters: {make_model(full, *sizes).parameter_count():,}")
