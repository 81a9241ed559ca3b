"""Every setting of a sequence-to-sequence training, with its default: the flags of `train-seq2seq`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit.errors import UsageError
from seqkit.tasks.descent import DescentSettings

MODELS = ("lstm", "gru", "transformer")
ATTENTIONS = ("none", "dot", "general", "additive")
STARTS = ("uniform", "normal")
ON_BAD_LINE = ("error", "skip")
RECURRENT = (
    "attention",
    "input_feeding",
    "peeky",
    "readout",
    "bidirectional",
    "pass_cell",
    "weight_init",
    "init_range",
    "teacher_forcing",
)
"""What a Transformer has not."""


@dataclass(frozen=True)
class Seq2SeqSettings(DescentSettings):
    """One field a flag. None means "as suits the task", the model or the optimiser, or no limit."""

    MAY_CHANGE = (*DescentSettings.MAY_CHANGE, "examples")

    corpus: str = "dates"
    target: str | None = None
    on_bad_line: str = "error"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    shared_vocabulary: bool = False
    reverse: bool = False
    model: str = "lstm"
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    bidirectional: bool = False
    pass_cell: bool = True
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    dropout: float = 0.0
    tied: bool = False
    weight_init: str = "uniform"
    init_range: float | None = None
    teacher_forcing: float = 1.0
    batch_size: int = 128
    bucket: bool | None = None
    eval_batch_size: int = 500
    max_new_tokens: int = 100
    examples: int = 5

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        super().__post_init__()
        self._require_choice("model", MODELS)
        if self.attention is not None:
            self._require_choice("attention", ATTENTIONS)
        self._require_choice("weight_init", STARTS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_positive(
            "embedding_size hidden_size num_layers num_heads batch_size eval_batch_size max_new_tokens "
            "min_count vocab_size init_range"
        )
        self._require_at_least_zero("examples")
        self._require_share("dropout")
        if not 0 <= self.teacher_forcing <= 1:
            raise UsageError(f"teacher_forcing must be from 0 to 1, got {self.teacher_forcing}")
        if self.model == "transformer":
            for field in dataclasses.fields(self):
                if field.name in RECURRENT and getattr(self, field.name) != field.default:
                    raise UsageError(f"{field.name} is of recurrent models only", remedy="leave it out")

    @property
    def attention_kind(self) -> str | None:
        """How a recurrent decoder looks back. Unless told otherwise it does, but not for sums."""
        if self.model == "transformer":
            return None
        sums = self.corpus in ("addition", "book:addition")
        kind = self.attention or ("none" if sums else "general")
        return None if kind == "none" else kind

    def model_choices(self) -> dict[str, Any]:
        """embedding_size, hidden_size and num_layers: those given, else as suits the model."""
        transformer = self.model == "transformer"
        embedding_size = self.embedding_size or (128 if transformer else 64)
        return {
            "embedding_size": embedding_size,
            "hidden_size": self.hidden_size or (4 * embedding_size if transformer else 256),
            "num_layers": self.num_layers or (3 if transformer else 1),
        }
