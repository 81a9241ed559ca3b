"""seqkit train-classifier."""

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, epoch_scores, training_command  # noqa: E402
from seqkit.tasks.text_classification import TextClassificationSettings, train  # noqa: E402
from seqkit.tasks.text_classification.settings import MODELS, ON_BAD_LINE, POOLINGS  # noqa: E402
from seqkit.tasks.text_classification.task import make_task, open_corpus  # noqa: E402

HELP = {
    "on_bad_line": "Stop at a malformed line, or skip it.",
    "tokenizer": "Tokenizer: word, whitespace, char, bpe, wordpiece, unigram, jieba, sudachi, fugashi or "
    "pythainlp.  [default: that of the corpus; for Chinese, Japanese and Thai one that is installed]",
    "unicode_normalization": "Unicode normalization form of the text: nfc, nfkc or none.  [default: nfc]",
    "lowercase": "Convert the texts to lower case.  [default: that of the corpus]",
    "vocab_size": "Keep at most this many types, or learn this many subwords.  [default: that of the corpus]",
    "min_count": "Drop types with fewer occurrences.  [default: that of the corpus]",
    "max_length": "Truncate texts to this many tokens.",
    "model": "Type of encoder.  [default: lstm; with --init, transformer]",
    "pooling": "Pooling of the token vectors.  [default: mean; lstm and gru max; checkpoint folder cls]",
    "embedding_size": "Size of the embeddings.  [default: 128; with --vectors, their size]",
    "hidden_size": "Size of hidden layers.  [default: 128 per direction; transformer 4 × emsize; bag none]",
    "num_layers": "Number of layers.  [default: 1]",
    "num_heads": "Number of attention heads of a Transformer.  [default: 4]",
    "bidirectional": "Use a bidirectional lstm or gru.",
    "dropout": "Dropout on embeddings, between layers, and before the output layer.",
    "word_dropout": "Probability with which a bag of words drops each word.",
    "vectors": "Initialise the embeddings from a vector file or a run of train-embeddings.",
    "init": "Start from the encoder and tokenizer of a checkpoint folder (BERT, DistilBERT, RoBERTa, MiniLM) "
    "or of a run of train-lm --objective masked, or from the whole model of a run of train-classifier.",
    "grow_vocabulary": "Add the new words of CORPUS to the vocabulary of --init.  [default: if it has "
    "whole words, without --freeze]",
    "freeze": "Do not train the weights from --vectors or --init.",
    "batch_size": "Batch size; a batch has texts of similar length.",
    "eval_batch_size": "Batch size of the validation.",
}
CHOICES = {"model": MODELS, "pooling": POOLINGS, "on_bad_line": ON_BAD_LINE}


@training_command(
    "train-classifier",
    TextClassificationSettings,
    HELP,
    CHOICES,
    "seqkit train-classifier rt-polarity --out runs/reviews",
    "seqkit train-classifier my-table.csv --text-column text --label-column stars",
    "seqkit train-classifier my-labels.tsv --init bert-base-uncased --epochs 3",
    "seqkit classify runs/reviews my-lines.txt",
)
def command(request: Request[TextClassificationSettings]) -> None:
    """Train a text classifier on the labels of CORPUS.

    The weights with the best validation loss are kept.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    name = f"{Path(request.settings.corpus).stem}-{request.settings.model_name}"
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
        echo(f"{out}: trained; the corpus has no validation split")
    else:
        echo(f"{out}: validation accuracy {result['valid_accuracy']:.2%} (epoch {best['epoch']})")
