"""seqkit train-seq2seq."""

from __future__ import annotations

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, epoch_scores, training_command  # noqa: E402
from seqkit.tasks.seq2seq import Seq2SeqSettings, train  # noqa: E402
from seqkit.tasks.seq2seq.settings import (  # noqa: E402
    ATTENTIONS,
    MODELS,
    ON_BAD_LINE,
    WEIGHT_INITS,
)
from seqkit.tasks.seq2seq.task import make_task, open_corpus  # noqa: E402

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
    "weight_init": WEIGHT_INITS,
}


@training_command("train-seq2seq", Seq2SeqSettings, HELP, CHOICES)
def command(request: Request[Seq2SeqSettings]) -> None:
    """Train an encoder and decoder on TASK: dates, addition, book:dates, book:addition, tatoeba-eng-fra, or a
    file of pairs with a tab between; with --target a file of sources.

    Flags win over --config, --config over --recipe. Ctrl-C saves and stops; the same command with --resume
    goes on, with the same bits as if it had never stopped.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    task = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, progress = request.train(
        train, name=f"{task}-{request.settings.model}", evaluate="eval-seq2seq RUN"
    )
    progress.on_message(f"evaluate: seqkit eval-seq2seq {out}\ntranslate: seqkit translate {out} TEXT")
    epochs = epoch_scores(trained.run)
    last = epochs[-1] if epochs else {}
    result = {
        "run": out,
        "model": repr(trained),
        "epochs": epochs,
        "exact_match": last.get("valid_exact_match"),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif last:
        echo(f"{out}: exact match {last['valid_exact_match']:.2%} after epoch {last['epoch']}")
    else:
        echo(f"{out}: trained; the task has no validation part")
