"""Settings of a language model's training: the flags of `train-lm`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

from seqkit.autograd import Tensor
from seqkit.corpora import Corpus
from seqkit.errors import UsageError
from seqkit.models.transformer.inputs import POSITIONS
from seqkit.nn.softmax import cluster_bounds
from seqkit.tasks.language_modeling.ngram_options import NGramOptions, ngram_options
from seqkit.tasks.text import ResolvedTextSettings, TextFileSettings, TextSettings, absolute_corpus

REGULARIZATION = (
    *("dropout_input", "dropout_hidden", "dropout_output", "dropout_embedding", "weight_drop"),
    *("activation_regularization", "temporal_regularization"),
)
"""The regularisation of recurrent models."""
_RECURRENT = ("bptt", "variable_bptt", *REGULARIZATION, "locked_dropout", "init_range", "forget_bias")
_TRANSFORMER = ("num_heads", "positions", "context_length")
_COUNTED = (
    "objective",
    "corpus",
    "text_column",
    "header",
    "paragraphs",
    "tokenizer",
    "lowercase",
    "unicode_normalization",
    "vocab_size",
    "min_count",
    "model",
    "order",
    "prune",
    "discount_fallback",
    "bits",
    "memory",
    "device",
)
MODELS = ("lstm", "gru", "rnn", "transformer", "kneser-ney")
LARGEST_VOCABULARY = 2**31 - 2
RECURRENT_SIZE, TRANSFORMER_SIZE = 200, 256
"""Size of the embeddings by default, and of the layers of a recurrent model."""
TOKENS, MOST_EPOCHS = 20_000_000, 20
"""Tokens that a training of an LSTM reads by default, in at most so many epochs: ten minutes on two cores."""
DROPOUT = 0.2
SMALL_TEXT_DROPOUT, SMALL_TEXT, FEWEST_WORDS = 0.35, 600_000, 1000
"""Dropout of an LSTM or GRU that reads fewer tokens :data:`MOST_EPOCHS` times, of at least so many types:
the default dropout suits characters better."""
EPOCHS = 8
"""Epochs of a Transformer, and of a training that starts from a run, by default."""
SAMPLES, SAMPLED_FROM = 1024, 4000
"""Words of the default sampled softmax, and the vocabulary above which it is the default."""
OBJECTIVES = ("causal", "masked")
"""Predict the next token, or masked tokens (settings in ``tasks/masked_language_modeling``)."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings(TextFileSettings, TextSettings):
    """Settings of a language model: the flags of ``seqkit train-lm``.

    None means the default of the corpus, the model, the optimiser or the size of the text, or no limit. The
    fields of :class:`TextSettings`, :class:`TextFileSettings` and :class:`seqkit.training.TrainingSettings`
    come on top.

    Args:
        objective: "causal"; "masked" is another task.
        corpus: A registered name, "nltk:NAME", a text file or table, or a folder of text files.
        model: lstm, gru, rnn, transformer or kneser-ney.
        order: Order of a Kneser-Ney model.
        prune: Leave out n-grams of order 1, 2, … that occur at most that many times: "0 0 1" leaves out those
            of order 3 and above that occur once; the first number is 0. None keeps all.
        discount_fallback: The discounts of a Kneser-Ney model for orders whose counts do not determine them,
            "0.5 1 1.5" as in KenLM. None replaces only those that are not determined, by these.
        bits: Bits of each logarithm of a Kneser-Ney model: 32, 64, or 2 to 16, which makes it smaller.
        memory: Memory that fitting a Kneser-Ney model may take, such as "2G"; the rest lies in temporary
            files.
        embedding_size: Size of the embeddings.
        hidden_size: Size of the recurrent layers, or of the feed-forward layers of a Transformer.
        num_layers: Number of layers.
        num_heads: Attention heads of a Transformer.
        positions: Positional encoding of a Transformer: learned, sinusoidal or rotary.
        dropout: Dropout on the input, between layers and on the output. None is :data:`DROPOUT`; for a new
            LSTM or GRU of :data:`RECURRENT_SIZE` or more it is :data:`SMALL_TEXT_DROPOUT` if it reads fewer
            than :data:`SMALL_TEXT` tokens, of at least :data:`FEWEST_WORDS` types, :data:`MOST_EPOCHS`
            times, and 0 if it reads the text once.
        dropout_input: Dropout on the input, instead of ``dropout``.
        dropout_hidden: Dropout between layers, instead of ``dropout``.
        dropout_output: Dropout on the output, instead of ``dropout``.
        locked_dropout: Use the same dropout mask at all time steps.
        dropout_embedding: Leave out whole words of the input of a recurrent model at this rate.
        weight_drop: Dropout on the recurrent weights, one mask for all time steps.
        activation_regularization: Factor of the mean square of a recurrent model's outputs, after dropout, in
            the objective (AR).
        temporal_regularization: Factor of the mean square of their change from step to step (TAR).
        tied: Tie the output weights to the embeddings.
        adaptive_softmax: Narrower vectors and a cheaper softmax for rarer words, for large vocabularies: the
            numbers of words at which the head and all clusters but the last end, such as "2000,20000", or
            "auto". None gives all words vectors of one width.
        sampled_softmax: Estimate the loss in training from this many words of a large vocabulary, on average;
            0 takes all words. Validation and evaluation are exact. The most frequent words are always among
            them, the others at random, by their ids, as if these had falling frequencies, as those of words
            have; ids of bpe and wordpiece do not. None is :data:`SAMPLES` for new recurrent models of more
            than :data:`SAMPLED_FROM` words, and 0 for others.
        init_range: Draw the initial weights of a recurrent model uniformly from ± this.
        forget_bias: Initial bias of the forget gates of an LSTM. At 1 it starts by remembering; at the high
            learning rates of some published recipes only 0, with smaller outputs at first, learns.
        bptt: Sequence length of a recurrent model.
        variable_bptt: Cut the text into sequences of other lengths around ``bptt`` in each epoch.
        context_length: Context length of a Transformer.
        batch_size: Batch size.
        eval_batch_size: Batch size of the validation.
        valid_tokens: Validate on this many tokens only, the first ones.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "sgd": (20.0, "cosine"),
        "momentum": (2.0, "cosine"),
        "nesterov": (2.0, "cosine"),
        "nt-asgd": (30.0, "constant"),
        "adagrad": (0.1, "constant"),
        "rmsprop": (0.002, "cosine"),
        "adam": (0.005, "cosine"),
        "adamw": (0.005, "cosine"),
    }
    """The learning rate of SGD is that of PyTorch's word language model example; the others were chosen on
    pydocs."""

    OF_THE_RUN = (
        *TextSettings.OF_THE_RUN,
        *("model", "embedding_size", "hidden_size", "num_layers", "num_heads", "positions", "tied"),
        "adaptive_softmax",
        "context_length",
    )
    FROM_THE_RUN = (
        *("dropout", *REGULARIZATION, "locked_dropout"),
        *("bptt", "variable_bptt"),
    )

    objective: str = "causal"
    corpus: str = "pydocs"
    model: str = "lstm"
    order: int = 5
    prune: str | None = None
    discount_fallback: str | None = None
    bits: int = 32
    memory: str = "512M"
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    positions: str = "learned"
    dropout: float | None = None
    dropout_input: float | None = None
    dropout_hidden: float | None = None
    dropout_output: float | None = None
    locked_dropout: bool = False
    dropout_embedding: float = 0.0
    weight_drop: float = 0.0
    activation_regularization: float = 0.0
    temporal_regularization: float = 0.0
    tied: bool = True
    adaptive_softmax: str | None = None
    sampled_softmax: int | None = None
    init_range: float | None = None
    forget_bias: float = 1.0
    bptt: int | None = None
    variable_bptt: bool = False
    context_length: int | None = None
    batch_size: int | None = None
    eval_batch_size: int = 10
    epochs: int | None = None
    anneal_to_max_time: bool | None = None
    valid_tokens: int | None = None
    optimizer: str | None = None
    clip: float | None = 0.25
    log_interval: int = 200

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        self._require_choice("model", MODELS)
        self._require_choice("objective", OBJECTIVES)
        self._require_choice("positions", POSITIONS)
        super()._check()
        self._require_positive(
            "order embedding_size hidden_size num_layers num_heads bptt context_length batch_size "
            "eval_batch_size min_count vocab_size valid_tokens init_range"
        )
        self._require_fraction(
            "dropout dropout_input dropout_hidden dropout_output dropout_embedding weight_drop"
        )
        self._require_at_least_zero("activation_regularization temporal_regularization sampled_softmax")
        if self.variable_bptt and self.accumulate > 1:
            raise UsageError(
                f"expected accumulate to be 1 with variable_bptt, got {self.accumulate}",
                remedy="each step has the learning rate of its one sequence",
            )
        self.ngrams()
        if self.adaptive_softmax not in (None, "auto"):
            self.cutoffs(LARGEST_VOCABULARY)
        if self.adaptive_softmax is not None and self.grow_vocabulary:
            raise UsageError("grow_vocabulary has no effect here: it is for vectors of one width")
        if self.model == "kneser-ney" and self.device not in (None, "cpu"):
            raise UsageError(f"expected device to be cpu for the model kneser-ney, got {self.device}")

    def cutoffs(self, vocab_size: int) -> tuple[int, ...]:
        """Return the ids at which the head and the clusters of the vocabulary end but the last; () for none.

        Raises:
            UsageError: They cannot be read, do not increase, or lie outside the vocabulary.
        """
        if self.adaptive_softmax is None:
            return ()
        if self.adaptive_softmax == "auto":
            # of Penn Treebank's text the head is 79 %, and 95 % with the first cluster
            head = min(max(1000, vocab_size // 50), vocab_size // 2)
            ends = (head, max(5 * head, vocab_size // 5))
            return tuple(end for end in ends if 0 < end < vocab_size) or (1,)
        try:
            given = [int(text) for text in self.adaptive_softmax.replace(",", " ").split()]
        except ValueError:
            raise UsageError(
                "expected adaptive_softmax to be numbers of words such as '2000,20000', or auto, "
                f"got {self.adaptive_softmax!r}"
            ) from None
        return tuple(cluster_bounds(vocab_size, given)[1:-1])

    def ngrams(self) -> NGramOptions:
        """Return the settings of a Kneser-Ney model as values."""
        return ngram_options(self.order, self.prune, self.discount_fallback, self.bits, self.memory)

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        if self.model == "kneser-ney":
            neural = {field.name for field in dataclasses.fields(self)} - set(_COUNTED)
            return dict.fromkeys(sorted(neural), "neural models")
        counted = ("order", "prune", "discount_fallback", "bits", "memory")
        ignored = super().ignored() | dict.fromkeys(counted, "the model kneser-ney")
        if self.adaptive_softmax is not None and self.sampled_softmax:
            ignored["sampled_softmax"] = "vectors of one width"
        if self.init is not None:
            ignored |= dict.fromkeys(("init_range", "forget_bias"), "new weights")
        if self.dropout == 0 and not (self.dropout_input or self.dropout_hidden or self.dropout_output):
            ignored["locked_dropout"] = "a dropout above 0"
        if self.objective == "masked":
            ignored |= dict.fromkeys(("adaptive_softmax", "sampled_softmax"), "causal language models")
        if self.model == "transformer" or self.objective == "masked":
            return ignored | dict.fromkeys(_RECURRENT, "recurrent models")
        ignored |= dict.fromkeys(_TRANSFORMER, "Transformers")
        if self.model != "lstm":
            ignored["forget_bias"] = "LSTMs"
        elif self.init_range is not None:
            ignored["forget_bias"] = "models without init_range"
        hidden = 0.0 if self.num_layers == 1 else self.dropout_hidden
        if None not in (self.dropout_input, hidden, self.dropout_output):
            ignored["dropout"] = "places without a rate of their own"
        if self.num_layers == 1:
            ignored["dropout_hidden"] = "models of two layers or more"
            if self.tied and self.hidden_size not in (None, self.embedding_size or RECURRENT_SIZE):
                ignored["hidden_size"] = (
                    "untied models or several layers; the layer of a tied model is as wide as its embeddings"
                )
        return ignored

    @property
    def optimizer_name(self) -> str:
        """The optimiser: ``optimizer``, or SGD for an LSTM or GRU with new weights, and AdamW for others.

        SGD teaches the vectors of rare words slowly: Penn Treebank's default model, fine-tuned on a novel for
        an epoch with its new words, had a test perplexity of 281 by SGD and 236 by AdamW. A plain RNN
        diverges at the learning rates that suit an LSTM.
        """
        gated = self.model in ("lstm", "gru") and self.objective == "causal"
        return self.optimizer or ("sgd" if gated and self.init is None else "adamw")

    @property
    def anneals(self) -> bool:
        """Whether the schedule ends with ``max_time``; by default if the optimiser is SGD.

        Steps of SGD at a high learning rate find weights that are good only after it has fallen: 6 epochs of
        Penn Treebank had a validation perplexity of 107.9, and 112.6 where 22 were cut there, both with words
        of the sampled softmax drawn with replacement. AdamW did better cut.
        """
        if self.anneal_to_max_time is None:
            return self.optimizer_name == "sgd"
        return self.anneal_to_max_time

    @property
    def base_lr(self) -> float:
        """The learning rate: ``lr``, or the default of the optimiser, which is smaller for a Transformer."""
        small = self.model == "transformer" and self.optimizer_name in ("adam", "adamw")
        return 0.001 if small and self.lr is None else super().base_lr

    @property
    def window_length(self) -> int:
        """The length of a training window: ``context_length`` or ``bptt``, by default 35."""
        return self.context_length or self.bptt or 35

    def decays(self, name: str, parameter: Tensor) -> bool:
        """Return whether weight decay applies: in a Transformer to matrices (Radford et al. 2018, 4.1)."""
        return self.model != "transformer" or parameter.data.ndim > 1

    def resolve(self, corpus: Corpus) -> ResolvedLanguageModelSettings:
        """Return the settings with the defaults of the corpus and the model filled in."""
        if self.objective != "causal":
            raise UsageError(
                f"expected objective to be causal, got {self.objective!r}",
                remedy="train a masked model with seqkit.tasks.masked_language_modeling",
            )
        transformer = self.model == "transformer"
        window = {"context_length": self.window_length} if transformer else {"bptt": self.window_length}
        embedding_size = self.embedding_size or (TRANSFORMER_SIZE if transformer else RECURRENT_SIZE)
        num_layers = self.num_layers or (4 if transformer else 2)
        hidden_size = self.hidden_size or (4 * embedding_size if transformer else RECURRENT_SIZE)
        if self.model in ("lstm", "gru", "rnn") and self.tied and num_layers == 1:
            hidden_size = embedding_size
        return self.resolve_to(
            ResolvedLanguageModelSettings,
            corpus=absolute_corpus(self.corpus),
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            batch_size=self.batch_size or (32 if transformer else 20),
            **window,
            **self.text_choices(corpus.defaults, corpus.sources.get("train")),
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedLanguageModelSettings(LanguageModelSettings, ResolvedTextSettings):
    """Language model settings with all defaults filled in, once :meth:`for_text` has seen the text."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    unicode_normalization: str
    min_count: int
    device: str
    embedding_size: int
    hidden_size: int
    num_layers: int
    batch_size: int
    optimizer: str

    def for_text(self, tokens: int, vocab_size: int, *, subwords: bool) -> Self:
        """Return the settings with the defaults filled in that depend on the training text.

        Args:
            tokens: Tokens of the training split.
            vocab_size: V, the number of types.
            subwords: Whether the tokens are those of a subword tokenizer, whose ids are in another order.
        """
        new = self.init is None
        sampled = self.adaptive_softmax is None and not subwords and vocab_size > SAMPLED_FROM
        recurrent = self.model != "transformer" and new
        enough = min(max(1, round(TOKENS / tokens)), MOST_EPOCHS)
        epochs = self.epochs or (enough if recurrent else EPOCHS)
        return dataclasses.replace(
            self,
            epochs=epochs,
            dropout=self._dropout_for(tokens, vocab_size, epochs) if self.dropout is None else self.dropout,
            sampled_softmax=SAMPLES * (sampled and recurrent)
            if self.sampled_softmax is None
            else self.sampled_softmax,
        )

    def _dropout_for(self, tokens: int, vocab_size: int, epochs: int) -> float:
        """Return the default dropout: the more, the more often a large enough model sees the same words."""
        if self.model not in ("lstm", "gru") or self.init is not None or self.hidden_size < RECURRENT_SIZE:
            return DROPOUT
        if epochs == 1 and not self.locked_dropout:  # which was given to be used
            return 0.0
        small = tokens < SMALL_TEXT and vocab_size >= FEWEST_WORDS
        return SMALL_TEXT_DROPOUT if small and epochs >= MOST_EPOCHS else DROPOUT

    def least_weights(self, vocab_size: int) -> int:
        """Return a lower bound on the weights of the model."""
        words = self.cutoffs(vocab_size)[0] if self.adaptive_softmax else vocab_size
        return words * self.embedding_size + self._least_layer_weights()

    def _least_layer_weights(self) -> int:
        if self.model == "transformer":
            return self.num_layers * self.embedding_size * self.hidden_size
        return (self.num_layers - 1 if self.tied else self.num_layers) * self.hidden_size**2

    def describe(self) -> str:
        """Return the model in one line."""
        tied = "tied" if self.tied else "untied"
        if self.model == "kneser-ney":
            return f"modified Kneser-Ney, order {self.order}"
        if self.model == "transformer":
            size = f"{self.num_layers}×{self.embedding_size} Transformer, {self.num_heads} heads"
            return f"{size}, context {self.window_length}, {tied}"
        cells = f"{self.num_layers}×{self.hidden_size} {self.model.upper()}"
        return f"{cells}, embedding {self.embedding_size}, {tied}"


__all__ = [
    "MODELS",
    "OBJECTIVES",
    "POSITIONS",
    "LanguageModelSettings",
    "ResolvedLanguageModelSettings",
]
