"""Settings of the recurrent encoder and decoder."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit import nn
from seqkit.errors import UsageError, require_choice, require_sizes
from seqkit.nn.attention import KINDS

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
INITS = ("standard", "uniform", "normal")


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Settings of a recurrent encoder and decoder.

    Args:
        source_vocab_size: Ids of the source.
        target_vocab_size: Ids of the target.
        embedding_size: E.
        hidden_size: H.
        num_layers: Layers of the encoder and of the decoder each.
        cell: "lstm" or "gru".
        bidirectional: The encoder reads in both directions, each with half of H, so that its states fit the
            decoder.
        attention: None, "dot", "general" or "additive"; the output layer then sees context and hidden state
            side by side.
        input_feeding: The readout of a step joins the next step's input.
        peeky: The encoder's last h joins input and output of the decoder at every step.
        readout: A layer tanh(W·features) before the output layer (Luong's attentional vector).
        pass_cell: An LSTM's decoder starts with the encoder's c as well as its h.
        shared_vocabulary: Source and target have one embedding matrix.
        tied: The output matrix is that of the target's embedding. ``tied`` and ``input_feeding`` imply a
            readout, which has E columns if tied, else H.
        dropout: Rate on embedded ids, between layers, and before the output layer.
        weight_init: "standard" draws embeddings from N(0, 1), other weights within ±1/√inputs, and starts
            forget gates with a bias of 1; with ``tied`` embeddings have the deviation 1/√E and are multiplied
            by √E where they are read. "uniform" differs in embeddings within ±0.1, from which attention
            learns to align much later. "normal" draws embeddings with deviation 0.01 and other weights with
            1/√inputs, biases 0, as the textbook does.
        init_range: Draw every weight uniform within ± it.
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
    weight_init: str = "standard"
    init_range: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)

    def check(self) -> None:
        """Raise UsageError for settings that make no model."""
        for name, choices in (("cell", tuple(CELLS)), ("attention", (None, *KINDS)), ("weight_init", INITS)):
            require_choice(name, getattr(self, name), choices)
        sizes = ("source_vocab_size", "target_vocab_size", "embedding_size", "hidden_size", "num_layers")
        require_sizes(self, *sizes)
        if self.bidirectional and self.hidden_size % 2:
            raise UsageError(f"a bidirectional encoder halves hidden_size, which is odd: {self.hidden_size}")
        if self.shared_vocabulary and self.source_vocab_size != self.target_vocab_size:
            raise UsageError(
                "shared_vocabulary: expected equal sizes, "
                f"got {self.source_vocab_size} and {self.target_vocab_size}"
            )
        if self.input_feeding and self.attention is None:
            raise UsageError("input_feeding feeds what attention read", remedy="choose an attention")
