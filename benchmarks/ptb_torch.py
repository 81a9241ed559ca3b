"""Two published recipes of Penn Treebank in PyTorch, to train beside ours.

Each starts from the first weights of our recipe of the same name and reads the same windows of text; its
masks of dropout are its own. Validation is that of the published code: ten streams, in windows as in
training.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from benchmarks.language_model import our_model, torch_model
from seqkit.backend.random import Generator
from seqkit.data import BPTTBatches, EncodedCorpus
from seqkit.data.language_modeling import VariableBPTTBatches
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.nn import Softmax
from seqkit.threads import thread_count


class Peer(NamedTuple):
    """Functions that train a model for an epoch, counted from 0, and return its validation loss in nats."""

    train: Callable[[int], None]
    validate: Callable[[], float]


def word_lm_200(encoded: EncodedCorpus) -> Peer:
    """Return the model of PyTorch's word language model example, 2x200 tied.

    SGD with a learning rate of 20, divided by 4 after an epoch whose validation loss is not the lowest so
    far; gradients clipped at 0.25.
    """
    import torch

    settings = {"embedding_size": 200, "hidden_size": 200, "dropout": 0.2, "tied": True}
    model = torch_model(settings, our_model(settings))
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=20.0)
    batches, validation = _batches(encoded, "train", 20, 35), _batches(encoded, "valid", 10, 35)
    best = float("inf")

    def train(epoch: int) -> None:
        model.train()
        state = None
        for ids, targets in _windows(batches, epoch):
            optimizer.zero_grad()
            scores, state = model(ids, state)
            state = _detached(state)
            torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 0.25)
            optimizer.step()

    def validate() -> float:
        nonlocal best
        loss = _mean_loss(model, validation)
        if loss >= best:
            optimizer.param_groups[0]["lr"] /= 4
        best = min(best, loss)
        return loss

    return Peer(train, validate)


def awd_lstm(encoded: EncodedCorpus) -> Peer:
    """Return AWD-LSTM (Merity et al. 2018) with the settings of the recipe, before averaging begins.

    SGD with a learning rate of 30, times the length of a window over 70; weight decay 1.2e-6; gradients
    clipped at 0.25.
    """
    import torch

    config = LanguageModelConfig(len(encoded.vocabulary), "lstm", 400, 1150, 3, forget_bias=0.0)
    ours = LanguageModel(config, generator=Generator(0, "init"))
    model = _awd_lstm_model(ours)
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=30.0, weight_decay=1.2e-6)
    eos = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
    batches = VariableBPTTBatches(encoded.splits["train"], batch_size=20, bptt=70, start_id=eos)
    validation = _batches(encoded, "valid", 10, 70)
    _require_equal_losses(ours, model, validation)

    def train(epoch: int) -> None:
        model.train()
        state = None
        for ids, targets in _windows(batches, epoch):
            optimizer.param_groups[0]["lr"] = 30.0 * len(ids) / 70
            optimizer.zero_grad()
            y, dropped, state = model.outputs(ids, state)
            state = _detached(state)
            scores = model.scores(dropped)
            loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
            penalty = 2 * (dropped**2).mean() + ((y[1:] - y[:-1]) ** 2).mean()
            (loss + penalty).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 0.25)
            optimizer.step()

    return Peer(train, lambda: _mean_loss(model, validation))


def _awd_lstm_model(ours: LanguageModel) -> Any:
    """Return the model in PyTorch with the weights of ours, time-major."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            assert isinstance(ours.output, Softmax)
            assert ours.output.bias is not None
            self.embedding = parameter(ours.output.weight.data)
            self.bias = parameter(ours.output.bias.data)
            self.layers = torch.nn.ModuleList()
            for layer in ours.recurrent.layers:
                values = (layer.weight_ih.data, layer.weight_hh.data, layer.bias.data)
                self.layers.append(torch.nn.ParameterList([parameter(value) for value in values]))

        def locked(self, x: Any, rate: float) -> Any:
            """One mask for all time steps of x (T, B, E)."""
            if not self.training:
                return x
            return x * x.new_empty(1, *x.shape[1:]).bernoulli_(1 - rate) / (1 - rate)

        def outputs(self, ids: Any, state: Any) -> tuple[Any, Any, Any]:
            """Return the last layer's outputs, the same after dropout, and the state."""
            table = self.embedding
            if self.training:
                table = table * table.new_empty(len(table), 1).bernoulli_(0.9) / 0.9
            x = self.locked(torch.nn.functional.embedding(ids, table), 0.4)
            last = []
            for depth, (input_weight, weight, bias) in enumerate(self.layers):
                if depth:
                    x = self.locked(x, 0.25)
                kept = torch.nn.functional.dropout(weight, 0.5, self.training)
                zeros = x.new_zeros(1, x.shape[1], weight.shape[1])
                before = (zeros, zeros) if state is None else state[depth]
                weights = [input_weight, kept, bias, torch.zeros_like(bias)]
                x, *after = torch.lstm(x, before, weights, True, 1, 0.0, self.training, False, False)
                last.append(tuple(after))
            return x, self.locked(x, 0.4), last

        def scores(self, y: Any) -> Any:
            return torch.nn.functional.linear(y, self.embedding, self.bias)

        def forward(self, ids: Any, state: Any) -> tuple[Any, Any]:
            _, dropped, state = self.outputs(ids, state)
            return self.scores(dropped), state

    def parameter(value: np.ndarray) -> Any:
        return torch.nn.Parameter(torch.from_numpy(value.copy()))

    torch.set_num_threads(thread_count())
    return Model()


def _require_equal_losses(ours: LanguageModel, model: Any, batches: BPTTBatches) -> None:
    """Require the same losses of both models in the first window, to 1e-5 nats, without dropout."""
    import torch

    ids, targets = next(_windows(batches))
    model.eval()
    with torch.no_grad():
        scores, _ = model(ids, None)
        losses = torch.nn.functional.cross_entropy(scores.movedim(2, 1), targets, reduction="none")
    expected, _ = ours.token_losses(ids.numpy().T, targets.numpy().T)
    np.testing.assert_allclose(losses.numpy().T, expected, rtol=0, atol=1e-5)


PEERS: dict[str, Callable[[EncodedCorpus], Peer]] = {"word-lm-200": word_lm_200, "awd-lstm": awd_lstm}


def _batches(encoded: EncodedCorpus, split: str, size: int, bptt: int) -> BPTTBatches:
    eos = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
    return BPTTBatches(encoded.splits[split], batch_size=size, bptt=bptt, start_id=eos)


def _windows(batches: BPTTBatches, epoch: int = 0) -> Iterator[tuple[Any, Any]]:
    """Give inputs and targets (T, B) of the windows of an epoch."""
    import torch

    for index in range(len(batches)):
        if isinstance(batches, VariableBPTTBatches):
            window = batches.batch_of(epoch, index)
        else:
            window = batches.batch(index)
        ids, targets = (torch.from_numpy(each.T.astype(np.int64).copy()) for each in window)
        yield ids, targets


def _detached(state: Any) -> Any:
    """Return the tensors of a state without their history."""
    if isinstance(state, tuple | list):
        return tuple(_detached(each) for each in state)
    return state.detach()


def _mean_loss(model: Any, batches: BPTTBatches) -> float:
    """Return the mean cross entropy of a split in nats a token, without dropout."""
    import torch

    model.eval()
    state, total, count = None, 0.0, 0
    with torch.no_grad():
        for ids, targets in _windows(batches):
            scores, state = model(ids, state)
            loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
            total, count = total + loss.item() * targets.numel(), count + targets.numel()
    return total / count
