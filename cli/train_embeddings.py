"""seqkit train-embeddings."""

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, training_command  # noqa: E402
from seqkit.tasks.embeddings import EmbeddingSettings, train  # noqa: E402
from seqkit.tasks.embeddings.settings import LOSSES, MODELS, OPTIMIZER_DEFAULTS, WEIGHT_INITS  # noqa: E402
from seqkit.tasks.embeddings.task import make_task, open_corpus  # noqa: E402

HELP = {
    "tokenizer": "Tokenizer: word, whitespace, char, bpe, wordpiece, unigram, jieba, sudachi, fugashi or "
    "pythainlp.  [default: that of the corpus; for Chinese, Japanese and Thai one that is installed]",
    "unicode_normalization": "Unicode normalization form of the text: nfc, nfkc or none.",
    "lowercase": "Convert the text to lower case.  [default: that of the corpus]",
    "vocab_size": "Keep at most this many types.  [default: all]",
    "min_count": "Drop words with fewer occurrences.",
    "vocabulary": "Use the words of this vocab.txt.  [default: count those of CORPUS]",
    "init": "Start from the vectors of a run of this command.  [default: random vectors]",
    "grow_vocabulary": "Add the new words of CORPUS to those of --init, if seen --min-count times.",
    "model": "Predict words from context (cbow), context from words, or factorise counts.",
    "sg": "Short for --model skip-gram.",
    "vector_size": "Size of the vectors.",
    "window": "Number of context words on each side.",
    "shrink_windows": "Draw each window's size from 1 to --window.",
    "loss": "Negative sampling, or a softmax over the whole vocabulary.",
    "negative": "Number of negative samples.",
    "ns_exponent": "Exponent of the distribution of negative samples.",
    "sample": "Threshold for subsampling frequent words; 0 for none.",
    "cbow_mean": "Average the context vectors of cbow instead of adding them.",
    "true_gradient": "Use the exact gradient of cbow: divide the update by the number of context words, "
    "which the word2vec program does not. Needs about twice the --alpha.",
    "weight_init": "Initial weights: uniform with output weights 0, or normal with deviation 0.01.",
    "optimizer": "word2vec: sentence by sentence, fast, several workers; others: shuffled mini-batches of "
    "windows across lines, on any device.",
    "alpha": "Learning rate.  [default: 0.025 for word2vec, 0.001 for adam]",
    "min_alpha": "Final learning rate of word2vec.",
    "schedule": "Learning rate schedule: constant, linear or cosine.  [default: that of the optimiser]",
    "lazy_rows": "Update only the rows of a batch; see docs/embeddings.md.",
    "batch_size": "Number of windows in a mini-batch.",
    "epochs": "Passes over the training data.",
    "workers": "Threads of word2vec; results are reproducible with 1.  [default: number of cores]",
    "sync_words": "Words that each of several processes reads until their vectors are averaged.",
    "seed": "Random seed.",
    "log_interval": "Seconds between log records of word2vec; other optimisers log ten times per epoch.",
    "checkpoint_interval": "Seconds between checkpoints.",
}
CHOICES = {
    "model": MODELS,
    "loss": LOSSES,
    "optimizer": tuple(OPTIMIZER_DEFAULTS),
    "weight_init": WEIGHT_INITS,
}


@training_command(
    "train-embeddings",
    EmbeddingSettings,
    HELP,
    CHOICES,
    "seqkit train-embeddings my-text.txt --out runs/words",
    "seqkit train-embeddings my-text.txt --sg --vector-size 200 --window 10",
    "seqkit similar house --vectors runs/words",
)
def command(request: Request[EmbeddingSettings]) -> None:
    """Train word vectors on the text of CORPUS.

    The run can be given as --vectors to other commands.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, log = request.train(
        train, name=f"{corpus}-{request.settings.model}", evaluate="eval-embeddings RUN"
    )
    best = trained.run.best
    loss = (best.get("scores") or {}).get("loss")
    log.on_message(
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
