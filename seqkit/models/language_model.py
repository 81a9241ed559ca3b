"""Recurrent language models: embedding, RNN/GRU/LSTM, softmax over the vocabulary.

Mikolov et al. (2010); dropout on the non-recurrent connections by Zaremba, Sutskever, Vinyals (2014); tied
input and output embeddings by Press and Wolf (2017) and Inan et al. (2017); dropout of weights and of whole
words, and the regularisation of activations, by Merity et al. (2018).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend import Array, module_of, to_device
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_choice, require_sizes
from seqkit.nn import initializers
from seqkit.nn.recurrent import State, detach

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


@dataclass(frozen=True)
class LanguageModelConfig:
    """Settings of a recurrent language model.

    Args:
        vocab_size: V.
        model: "lstm", "gru" or "rnn".
        embedding_size: E.
        hidden_size: H; with ``tied`` the last layer has E.
        num_layers: Recurrent layers.
        dropout: Rate on the embedded input, between layers and on the output.
        dropout_input: Rate on the embedded input instead.
        dropout_hidden: Rate between layers instead.
        dropout_output: Rate on the output instead.
        locked_dropout: One mask for all time steps.
        dropout_embedding: Rate of whole words that the input lacks (:class:`seqkit.nn.EmbeddingDropout`).
        weight_drop: Rate on the recurrent weights (:class:`seqkit.nn.WeightDrop`).
        activation_regularization: α of :meth:`LanguageModel.penalty`.
        temporal_regularization: β of it.
        tied: The output matrix is the embedding matrix.
        cutoffs: Ids at which the head and all clusters but the last of adaptive embeddings and an adaptive
            softmax end; none for vectors of one width.
        sampled_softmax: Words that the loss in training is estimated from (:class:`seqkit.nn.Softmax`); 0 for
            all.
        init_range: Draw every weight uniform within ± it. By default embeddings start within ±0.1, and the
            weights and biases of recurrent layers within ±1/√H.
        forget_bias: Initial bias of an LSTM's forget gates; without effect on other cells and with
            ``init_range``.
    """

    vocab_size: int
    model: str = "lstm"
    embedding_size: int = 256
    hidden_size: int = 256
    num_layers: int = 1
    dropout: float = 0.0
    dropout_input: float | None = None
    dropout_hidden: float | None = None
    dropout_output: float | None = None
    locked_dropout: bool = False
    dropout_embedding: float = 0.0
    weight_drop: float = 0.0
    activation_regularization: float = 0.0
    temporal_regularization: float = 0.0
    tied: bool = True
    cutoffs: tuple[int, ...] = ()
    sampled_softmax: int = 0
    init_range: float | None = None
    forget_bias: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)


class LanguageModel(nn.Module):
    """P(next token | tokens so far), for batches of streams with a recurrent state.

    Args:
        config: Its settings.
        generator: Source of the initial weights: a :class:`seqkit.Generator`, a seed, or None for fresh
            entropy.

    Example:
        >>> from seqkit.models import LanguageModel, LanguageModelConfig
        >>> model = LanguageModel(LanguageModelConfig(vocab_size=50), generator=0)
        >>> ids = np.arange(20).reshape(2, 10)
        >>> loss, state = model.loss(ids[:, :-1], ids[:, 1:])
        >>> loss.backward()
    """

    carries_state = True

    def __init__(self, config: LanguageModelConfig, *, generator: Generator | int | None = None) -> None:
        require_choice("model", config.model, CELLS)
        require_sizes(config, "vocab_size", "embedding_size", "hidden_size", "num_layers")
        generator = as_generator(generator)
        self.config = config
        V, E = config.vocab_size, config.embedding_size
        sizes = [config.hidden_size] * config.num_layers
        if config.tied:
            sizes[-1] = E

        def rate(own: float | None) -> nn.Dropout:
            kind = nn.LockedDropout if config.locked_dropout else nn.Dropout
            return kind(config.dropout if own is None else own)

        self.embedding: nn.Embedding | nn.AdaptiveEmbedding
        if config.cutoffs:
            self.embedding = nn.AdaptiveEmbedding(V, E, config.cutoffs, generator=generator)
        else:
            self.embedding = nn.Embedding(V, E, generator=generator)
            self.embedding.weight.data[...] = initializers.uniform((V, E), generator, 0.1)
        self.embedding_dropout = nn.EmbeddingDropout(config.dropout_embedding)
        self.input_dropout = rate(config.dropout_input)
        self.recurrent = CELLS[config.model](
            E,
            sizes,
            config.num_layers,
            dropout=rate(config.dropout_hidden).rate,
            locked=config.locked_dropout,
            weight_drop=config.weight_drop,
            generator=generator,
        )
        self.output_dropout = rate(config.dropout_output)
        self.output = self._output(sizes[-1], generator)
        if isinstance(self.recurrent, nn.LSTM):
            self.recurrent.set_forget_bias(config.forget_bias)
        if config.init_range is not None:
            for parameter in self.parameters():
                parameter.data[...] = initializers.uniform(parameter.shape, generator, config.init_range)

    def _output(self, hidden_size: int, generator: Generator) -> nn.Softmax | nn.AdaptiveSoftmax:
        V, tied, embedding = self.config.vocab_size, self.config.tied, self.embedding
        if isinstance(embedding, nn.AdaptiveEmbedding):
            table = embedding if tied else None
            return nn.AdaptiveSoftmax(hidden_size, V, self.config.cutoffs, tied=table, generator=generator)
        output = nn.Softmax(hidden_size, V, samples=self.config.sampled_softmax, generator=generator)
        if tied:
            output.weight = embedding.weight
        else:
            output.weight.data[...] = initializers.uniform((V, hidden_size), generator, 0.1)
        output.bias = nn.Parameter(initializers.zeros((V,)))
        return output

    def zero_state(self, batch: int) -> State:
        """Return the state before any text."""
        return self.recurrent.zero_state(batch, next(iter(self.parameters())).dtype)

    def _ids(self, ids: Array, lowest: int = 0) -> Array:
        return checked_ids(
            "ids", ids, (None, None), self.config.vocab_size, lowest=lowest, device=self.device
        )

    def hidden(
        self, ids: Array, state: State | None = None, mask: Array | None = None
    ) -> tuple[Tensor, State]:
        """Return the last layer's outputs (B, T, H) of ids (B, T), and the state (Tensors).

        Raises:
            UsageError: In training with dropout, for which :meth:`loss` takes a generator.
        """
        y, state = self._outputs(ids, state, mask)
        return self.output_dropout(y), state

    def _outputs(
        self,
        ids: Array,
        state: State | None = None,
        mask: Array | None = None,
        generator: Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Return the last layer's outputs before dropout, and the state."""
        ids = self._ids(ids)
        x = self.embedding_dropout(self.embedding(ids), ids, self.config.vocab_size, generator)
        mask = None if mask is None else to_device(mask, self.device)
        outputs: tuple[Tensor, State] = self.recurrent(
            self.input_dropout(x, generator), state, mask, generator
        )
        return outputs

    def forward(self, ids: Array, state: State | None = None) -> tuple[Tensor, State]:
        """Return scores (B, T, V) of ids (B, T), and the state."""
        y, state = self.hidden(ids, state)
        return self.output(y), state

    def loss(
        self, ids: Array, targets: Array, state: State | None = None, *, generator: Generator | None = None
    ) -> tuple[Tensor, State]:
        """Return the mean cross entropy in nats of targets (B, T) after ids (B, T), and the detached state.

        Targets of -1 do not count.
        """
        loss, _, state = self.loss_and_penalty(ids, targets, state, generator=generator)
        return loss, state

    def loss_and_penalty(
        self, ids: Array, targets: Array, state: State | None = None, *, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor | None, State]:
        """Return :meth:`loss`, what is added to it in training (None: nothing), and the detached state."""
        y, state = self._outputs(ids, state, generator=generator)
        dropped = self.output_dropout(y, generator)
        loss = self.output.loss(dropped, self._ids(targets, IGNORE_INDEX), generator)
        return loss, self.penalty(dropped, y), detach(state)

    def penalty(self, dropped: Tensor, outputs: Tensor) -> Tensor | None:
        """Return α·mean(m⊙h)² + β·mean(h' - h)², the regularisation of activations and of their change.

        Merity, McCann and Socher (2017); Merity et al. (2018), section 4.6, whose L2 norm is the mean of
        squares in their code.

        Args:
            dropped: m⊙h, the last layer's outputs (B, T, H) after dropout.
            outputs: h before it; h' is that of the next time step.
        """
        alpha, beta = self.config.activation_regularization, self.config.temporal_regularization
        parts = [alpha * (dropped * dropped).mean()] if alpha else []
        if beta and outputs.shape[1] > 1:
            change = outputs[:, 1:] - outputs[:, :-1]
            parts.append(beta * (change * change).mean())
        return sum(parts[1:], parts[0]) if parts else None

    def token_losses(
        self, ids: Array, targets: Array, state: State | None = None, mask: Array | None = None
    ) -> tuple[Array, State]:
        """Return -log P (B, T) float64 of each target, 0 where it is -1, and the state; without dropout."""
        with self.evaluating():
            y, state = self.hidden(ids, state, mask)
            losses = self.output.losses(y, self._ids(targets, IGNORE_INDEX))
        return losses, detach(state)

    # The decoding protocol

    def start(self, batch: int, context: None = None) -> State:
        """Return the state of ``batch`` streams before any text."""
        return self.zero_state(batch)

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        return self.config.vocab_size

    def step(self, ids: Array, state: State) -> tuple[Array, State]:
        """Feed ids (B,); return log P (B, V) of the next token, and the state."""
        return self.prefill(checked_ids("ids", ids)[:, None], state)

    def prefill(self, ids: Array, state: State) -> tuple[Array, State]:
        """Feed ids (B, T), T at least 1; return log P (B, V) of the token after them, and the state."""
        with self.evaluating():
            y, state = self.hidden(ids, state)
            log_probs = self.output.log_probs(Tensor(y.data[:, -1]))
        return log_probs, detach(state)

    def reorder(self, state: State, rows: Array) -> State:
        """Return the state of streams ``rows``, in that order; rows may repeat or be left out."""
        xp = module_of(self.device)
        rows = xp.asarray(rows)
        return [tuple(s[rows] for s in entry) for entry in state]
