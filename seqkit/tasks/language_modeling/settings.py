"""Every setting of a language-model training, with its default: the flags of `train-lm` are these fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seqkit.autograd import Tensor
from seqkit.errors import UsageError
from seqkit.models.transformer.embedding import POSITIONS
from seqkit.tasks.descent import DescentSettings

MODELS = ("lstm", "gru", "rnn", "transformer", "kneser-ney")
OBJECTIVES = ("causal", "masked")
"""What is predicted: the next token, or hidden ones (settings in ``tasks/masked_language_modeling``)."""


@dataclass(frozen=True)
class LanguageModelSettings(DescentSettings):
    """One field a flag. None means "as suits the corpus", the model or the optimiser, or no limit.

    For a Transformer ``hidden_size`` is the width inside the feed-forward networks.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "sgd": (20.0, "plateau"),
        "momentum": (2.0, "plateau"),
        "nesterov": (2.0, "plateau"),
        "adagrad": (0.1, "constant"),
        "rmsprop": (0.002, "cosine"),
        "adam": (0.005, "cosine"),
        "adamw": (0.005, "cosine"),
    }
    """SGD's are those of PyTorch's word language model example, the others were found on pydocs."""

    objective: str = "causal"
    corpus: str = "pydocs"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    model: str = "lstm"
    order: int = 5
    embedding_size: int = 256
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    positions: str = "learned"
    dropout: float | None = None
    dropout_input: float | None = None
    dropout_hidden: float | None = None
    dropout_output: float | None = None
    locked_dropout: bool = False
    tied: bool = True
    init_range: float | None = None
    bptt: int | None = None
    context_length: int | None = None
    batch_size: int = 32
    eval_batch_size: int = 10
    epochs: int = 8
    valid_tokens: int | None = None
    optimizer: str = "adamw"
    clip: float | None = 0.25
    log_interval: int = 200

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        self._require_choice("model", MODELS)
        self._require_choice("objective", OBJECTIVES)
        self._require_choice("positions", POSITIONS)
        super().__post_init__()
        self._require_positive(
            "order embedding_size hidden_size num_layers num_heads bptt context_length batch_size "
            "eval_batch_size min_count vocab_size valid_tokens init_range"
        )
        self._require_share("dropout dropout_input dropout_hidden dropout_output")
        if self.model == "transformer":
            recurrent = ("dropout_input", "dropout_hidden", "dropout_output", "locked_dropout", "init_range")
            for name in recurrent:
                if getattr(self, name):
                    raise UsageError(f"{name} is of recurrent models only", remedy="leave it out")
            if self.bptt is not None:
                raise UsageError("bptt is of recurrent models only", remedy="give context_length")
        elif self.context_length is not None:
            raise UsageError("context_length is of Transformers only", remedy="give bptt")

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one; Transformers take Adam's smaller steps."""
        small = self.model == "transformer" and self.optimizer in ("adam", "adamw")
        return 0.001 if small and self.lr is None else super().base_lr

    def decays(self, name: str, parameter: Tensor) -> bool:
        """In a Transformer its matrices only, as is usual (Radford et al. 2018, section 4.1)."""
        return self.model != "transformer" or parameter.data.ndim > 1

    @property
    def window_length(self) -> int:
        """Tokens in a training window: ``context_length`` of a Transformer, else ``bptt``; 35 by default."""
        return (self.context_length if self.model == "transformer" else self.bptt) or 35

    def model_choices(self) -> dict[str, Any]:
        """hidden_size, num_layers and dropout: those given, else as suits the model."""
        transformer = self.model == "transformer"
        return {
            "hidden_size": self.hidden_size or (4 * self.embedding_size if transformer else 256),
            "num_layers": self.num_layers or (4 if transformer else 1),
            "dropout": (0.2 if transformer else 0.5) if self.dropout is None else self.dropout,
        }
