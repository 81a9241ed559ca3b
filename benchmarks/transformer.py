"""A training step of a Transformer language model, and encoding by a BERT-like encoder; the peer is PyTorch.

First both sides get the same weights and must give the same loss and gradients, or the same hidden states,
without dropout; then they are timed in turn on the same inputs. The floor is the time of the matrix products
alone, with the same BLAS. PyTorch's language model is built of torch.nn.TransformerEncoder. Its encoder has
two forms: of primitives, as model libraries write BERT (linear, scaled_dot_product_attention, gelu,
layer_norm), and torch.nn.TransformerEncoder, whose fused inference path also skips padding.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.language_model import batches
from benchmarks.measure import paired, row
from seqkit.autograd import no_grad, to_dense
from seqkit.backend.random import Generator
from seqkit.models import (
    TransformerEncoder,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
)
from seqkit.optim import SGD, clip_grad_norm
from seqkit.threads import thread_count

V, B, T, LAYERS, DROPOUT = 10_000, 20, 35, 2, 0.2
LANGUAGE_MODELS = [(200, 4, 800), (640, 10, 2560)]
"""Embedding size, heads and feed-forward size."""
LR, CLIP = 0.1, 0.25

ENCODER_LAYERS, E, HEADS, WIDTH, TOKENS = 6, 384, 12, 1536, 30_522
ENCODED = [(32, 26), (32, 128)]
"""Sentences and tokens of the batches."""


def our_language_model(size: tuple[int, int, int], dropout: float = DROPOUT) -> TransformerLanguageModel:
    """Return two pre-norm layers with tied weights from seed 0, and dropout where PyTorch's layer has it."""
    config = TransformerLanguageModelConfig(
        V,
        embedding_size=size[0],
        num_heads=size[1],
        hidden_size=size[2],
        num_layers=LAYERS,
        max_length=T,
        activation="gelu",
        dropout=dropout,
        hidden_dropout=dropout,
    )
    return TransformerLanguageModel(config, generator=Generator(0, "init"))


def our_step(model: TransformerLanguageModel) -> Callable[[], float]:
    """Return a function that takes one training step on the next batch and returns its loss."""
    optimizer, parameters = SGD(list(model.named_parameters()), lr=LR), list(model.parameters())
    generator, windows, turn = Generator(0, "dropout"), batches(), 0

    def step() -> float:
        nonlocal turn
        ids, targets = windows[turn % len(windows)]
        turn += 1
        optimizer.zero_grad()
        loss, _ = model.loss(ids, targets, generator=generator)
        loss.backward()
        clip_grad_norm(parameters, CLIP)
        optimizer.step()
        return loss.item()

    return step


def _copy_weights(peer: Any, ours: dict[str, Any], names: dict[str, str]) -> Any:
    """Copy our weights to the peer and return it."""
    import torch

    theirs = dict(peer.named_parameters())
    with torch.no_grad():
        for name, parameter in ours.items():
            theirs[names[name]].copy_(torch.from_numpy(parameter.data.copy()))
    return peer


def _layer_names(layers: int, ours: str, theirs: str) -> dict[str, str]:
    """Return the names in torch.nn.TransformerEncoder of our layers' parameters."""
    names = {
        "attention.qkv.weight": "self_attn.in_proj_weight",
        "attention.qkv.bias": "self_attn.in_proj_bias",
        "attention.output.weight": "self_attn.out_proj.weight",
        "attention.output.bias": "self_attn.out_proj.bias",
        "attention_norm.weight": "norm1.weight",
        "attention_norm.bias": "norm1.bias",
        "feed_forward.up.weight": "linear1.weight",
        "feed_forward.up.bias": "linear1.bias",
        "feed_forward.down.weight": "linear2.weight",
        "feed_forward.down.bias": "linear2.bias",
        "feed_forward_norm.weight": "norm2.weight",
        "feed_forward_norm.bias": "norm2.bias",
    }
    return {
        f"{ours}.layers.{i}.{name}": f"{theirs}.layers.{i}.{torch_name}"
        for i in range(layers)
        for name, torch_name in names.items()
    }


def torch_language_model(ours: TransformerLanguageModel) -> tuple[Any, dict[str, str]]:
    """Return PyTorch's model with the weights of ours, and its name of each of our parameters."""
    import torch

    config = ours.config
    types, size, length = config.vocab_size, config.embedding_size, config.max_length
    dropout, layers = config.dropout, config.num_layers

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = torch.nn.Embedding(types, size), torch.nn.Embedding(length, size)
            layer = torch.nn.TransformerEncoderLayer(
                size,
                config.num_heads,
                config.hidden_size or 4 * size,
                dropout,
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            norm = torch.nn.LayerNorm(size)
            self.stack = torch.nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)
            self.output = torch.nn.Linear(size, types, bias=False)
            self.output.weight = self.tokens.weight
            self.dropout = torch.nn.Dropout(dropout)
            future = torch.nn.Transformer.generate_square_subsequent_mask(length)
            self.register_buffer("future", future, persistent=False)

        def forward(self, ids: Any) -> Any:
            x = self.dropout(self.tokens(ids) + self.positions.weight)
            return self.output(self.stack(x, mask=self.future, is_causal=True))

    torch.set_num_threads(thread_count())
    names = {
        "embedding.tokens.weight": "tokens.weight",
        "embedding.positions.weight": "positions.weight",
        "stack.final_norm.weight": "stack.norm.weight",
        "stack.final_norm.bias": "stack.norm.bias",
        **_layer_names(layers, "stack", "stack"),
    }
    return _copy_weights(Model(), dict(ours.named_parameters()), names), names


