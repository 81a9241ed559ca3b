"""seqkit train-classifier."""

from __future__ import annotations

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, epoch_scores, training_command  # noqa: E402
from seqkit.tasks.text_classification import TextClassificationSettings, train  # noqa: E402
from seqkit.tasks.text_classification.settings import MODELS, ON_BAD_LINE, POOLINGS  # noqa: E402
from seqkit.tasks.text_classification.task import make_task, open_corpus  # noqa: E402

HELP = {
    "label_column": "Column of the label in a tab-separated file, from 1.",
    "text_column": "Column of the text.  [default: the first other one]",
    "on_bad_line": "What to do with a line that is no example.",
    "tokenizer": "word, whitespace, char, bpe or wordpiece.  [default: the data's own]",
    "lowercase": "Lower-case the texts.  [default: the data's own]",
    "vocab_size": "Keep at most this many types.",
    "min_count": "Drop types rarer than this.  [default: the data's own]",
    "max_length": "Read no more tokens of a text than this.",
    "model": "A bag of word vectors, a recurrent network, a Transformer.  [default: lstm]",
    "pooling": "How tokens become one vector.  [default: mean; lstm and gru max; from a checkpoint "
    "folder cls]",
    "embedding_size": "Size of the embeddings.  [default: 128, or that of the vectors]",
    "hidden_size": "Size of hidden layers.  [default: 128 per direction; transformer 4 × emsize; bag none]",
    "num_layers": "Number of layers.  [default: 1]",
    "num_heads": "Heads of a Transformer's attention.  [default: 4]",
    "bidirectional": "lstm and gru read both ways.",
    "dropout": "Dropout on embeddings, between layers, and before the scores.",
    "word_dropout": "Probability of leaving out a word of a bag.",
    "vectors": "Start from the word vectors of a file, or of a run of train-embeddings.",
    "init": "Start from the encoder of a checkpoint folder (BERT, DistilBERT, RoBERTa, MiniLM), with its "
    "tokenizer, or of a run of train-lm --objective masked, with its words and the new ones of DATA.",
    "freeze": "Leave what it starts from as it is.",
    "batch_size": "Texts of a batch, of like lengths.",
    "eval_batch_size": "Texts of a batch in validation.",
}
CHOICES = {"model": MODELS, "pooling": POOLINGS, "on_bad_line": ON_BAD_LINE}


@training_command("train-classifier", TextClassificationSettings, HELP, CHOICES)
def command(request: Request[TextClassificationSettings]) -> None:
    """Train a text classifier on DATA: rt-polarity (the default), a tab-separated file of labels and texts, a
    folder with train, valid and test files of that kind, or a folder with a text file for each class, an
    example in each line.

    The model kept is the best by validation loss. Flags win over --config, --config over --recipe. Ctrl-C
    saves and stops; the same command with --resume goes on, with the same bits as if it had never stopped.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    name = f"{Path(request.settings.corpus).stem}-{request.settings.kind}"
    out, trained, progress = request.train(train, name=name, evaluate="eval-classifier RUN", unit="texts")
    progress.on_message(f"evaluate: seqkit eval-classifier {out}\nclassify: seqkit classify {out} FILE")
    epochs = epoch_scores(trained.run)
    best = trained.run.best
    result = {
        "run": out,
        "model": repr(trained),
        "parameters": trained.model.parameter_count(),
        "best_epoch": best["epoch"],
        "valid_accuracy": (best.get("scores") or {}).get("accuracy"),
        "epochs": epochs,
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif result["valid_accuracy"] is None:
        echo(f"{out}: trained; the data has no validation part")
    else:
        echo(f"{out}: validation accuracy {result['valid_accuracy']:.2%} (epoch {best['epoch']})")
