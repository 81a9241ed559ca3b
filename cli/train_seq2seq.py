"""seqkit train-seq2seq."""

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
    "target": "File of targets, if CORPUS is a file of sources.  [default: CORPUS has both]",
    "on_bad_line": "Stop at a malformed line, or skip it.",
    "tokenizer": "Tokenizer: word, whitespace, char, bpe, wordpiece, unigram, jieba, sudachi, fugashi, "
    "pythainlp, or a tokenizer.json.  "
    "[default: that of the corpus; for Chinese, Japanese and Thai one that is installed]",
    "target_tokenizer": "Tokenizer of the targets.  [default: the same; for those languages one of theirs]",
    "target_lowercase": "Convert the targets to lower case.  [default: the same]",
    "target_vocab_size": "Keep at most this many types of the targets.  [default: the same]",
    "unicode_normalization": "Unicode normalization form of the text: nfc, nfkc or none.  [default: nfc]",
    "lowercase": "Convert the texts to lower case.  [default: that of the corpus]",
    "vocab_size": "Number of types at most, or of subwords to learn.  [default: all types; 8000 subwords]",
    "min_count": "Drop types with fewer occurrences.  [default: that of the corpus]",
    "shared_vocabulary": "Share the vocabulary and embeddings of source and target.",
    "reverse": "Reverse the source.",
    "model": "Type of encoder and decoder.",
    "attention": "How attention scores are computed.  [default: general; none for addition]",
    "input_feeding": "Feed the attentional vector to the next step (Luong et al. 2015).",
    "peeky": "Feed the encoder's last state to every step of the decoder.",
    "readout": "Add a tanh layer before the output layer.",
    "bidirectional": "Use a bidirectional encoder.  [default: yes for words, no for char]",
    "pass_cell": "Initialise the decoder's LSTM cell from the encoder's, not only its h.",
    "embedding_size": "Size of the embeddings.  [default: words 256, char 64; transformer 256, char 128]",
    "hidden_size": "Size of the hidden layers.  [default: 256; transformer 4 × emsize]",
    "num_layers": "Number of layers in each of encoder and decoder.  [default: 1; transformer 3]",
    "num_heads": "Number of attention heads of a Transformer.",
    "dropout": "Dropout on embeddings, between layers and before the output layer.  "
    "[default: char 0; words 0.4 below 10,000 pairs, 0.2 from 100,000 on, else 0.3]",
    "tied": "Tie the output weights to the target embeddings.  [default: yes for words, no for char]",
    "weight_init": "Initial weights: standard (embeddings from N(0, 1)), uniform (embeddings within ±0.1), "
    "or normal as in the textbook.  [default: uniform for characters, else standard]",
    "init_range": "Draw all initial weights uniformly from ± this.  [default: a range for each layer]",
    "label_smoothing": "Fraction of the probability that the loss asks for on all types alike.  "
    "[default: words 0.1, char 0]",
    "teacher_forcing": "Probability of feeding the decoder the true token instead of its own.",
    "batch_size": "Batch size.  "
    "[default: char 128; words 32 below 10,000 pairs, 128 from 100,000 on, else 64]",
    "batch_tokens": "Tokens of a batch at most, padding included, instead of --batch-size.",
    "bucket": "Batch pairs of similar length.  [default: no for char, else yes]",
    "eval_batch_size": "Batch size of the validation.",
    "max_new_tokens": "Maximum length of an output in tokens.",
    "examples": "Number of validation outputs to show after each epoch.",
}
CHOICES = {
    "model": MODELS,
    "attention": ATTENTIONS,
    "on_bad_line": ON_BAD_LINE,
    "weight_init": WEIGHT_INITS,
}


@training_command(
    "train-seq2seq",
    Seq2SeqSettings,
    HELP,
    CHOICES,
    "seqkit train-seq2seq dates --recipe dates-attention --out runs/dates",
    "seqkit train-seq2seq my-pairs.tsv --model transformer --max-time 2h",
    "seqkit train-seq2seq europarl.en --target europarl.de --tokenizer bpe",
    'seqkit translate runs/dates "7 July 1998"',
)
def command(request: Request[Seq2SeqSettings]) -> None:
    """Train an encoder and decoder on the pairs of CORPUS.

    The weights with the best validation loss are kept.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, progress = request.train(
        train, name=f"{corpus}-{request.settings.model}", evaluate="eval-seq2seq RUN"
    )
    progress.on_message(f"evaluate: seqkit eval-seq2seq {out}\ntranslate: seqkit translate {out} TEXT")
    epochs = epoch_scores(trained.run)
    last = epochs[-1] if epochs else {}
    result = {
        "run": out,
        "model": repr(trained),
        "epochs": epochs,
        "exact_match": last.get("valid_exact_match"),
        "bleu": last.get("valid_bleu"),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif last:
        echo(
            f"{out}: exact match {last['valid_exact_match']:.2%}, BLEU {last['valid_bleu']:.1f} "
            f"after epoch {last['epoch']}"
        )
    else:
        echo(f"{out}: trained; the corpus has no validation split")