def torch_step(model: Any) -> Callable[[], float]:
    """Return the same step in PyTorch."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    windows = [
        (torch.from_numpy(i.astype(np.int64)), torch.from_numpy(t.astype(np.int64)).reshape(-1))
        for i, t in batches()
    ]
    turn = 0
    model.train()

    def step() -> float:
        nonlocal turn
        ids, targets = windows[turn % len(windows)]
        turn += 1
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids).reshape(-1, V), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return float(loss.item())

    return step


def same_step(size: tuple[int, int, int]) -> tuple[float, float]:
    """Return the relative differences of loss and gradients on equal weights without dropout.

    Raises:
        AssertionError: One is above 1e-5.
    """
    import torch

    ours = our_language_model(size, 0.0)
    theirs, names = torch_language_model(ours)
    ids, targets = batches(1)[0]
    loss, _ = ours.loss(ids, targets)
    loss.backward()
    scores = theirs.train()(torch.from_numpy(ids.astype(np.int64)))
    flat = torch.from_numpy(targets.astype(np.int64)).reshape(-1)
    other = torch.nn.functional.cross_entropy(scores.reshape(-1, V), flat)
    other.backward()
    peers = dict(theirs.named_parameters())
    loss_difference = abs(loss.item() - other.item()) / other.item()
    largest = 0.0
    for name, parameter in ours.named_parameters():
        gradient = peers[names[name]].grad.numpy()
        difference = np.linalg.norm(to_dense(parameter.grad) - gradient) / np.linalg.norm(gradient)
        largest = max(largest, float(difference))
    assert loss_difference < 1e-5, f"losses differ by {loss_difference}"
    assert largest < 1e-5, f"gradients differ by {largest}"
    return loss_difference, largest


def _array(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _run_all(products: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], None]:
    outputs: dict[tuple[int, ...], np.ndarray] = {}
    for a, b in products:
        shape = (*a.shape[:-1], b.shape[-1])
        outputs.setdefault(shape, np.empty(shape, np.float32))

    def step() -> None:
        for a, b in products:
            np.matmul(a, b, out=outputs[*a.shape[:-1], b.shape[-1]])

    return step


def _layer_products(
    rows: int, sentences: tuple[int, int], sizes: tuple[int, int, int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the matrix products of one layer's forward pass."""
    (B, T), (E, N, H) = sentences, sizes
    q, k, p = _array(B, N, T, E // N), _array(B, N, T, E // N), _array(B, N, T, T)
    weights = [_array(3 * E, E), _array(E, E), _array(H, E), _array(E, H)]
    return [*((_array(rows, W.shape[1]), W.T) for W in weights), (q, k.swapaxes(2, 3)), (p, k)]


def training_floor(size: tuple[int, int, int]) -> Callable[[], None]:
    """Return a function with only the matrix products of a step, forward and backward."""
    forward = _layer_products(B * T, (B, T), size) * LAYERS
    forward.append((_array(B * T, size[0]), _array(V, size[0]).T))
    products = list(forward)
    for a, b in forward:
        d = _array(*a.shape[:-1], b.shape[-1])
        products += [
            (d, b.swapaxes(-1, -2)),
            (d.swapaxes(-1, -2), a),
        ]  # the gradient of b in its memory layout
    return _run_all(products)


# Encoding


def our_encoder() -> TransformerEncoder:
    """Return an encoder like BERT from seed 0, with biases and norms changed so that each has an effect."""
    config = TransformerEncoderConfig(
        TOKENS, embedding_size=E, num_heads=HEADS, hidden_size=WIDTH, num_layers=ENCODER_LAYERS, token_types=2
    )
    model = TransformerEncoder(config, generator=Generator(0, "init")).eval()
    for name, parameter in model.named_parameters():
        if parameter.data.ndim == 1:
            parameter.data[...] = 0.1 * _array(*parameter.shape) + name.endswith("norm.weight")
    return model


def torch_encoders(ours: TransformerEncoder) -> dict[str, Callable[[Any, Any], Any]]:
    """Return PyTorch's two encoders with our weights: functions of (ids, lengths or None)."""
    import torch

    functional, arrays = torch.nn.functional, ours.state_dict()
    torch.set_num_threads(thread_count())
    weights = {name: torch.from_numpy(x.copy()) for name, x in arrays.items()}
    layer = torch.nn.TransformerEncoderLayer(
        E, HEADS, WIDTH, 0.0, "gelu", layer_norm_eps=ours.config.epsilon, batch_first=True
    )
    stack = torch.nn.TransformerEncoder(layer, ENCODER_LAYERS, enable_nested_tensor=True).eval()
    own = {f"stack.{name}": p for name, p in ours.stack.named_parameters()}
    names = {
        name: torch_name.removeprefix("stack.")
        for name, torch_name in _layer_names(ENCODER_LAYERS, "stack", "stack").items()
    }
    _copy_weights(stack, own, names)

    def norm(x: Any, name: str) -> Any:
        gamma, beta = weights[name + ".weight"], weights[name + ".bias"]
        return functional.layer_norm(x, (E,), gamma, beta, ours.config.epsilon)

    def linear(x: Any, name: str) -> Any:
        return functional.linear(x, weights[name + ".weight"], weights[name + ".bias"])

    def embedded(ids: Any) -> Any:
        x = weights["embedding.tokens.weight"][ids] + weights["embedding.positions.weight"][: ids.shape[1]]
        return norm(x + weights["embedding.types.weight"][torch.zeros_like(ids)], "embedding.norm")

    def padding(ids: Any, lengths: Any) -> Any:
        return None if lengths is None else torch.arange(ids.shape[1]) >= lengths[:, None]

    def primitives(ids: Any, lengths: Any) -> Any:
        with torch.inference_mode():
            (B, T), x, pad = ids.shape, embedded(ids), padding(ids, lengths)
            mask = None if pad is None else ~pad[:, None, None]
            for i in range(ENCODER_LAYERS):
                name = f"stack.layers.{i}."
                qkv = linear(x, name + "attention.qkv").view(B, T, 3, HEADS, E // HEADS)
                q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
                y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
                y = linear(y.transpose(1, 2).reshape(B, T, E), name + "attention.output")
                x = norm(x + y, name + "attention_norm")
                y = linear(functional.gelu(linear(x, name + "feed_forward.up")), name + "feed_forward.down")
                x = norm(x + y, name + "feed_forward_norm")
            return x

    def fused(ids: Any, lengths: Any) -> Any:
        with torch.inference_mode():
            return stack(embedded(ids), src_key_padding_mask=padding(ids, lengths))

    return {"torch, primitives": primitives, "torch.nn.TransformerEncoder": fused}


def sentences(B: int, T: int, padded: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return random ids and, if padded, lengths from 1 to T in equal steps, so that half is padding."""
    ids = np.random.default_rng(0).integers(0, TOKENS, (B, T))
    lengths = np.linspace(1, T, B).round().astype(np.int64)
    return ids, np.random.default_rng(1).permutation(lengths) if padded else None


def run_encoder(runs: int) -> list[dict[str, Any]]:
    """Return the times of encoding by ours, by PyTorch's two encoders, and of the floor."""
    import torch

    rows, ours = [], our_encoder()
    peers = torch_encoders(ours)
    for B, T in ENCODED:
        for padded in (False, True):
            ids, lengths = sentences(B, T, padded)
            theirs = torch.from_numpy(ids), None if lengths is None else torch.from_numpy(lengths)
            real = np.arange(T) < (np.full(B, T) if lengths is None else lengths)[:, None]

            def encode(ids: Any = ids, lengths: Any = lengths) -> Any:
                with no_grad():
                    return ours(ids, lengths)

            difference = max(
                float(np.abs(encode().data - peer(*theirs).numpy())[real].max()) for peer in peers.values()
            )
            assert difference < 1e-4, f"hidden states differ by {difference}"
            functions: dict[str, Callable[[], Any]] = {"ours": encode}
            functions |= {name: partial(peer, *theirs) for name, peer in peers.items()}
            # for a padded batch, the products of the real tokens at their mean length
            mean = T if lengths is None else round(float(lengths.mean()))
            floor = _layer_products(int(real.sum()), (B, mean), (E, HEADS, WIDTH)) * ENCODER_LAYERS
            times = paired(functions | {"floor": _run_all(floor)}, runs)
            label = f"encoding {B}×{T}" + (", half padded" if padded else "")
            for name in peers:
                result = row(f"{label} vs {name}", times["ours"], times[name], against=name)
                result["difference"] = difference
                rows.append(result)
            rows.append(
                row(
                    f"  {label} vs its matrix products alone",
                    times["ours"],
                    times["floor"],
                    against="floor",
                )
            )
    return rows


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the times of training steps and their floor, then of encoding."""
    import torch

    rows = []
    for size in LANGUAGE_MODELS:
        loss, gradients = same_step(size)
        ours = our_language_model(size)
        times = paired(
            {
                "ours": our_step(ours),
                "peer": torch_step(torch_language_model(our_language_model(size))[0]),
                "floor": training_floor(size),
            },
            runs,
        )
        name = f"2×{size[0]}, {size[1]} heads, dropout {DROPOUT}"
        result = row(f"Transformer LM step, {name}", times["ours"], times["peer"])
        result |= {"loss_difference": loss, "gradient_difference": gradients}
        rows.append(result)
        rows.append(
            row(f"  {name} vs its matrix products alone", times["ours"], times["floor"], against="floor")
        )
    return rows + run_encoder(runs), {"torch": torch.__version__}
