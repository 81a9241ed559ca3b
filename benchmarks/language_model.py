"""A training step of an LSTM language model: loss, backward, clipping, SGD. The peer is PyTorch, eager.

First both models get the same weights and must give the same loss to 1e-5 without dropout; then steps are
timed in turn on the same batches. The floor is the time of the matrix products of the step alone, with the
same BLAS.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import paired, peak_memory, row
from seqkit.backend.random import Generator
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.nn import Embedding, Softmax
from seqkit.optim import SGD, clip_grad_norm
from seqkit.threads import thread_count

V, B, T, LAYERS = 10_000, 20, 35, 2
CASES = [
    ("2x200, untied", {"embedding_size": 200, "hidden_size": 200, "dropout": 0.0, "tied": False}),
    ("2x200, tied, dropout 0.2", {"embedding_size": 200, "hidden_size": 200, "dropout": 0.2, "tied": True}),
    ("2x650, tied, dropout 0.5", {"embedding_size": 650, "hidden_size": 650, "dropout": 0.5, "tied": True}),
]
LR, CLIP = 1.0, 0.25


def batches(count: int = 8) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return random windows with Zipfian word frequencies, the same for both sides."""
    random = np.random.default_rng(0)
    weights = 1 / np.arange(1, V + 1)
    ids = random.choice(V, size=(count, B, T + 1), p=weights / weights.sum()).astype(np.int32)
    return [(window[:, :-1].copy(), window[:, 1:].copy()) for window in ids]


def our_model(settings: dict[str, Any]) -> LanguageModel:
    """Return a model of two LSTM layers from seed 0."""
    return LanguageModel(
        LanguageModelConfig(V, num_layers=LAYERS, **settings), generator=Generator(0, "init")
    )


def our_step(model: LanguageModel) -> Callable[[], float]:
    """Return a function that takes one training step on the next batch and returns its loss."""
    optimizer = SGD(list(model.named_parameters()), lr=LR)
    parameters = list(model.parameters())
    generator = Generator(0, "dropout")
    state = model.zero_state(B)
    windows, turn = batches(), 0
    model.train()

    def step() -> float:
        nonlocal state, turn
        ids, targets = windows[turn % len(windows)]
        turn += 1
        optimizer.zero_grad()
        loss, state = model.loss(ids, targets, state, generator=generator)
        loss.backward()
        clip_grad_norm(parameters, CLIP)
        optimizer.step()
        return loss.item()

    return step


