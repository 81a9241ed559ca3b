"""Settings of the recurrent encoder and decoder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit import nn
from seqkit.errors import UsageError
from seqkit.nn.attention import KINDS

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
INITS = ("uniform", "normal")


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Settings of an encoder and decoder.

    cell: "lstm" or "gru". bidirectional: the encoder reads both ways, each direction with half of
    ``hidden_size``, so that its states fit the decoder. pass_cell: an LSTM's decoder starts with the
    encoder's c as well as its h. peeky: the encoder's last h joins the input and the output of the decoder at
    every step.
    attention: None, "dot", "general" or "additive"; the output layer then sees the context and the hidden
    state side by side. readout: a layer tanh(W·these) stands before the output layer (Luong's attentional
    vector); input_feeding joins it to the next step's input. shared_vocabulary: source and target have one
    embedding matrix. tied: the output matrix is that of the target's embedding. The last two imply readout
    where it is needed: ``tied`` makes it ``embedding_size`` wide, otherwise it has ``hidden_size``.

    dropout is the rate on embedded ids, between layers, and before the output layer. init: "uniform" starts
    embeddings within ±0.1, other weights within ±1/√inputs, and forget gates with a bias of 1; "normal"
    draws embeddings with deviation 0.01 and other weights with 1/√inputs, biases 0, as the textbook does.
    ``init_range`` makes every weight uniform within ± it.
    """

    source_vocab_size: int
    target_vocab_size: int
    embedding_size: int = 256
    hidden_size: int = 256
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = False
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    pass_cell: bool = True
    shared_vocabulary: bool = False
    tied: bool = False
    dropout: float = 0.0
    weight_init: str = "uniform"
    init_range: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able settings."""
        return dataclasses.asdict(self)

    def check(self) -> None:
        """Raise UsageError for settings that make no model."""
        for name, choices in (("cell", tuple(CELLS)), ("attention", (None, *KINDS)), ("weight_init", INITS)):
            if getattr(self, name) not in choices:
                named = ", ".join(map(str, choices))
                raise UsageError(f"{name} must be one of {named}, got {getattr(self, name)!r}")
        for name in ("source_vocab_size", "target_vocab_size", "embedding_size", "hidden_size", "num_layers"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.bidirectional and self.hidden_size % 2:
            raise UsageError(f"a bidirectional encoder halves hidden_size, which is odd: {self.hidden_size}")
        if self.shared_vocabulary and self.source_vocab_size != self.target_vocab_size:
            raise UsageError(
                f"a shared vocabulary has one size, got {self.source_vocab_size} and {self.target_vocab_size}"
            )
        if self.input_feeding and self.attention is None:
            raise UsageError("input feeding feeds what attention read", remedy="choose an attention")
