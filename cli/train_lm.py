"""seqkit train-lm."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, training_command  # noqa: E402
from seqkit.tasks.language_modeling import LanguageModelSettings, train  # noqa: E402
from seqkit.tasks.language_modeling.settings import MODELS, OBJECTIVES, POSITIONS  # noqa: E402
from seqkit.tasks.language_modeling.task import make_task, open_corpus  # noqa: E402
from seqkit.training import RunDirectory  # noqa: E402

HELP = {
    "objective": "Predict the next token, or hidden ones from both sides (with --model transformer).",
    "tokenizer": "word, whitespace, char, bpe or wordpiece.  [default: the corpus's own]",
    "lowercase": "Lower-case the text.  [default: the corpus's own]",
    "vocab_size": "Keep at most this many types.",
    "min_count": "Drop types rarer than this.  [default: the corpus's own]",
    "model": "Kind of model.",
    "order": "Order of a Kneser-Ney model: words of context plus one.",
    "embedding_size": "Size of the embeddings.",
    "hidden_size": "Size of the hidden layers.  [default: 256; in a Transformer 4 × embedding_size]",
    "num_layers": "Number of layers.  [default: 1; of a Transformer 4]",
    "num_heads": "Heads of a Transformer's attention.",
    "positions": "How a Transformer knows where a token stands.",
    "dropout": "Dropout on input, between layers and on output.  [default: 0.5; in a Transformer 0.2]",
    "dropout_input": "Dropout on the embedded input only.",
    "dropout_hidden": "Dropout between layers only.",
    "dropout_output": "Dropout on the output only.",
    "locked_dropout": "One dropout mask for all time steps.",
    "tied": "Use the embeddings as output weights.",
    "init_range": "Start all weights uniform within ± this.",
    "bptt": "Time steps of a recurrent model's training window.  [default: 35]",
    "context_length": "Tokens that a Transformer sees at once.  [default: 35]",
    "batch_size": "Streams, or a Transformer's windows, read side by side.",
    "eval_batch_size": "Streams of the validation after each epoch.",
    "valid_tokens": "Validate on the first N tokens only (for very large corpora).",
}
CHOICES = {"model": MODELS, "objective": OBJECTIVES, "positions": POSITIONS}


@training_command("train-lm", LanguageModelSettings, HELP, CHOICES)
def command(request: Request[LanguageModelSettings]) -> None:
    """Train a language model on CORPUS: a registered name, nltk:NAME, a text file or a folder.

    Without CORPUS the embedded one, pydocs, is used. Flags win over --config, --config over --recipe. Ctrl-C
    saves and stops; the same command with --resume goes on, with the same bits as if it had never stopped.
    """
    if _is_masked(request):
        from seqkit.cli.train_masked_lm import train_masked

        train_masked(request)
        return
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, progress = request.train(
        train, name=f"{corpus}-{request.settings.model}", evaluate="eval-lm RUN --split valid"
    )
    best = trained.run.best
    loss = (best.get("scores") or {}).get("loss")
    progress.on_message(f"evaluate: seqkit eval-lm {out}\ngenerate: seqkit generate {out}")
    result = {
        "run": out,
        "model": repr(trained),
        "best_step": best["step"],
        "best_epoch": best["epoch"],
        "valid_loss": loss,
        "valid_perplexity": None if loss is None else math.exp(loss),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif loss is None:
        echo(f"{out}: trained; the corpus has no validation part")
    else:
        echo(f"{out}: best validation perplexity {result['valid_perplexity']:.2f} (epoch {best['epoch']})")


def _is_masked(request: Request[LanguageModelSettings]) -> bool:
    """Whether hidden tokens are to be found: as the flags say, or the run to go on with."""
    if request.settings.objective == "masked":
        return True
    if not request.resume or request.out is None or not RunDirectory.exists(request.out):
        return False
    return bool(RunDirectory.open(request.out).config.get("task") == "masked_language_modeling")