def torch_model(settings: dict[str, Any], ours: LanguageModel) -> Any:
    """Return PyTorch's model with the weights of ours."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            E, H, p = settings["embedding_size"], settings["hidden_size"], settings["dropout"]
            self.embedding = torch.nn.Embedding(V, E)
            self.lstm = torch.nn.LSTM(E, H, LAYERS, dropout=p)
            self.output = torch.nn.Linear(H, V)
            self.dropout = torch.nn.Dropout(p)
            if settings["tied"]:
                self.output.weight = self.embedding.weight

        def forward(self, ids: Any, state: Any) -> Any:
            y, state = self.lstm(self.dropout(self.embedding(ids)), state)
            return self.output(self.dropout(y)), state

    torch.set_num_threads(thread_count())
    model = Model()
    assert isinstance(ours.embedding, Embedding)
    assert isinstance(ours.output, Softmax)
    assert ours.output.bias is not None
    with torch.no_grad():
        model.embedding.weight.copy_(torch.from_numpy(ours.embedding.weight.data.copy()))
        model.output.weight.copy_(torch.from_numpy(ours.output.weight.data.copy()))
        model.output.bias.copy_(torch.from_numpy(ours.output.bias.data.copy()))
        for depth, layer in enumerate(ours.recurrent.layers):
            getattr(model.lstm, f"weight_ih_l{depth}").copy_(torch.from_numpy(layer.weight_ih.data.copy()))
            getattr(model.lstm, f"weight_hh_l{depth}").copy_(torch.from_numpy(layer.weight_hh.data.copy()))
            getattr(model.lstm, f"bias_ih_l{depth}").copy_(torch.from_numpy(layer.bias.data.copy()))
            getattr(model.lstm, f"bias_hh_l{depth}").zero_()
    return model


def torch_step(model: Any, settings: dict[str, Any]) -> Callable[[], float]:
    """Return the same step in PyTorch, time-major as in its own example."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    H = settings["hidden_size"]
    state = (torch.zeros(LAYERS, B, H), torch.zeros(LAYERS, B, H))
    windows = [
        (
            torch.from_numpy(i.T.astype(np.int64)).contiguous(),
            torch.from_numpy(t.T.astype(np.int64)).reshape(-1),
        )
        for i, t in batches()
    ]
    turn = 0
    model.train()

    def step() -> float:
        nonlocal state, turn
        ids, targets = windows[turn % len(windows)]
        turn += 1
        optimizer.zero_grad()
        scores, new = model(ids, state)
        state = tuple(tensor.detach() for tensor in new)
        loss = torch.nn.functional.cross_entropy(scores.reshape(-1, V), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return float(loss.item())

    return step


def floor_step(settings: dict[str, Any]) -> Callable[[], None]:
    """Return a function with only the matrix products of a step, forward and backward."""
    E, H, N = settings["embedding_size"], settings["hidden_size"], B * T
    random = np.random.default_rng(0)

    def array(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    products: list[tuple[np.ndarray, np.ndarray]] = []
    for depth in range(LAYERS):
        x, W, dz = array(N, E if depth == 0 else H), array(4 * H, E if depth == 0 else H), array(N, 4 * H)
        h, Wh, d = array(B, H), array(4 * H, H), array(B, 4 * H)
        Wh_T = np.ascontiguousarray(Wh.T)
        products += [(x, W.T), *[(h, Wh_T)] * T, *[(d, Wh)] * T]
        products += [(dz, W), (dz.T, x), (dz.T, array(N, H))]
    y, W, d = array(N, H), array(V, H), array(N, V)
    products += [(y, W.T), (d, W), (d.T, y)]
    outputs: dict[tuple[int, int], np.ndarray] = {}
    for a, b in products:
        shape = (a.shape[0], b.shape[1])
        outputs.setdefault(shape, np.empty(shape, np.float32))

    def step() -> None:
        for a, b in products:
            np.matmul(a, b, out=outputs[a.shape[0], b.shape[1]])

    return step


def same_loss(settings: dict[str, Any]) -> float:
    """Return the relative difference of both losses on equal weights without dropout.

    Raises:
        AssertionError: They differ by more than 1e-5.
    """
    import torch

    ours = our_model(settings)
    theirs = torch_model(settings, ours).eval()
    ids, targets = batches(1)[0]
    our_loss = ours.eval().loss(ids, targets, ours.zero_state(B))[0].item()
    H = settings["hidden_size"]
    zero = torch.zeros(LAYERS, B, H)
    with torch.no_grad():
        scores, _ = theirs(torch.from_numpy(ids.T.astype(np.int64)), (zero, zero))
        flat = torch.from_numpy(targets.T.astype(np.int64).copy()).reshape(-1)
        torch_loss = float(torch.nn.functional.cross_entropy(scores.reshape(-1, V), flat))
    difference = abs(our_loss - torch_loss) / torch_loss
    if not (math.isfinite(our_loss) and difference < 1e-5):
        raise AssertionError(f"the losses differ: ours {our_loss!r}, PyTorch {torch_loss!r}")
    return difference


_MEMORY = """
from benchmarks import language_model as m
settings = {settings!r}
ours = m.our_model(settings)
step = {step}
for _ in range(5): step()
"""


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return, for each case, the step time, the floor and the peak memory."""
    import torch

    rows = []
    for name, settings in CASES:
        difference = same_loss(settings)
        ours = our_model(settings)
        times = paired(
            {
                "ours": our_step(ours),
                "peer": torch_step(torch_model(settings, our_model(settings)), settings),
                "floor": floor_step(settings),
            },
            runs,
        )
        result = row(f"LSTM LM step, {name}", times["ours"], times["peer"])
        result["loss_difference"] = difference
        rows.append(result)
        rows.append(
            row(f"  {name} vs its matrix products alone", times["ours"], times["floor"], against="floor")
        )
        our_memory = peak_memory(_MEMORY.format(settings=settings, step="m.our_step(ours)"))
        torch_memory = peak_memory(
            _MEMORY.format(settings=settings, step="m.torch_step(m.torch_model(settings, ours), settings)")
        )
        rows.append(
            {
                "name": f"  peak memory of {name}, 5 steps, whole process",
                "ours": round(our_memory, 1),
                "peer": round(torch_memory, 1),
                "unit": "MiB",
                "ratio": round(torch_memory / our_memory, 3),
                "runs": 1,
            }
        )
    return rows, {"torch": torch.__version__}
