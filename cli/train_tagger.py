"""seqkit train-tagger."""

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, epoch_scores, training_command  # noqa: E402
from seqkit.models.tagger import CHARACTERS, OUTPUTS  # noqa: E402
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, train  # noqa: E402
from seqkit.tasks.sequence_labeling.settings import (  # noqa: E402
    INPUT_SCHEMES,
    MODELS,
    ON_BAD_LINE,
    ON_BROKEN_TAGS,
    SCHEMES,
    TOKENIZERS,
)
from seqkit.tasks.sequence_labeling.task import make_task, open_corpus  # noqa: E402

HELP = {
    "word_column": "Column of the words: its number from 1, or its name in CoNLL-U.  [default: 1, or FORM]",
    "tag_column": "Column of the tags: its number, -1 for the last, or its name.  [default: -1, or UPOS]",
    "feature_columns": "Columns that the tagger reads beside the words, such as parts of speech: numbers "
    "from 1 or names, separated by commas.",
    "on_bad_line": "What to do with a sentence that has a malformed line.",
    "input_scheme": "Scheme of the corpus's tags; none for tags without spans.  [default: found out]",
    "scheme": "Scheme in which spans are learned.",
    "on_broken_tags": "What to do with a sentence whose tags break the scheme of the corpus.",
    "tokenizer": "How `tag` cuts a text into words.",
    "unicode_normalization": "Unicode normalization form of the words: nfc, nfkc or none.",
    "lowercase": "Look words up in lower case, but for their letters.  [default: yes; hmm and frequent no]",
    "zero_digits": "Look words up with 0 for each digit.  [default: yes; hmm and frequent no]",
    "vocab_size": "Keep at most this many words.",
    "min_count": "Drop words with fewer occurrences.",
    "max_length": "Cut sentences of more words.",
    "model": "Type of encoder; or a model of counts: hmm, a hidden Markov model of order 2, or frequent, the "
    "most frequent tag of each word.",
    "output": "crf, or softmax for each word on its own.  [default: crf for tags of spans, else softmax]",
    "characters": "How letters become a word's vector.",
    "capitalization": "Use classes of capitalisation as a feature.",
    "embedding_size": "Size of the words' vectors.  [default: 100; with --vectors theirs]",
    "character_embedding_size": "Size of the letters' vectors.",
    "character_hidden_size": "Filters of the cnn, or size of the lstm in each direction.",
    "feature_size": "Size of the vector of a value of each feature column.",
    "hidden_size": "Size of the encoder, of each direction.",
    "num_layers": "Number of layers.",
    "num_heads": "Attention heads of a Transformer.",
    "dropout": "Dropout on the words' vectors, between layers, and before the output layer.",
    "locked_dropout": "Use one dropout mask for all words of a sentence.",
    "word_dropout": "A word seen n times becomes unknown with probability a / (a + n), and a value of a "
    "feature column likewise; this is a.",
    "vectors": "Initialise the words' vectors from a vector file or a run of train-embeddings.",
    "init": "Start from a checkpoint folder (BERT, DistilBERT, RoBERTa, MiniLM), from the encoder of a run "
    "of train-lm --objective masked, or from the whole model of a run of train-tagger.",
    "grow_vocabulary": "Add the new words and letters of CORPUS to those of --init, a run of train-tagger.",
    "freeze": "Do not train the vectors from --vectors, or the encoder from --init.",
    "batch_size": "Batch size in sentences; a batch has sentences of similar length.",
    "eval_batch_size": "Batch size of the validation.",
}
CHOICES = {
    "model": MODELS,
    "output": OUTPUTS,
    "characters": CHARACTERS,
    "input_scheme": INPUT_SCHEMES,
    "scheme": SCHEMES,
    "tokenizer": TOKENIZERS,
    "on_bad_line": ON_BAD_LINE,
    "on_broken_tags": ON_BROKEN_TAGS,
}


@training_command(
    "train-tagger",
    SequenceLabelingSettings,
    HELP,
    CHOICES,
    "seqkit train-tagger my-names.conll --out runs/names",
    "seqkit train-tagger nltk:conll2000 --recipe conll2000 --feature-columns 2",
    "seqkit train-tagger my-names.conll --init bert-base-cased --epochs 3",
    'seqkit tag runs/names "Mr Smith went to Rome."',
)
def command(request: Request[SequenceLabelingSettings]) -> None:
    """Train a tagger on the words and tags of CORPUS: chunks, named entities, parts of speech.

    The weights with the best validation F1 of spans are kept, or accuracy for tags without spans.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    name = f"{Path(request.settings.corpus.replace(':', '-')).stem}-{request.settings.model}"
    out, trained, progress = request.train(train, name=name, evaluate="eval-tagger RUN", unit="words")
    progress.on_message(f"evaluate: seqkit eval-tagger {out}\ntag: seqkit tag {out} TEXT")
    best = trained.run.best
    scores = best.get("scores") or {}
    result = {
        "run": out,
        "model": repr(trained),
        "parameters": trained.model.parameter_count(),
        "best_epoch": best["epoch"],
        "valid_accuracy": scores.get("accuracy"),
        "valid_f1": scores.get("f1"),
        "epochs": epoch_scores(trained.run),
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
    elif result["valid_accuracy"] is None:
        echo(f"{out}: trained; the corpus has no validation split")
    else:
        f1 = "" if result["valid_f1"] is None else f", F1 {result['valid_f1']:.2%}"
        echo(f"{out}: validation accuracy {result['valid_accuracy']:.2%}{f1} (epoch {best['epoch']})")
