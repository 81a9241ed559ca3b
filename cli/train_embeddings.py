"""seqkit train-embeddings."""

from __future__ import annotations

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, training_command  # noqa: E402
from seqkit.tasks.embeddings import EmbeddingSettings, train  # noqa: E402
from seqkit.tasks.embeddings.settings import LOSSES, MODELS, OPTIMIZER_DEFAULTS, WEIGHT_INITS  # noqa: E402
from seqkit.tasks.embeddings.task import make_task, open_corpus  # noqa: E402

HELP = {
    "tokenizer": "word, whitespace or char.  [default: the corpus's own]",
    "lowercase": "Lower-case the text.  [default: the corpus's own]",
    "vocab_size": "Keep at most this many types.",
    "min_count": "Drop words rarer than this.",
    "vocabulary": "Take the words from this vocab.txt instead of counting them.",
    "init": "Continue from this run's vectors on new text, with the words of both.",
    "model": "Predict a word from its neighbours, its neighbours from it, or factorise their counts.",
    "sg": "Short for --model skip-gram.",
    "vector_size": "Dimensions of a vector.",
    "window": "Neighbours on each side.",
    "shrink_windows": "Draw each window's size from 1 to --window.",
    "loss": "Loss; softmax is over the whole vocabulary, for small ones.",
    "negative": "Words drawn for each true one.",
    "ns_exponent": "Power of the counts by which they are drawn.",
    "sample": "Threshold of subsampling frequent words; 0 for none.",
    "cbow_mean": "CBOW takes the mean of the neighbours, else their sum.",
    "true_gradient": "Divide CBOW's update by the number of neighbours, as the loss's gradient does and the "
    "word2vec program does not; wants about twice the --alpha.",
    "weight_init": "Vectors start uniform (and the output at 0), or both normal with deviation 0.01.",
    "optimizer": "word2vec: sentence by sentence, fast, several workers; any other: shuffled mini-batches of "
    "full windows across lines, on any device.",
    "alpha": "Learning rate.  [default: 0.025 for word2vec, 0.001 for adam]",
    "min_alpha": "Learning rate at the end, for word2vec.",
    "schedule": "Learning-rate schedule: constant, linear, cosine.  [default: linear for word2vec and sgd]",
    "lazy_rows": "Update only the rows of a batch; see docs/embeddings.md.",
    "batch_size": "Windows of a mini-batch.",
    "epochs": "Passes over the training text.",
    "workers": "Threads of the optimizer word2vec; with one the result depends only on the seed.  "
    "[default: one a core]",
    "seed": "Random seed.",
    "log_interval": "Seconds between lines of the log; optimisers but word2vec log ten times an epoch.",
    "checkpoint_interval": "Seconds between checkpoints.",
}
CHOICES = {
    "model": MODELS,
    "loss": LOSSES,
    "optimizer": tuple(OPTIMIZER_DEFAULTS),
    "weight_init": WEIGHT_INITS,
}


@training_command("train-embeddings", EmbeddingSettings, HELP, CHOICES)
def command(request: Request[EmbeddingSettings]) -> None:
    """Train word vectors on CORPUS: a registered name, nltk:NAME, a text file or a folder.

    Without CORPUS the embedded one, pydocs, is used. Flags win over --config, --config over --recipe. Ctrl-C
    saves and stops; the same command with --resume goes on. The run serves as --vectors of other commands.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, progress = request.train(
        train, name=f"{corpus}-{request.settings.model}", evaluate="eval-embeddings RUN"
    )
    best = trained.run.best
    loss = (best.get("scores") or {}).get("loss")
    progress.on_message(
        f"nearest:  seqkit similar WORD --vectors {out}\nevaluate: seqkit eval-embeddings {out}\n"
        f"export:   seqkit convert {out} vectors.txt"
    )
    words, size = len(trained.wv), trained.wv.vector_size
    if request.as_json:
        print_json(
            {
                "run": out,
                "words": words,
                "vector_size": size,
                "loss": loss,
                "settings": trained.settings.to_dict(),
            }
        )
    else:
        mean = "" if loss is None else f", mean loss of the last epoch {loss:.4f}"
        echo(f"{out}: {words:,} words of {size} dimensions{mean}")
