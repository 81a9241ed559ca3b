"""seqkit train-lm."""

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
    "objective": "Predict the next token (causal), or masked tokens from both sides (masked).",
    "tokenizer": "Tokenizer: word, whitespace, char, bpe, wordpiece, unigram, jieba, sudachi, fugashi or "
    "pythainlp.  [default: that of the corpus; for Chinese, Japanese and Thai one that is installed]",
    "unicode_normalization": "Unicode normalization form of the text: nfc, nfkc or none.  [default: nfc]",
    "lowercase": "Convert the text to lower case.  [default: that of the corpus]",
    "vocab_size": "Keep at most this many types, or learn this many subwords.  [default: that of the corpus]",
    "min_count": "Drop types with fewer occurrences.  [default: that of the corpus]",
    "model": "Type of model.",
    "order": "Length of the longest n-grams of a Kneser-Ney model.",
    "prune": "Leave out n-grams of order 1, 2, … that occur at most that many times: '0 0 1' leaves out "
    "those of order 3 and above that occur once.  [default: keep all]",
    "discount_fallback": "Discounts of a Kneser-Ney model for orders whose counts do not determine them, as "
    "in KenLM: '0.5 1 1.5'.  [default: replace only those that are not determined, by 0.5, 1 and 1.5]",
    "bits": "Bits of each logarithm of a Kneser-Ney model: 32, 64, or 2 to 16, which makes it smaller.",
    "memory": "Memory in which a Kneser-Ney fit sorts, beside the model; the rest lies in temporary files.",
    "embedding_size": "Size of the embeddings.  [default: 200; transformer 256]",
    "hidden_size": "Size of the hidden layers.  [default: 200; transformer 4 × emsize]",
    "num_layers": "Number of layers.  [default: 2; transformer 4]",
    "num_heads": "Number of attention heads of a Transformer.",
    "positions": "Positional encoding of a Transformer.",
    "dropout": "Dropout on the input, between layers and on the output.  [default: 0.2; for a new "
    "lstm or gru of size 200 or more 0.35 with 20 epochs of fewer than 600,000 words, and 0 with one epoch]",
    "dropout_input": "Dropout on the input only.  [default: --dropout]",
    "dropout_hidden": "Dropout between layers only.  [default: --dropout]",
    "dropout_output": "Dropout on the output only.  [default: --dropout]",
    "locked_dropout": "Use the same dropout mask at all time steps.",
    "dropout_embedding": "Leave out whole words of the input at this rate.",
    "weight_drop": "Dropout on the recurrent weights.",
    "activation_regularization": "Factor of the mean square of the outputs in the objective (AR).",
    "temporal_regularization": "Factor of the mean square of their change from step to step (TAR).",
    "tied": "Tie the output weights to the embeddings.",
    "adaptive_softmax": "Narrower vectors, cheaper softmax for rarer words: the numbers of words at which "
    "the head and all clusters but the last end, such as 2000,20000, or auto.  [default: one width]",
    "sampled_softmax": "Estimate the loss in training from this many words; 0 takes all; validation is "
    "exact.  [default: 1024 for new recurrent models of more than 4,000 words, else 0]",
    "init_range": "Draw all initial weights uniformly from ± this.  [default: a range for each layer]",
    "forget_bias": "Initial bias of the forget gates of an LSTM.",
    "bptt": "Sequence length of recurrent models.  [default: 35]",
    "variable_bptt": "Cut the text into sequences of other lengths around --bptt in each epoch.",
    "context_length": "Context length of a Transformer.  [default: 35]",
    "epochs": "Passes over the training data.  [default: enough to read 20 million tokens, at most 20; 8 for "
    "a Transformer and with --init]",
    "anneal_to_max_time": "Let a linear or cosine schedule end at --max-time, not at the last epoch.  "
    "[default: on with sgd]",
    "optimizer": "Optimiser that updates the weights.  [default: sgd for an LSTM or GRU, adamw for "
    "others and with --init]",
    "batch_size": "Batch size.  [default: 20; transformer 32]",
    "eval_batch_size": "Batch size of the validation.",
    "valid_tokens": "Validate on the first N tokens only.  [default: all]",
}
CHOICES = {"model": MODELS, "objective": OBJECTIVES, "positions": POSITIONS}


@training_command(
    "train-lm",
    LanguageModelSettings,
    HELP,
    CHOICES,
    "seqkit train-lm ptb --out runs/ptb",
    "seqkit train-lm my-text.txt --model transformer --epochs 3 --max-time 1h30m",
    "seqkit train-lm ptb --recipe word-lm-200 --out runs/r  # a published result",
    "seqkit train-lm --out runs/ptb --resume --epochs 20    # go on with it",
    "seqkit train-lm my-text.txt --init runs/ptb            # fine-tune it",
)
def command(request: Request[LanguageModelSettings]) -> None:
    """Train a language model on the text of CORPUS.

    The weights with the best validation loss are kept.
    """
    if is_masked(request):
        from seqkit.cli.train_masked_lm import train_masked

        train_masked(request)
        return
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    corpus = Path(request.settings.corpus.replace(":", "-")).stem
    out, trained, log = request.train(
        train, name=f"{corpus}-{request.settings.model}", evaluate="eval-lm RUN --split valid"
    )
    best = trained.run.best
    loss = (best.get("scores") or {}).get("loss")
    log.on_message(f"evaluate: seqkit eval-lm {out}\ngenerate: seqkit generate {out}")
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
        echo(f"{out}: trained; the corpus has no validation split")
    else:
        echo(f"{out}: best validation perplexity {result['valid_perplexity']:.2f} (epoch {best['epoch']})")


def is_masked(request: Request[LanguageModelSettings]) -> bool:
    """Return whether --objective, or the run to resume or to start from, is masked language modelling."""
    if request.settings.objective == "masked":
        return True
    run = request.out if request.resume else None
    if run is None and "objective" not in request.given:
        run = request.settings.init
    if run is None or not RunDirectory.exists(run):
        return False
    return bool(RunDirectory.open(run).config.get("task") == "masked_language_modeling")
