"""Every op in one table; tests/conformance/test_properties.py runs generic properties over it.

To add an op, layer or model, append a :class:`Row`. Axes are distinct primes, so that a wrong transpose
cannot pass. ``call`` gets one Tensor per entry of ``shapes`` and the ``extras`` (ids, masks) by keyword, as
arrays on the device of the tensors. A layer or model goes in as a ``call`` that builds it from the tensors it
is given (its parameters are inputs like any other).
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor, concatenate, stack
from seqkit.backend.random import Generator
from seqkit.models import EncoderTagger, EncoderTaggerConfig, PieceInput
from seqkit.models.images import image_config, make_image_model
from seqkit.models.seq2seq import Seq2Seq, Seq2SeqConfig
from seqkit.models.tagger import Tagger, TaggerConfig, TaggerInput
from seqkit.models.transformer import (
    TransformerEncoder,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    TransformerSeq2Seq,
    TransformerSeq2SeqConfig,
)
from seqkit.models.word2vec import LOSSES, MODELS, Word2VecConfig, Word2VecModel
from seqkit.ops import attention_blocks, scaled_attention

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One function under test."""

    name: str
    call: Callable[..., Any]
    """Tensors by position, extras by keyword; gives a Tensor or a tuple of Tensors. Deterministic."""
    shapes: tuple[Shape, ...]
    """Of the differentiable inputs, which are filled with normal numbers."""
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    """Arrays without a gradient."""
    batched: tuple[int | str, ...] = ()
    """The inputs (by position) and extras (by name) whose first axis is the batch, where the examples of a
    batch do not influence one another and every output starts with it. Empty: no such axis."""
    positive: bool = False
    """Inputs are made positive (logarithms, divisors)."""
    needs_saving: tuple[int, ...] = ()
    """Inputs whose gradient costs a matrix product that must not be computed when it is not needed."""

    def inputs(self, dtype: Any = np.float64, seed: int = 3) -> list[np.ndarray]:
        """Fresh arrays for the shapes."""
        random = np.random.default_rng(seed)
        arrays = [random.standard_normal(shape) for shape in self.shapes]
        if self.positive:
            arrays = [np.abs(x) + 0.5 for x in arrays]
        return [np.asarray(x, dtype) for x in arrays]


def _ids(shape: Shape, high: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape)


def _ragged(B: int, T: int) -> np.ndarray:
    """(B, T) bool: sequences of lengths T, T-1, … with padding at the end."""
    return np.arange(T)[None, :] < (T - np.arange(B) % T)[:, None]


B, T, I, H, V = 3, 5, 7, 2, 11  # noqa: E741

ARITHMETIC = [
    Row("add", lambda a, b: a + b, ((3, 5), (3, 5)), batched=(0, 1)),
    Row("add: same tensor", lambda a: a + a, ((3, 5),), batched=(0,)),
    Row("add: broadcast", lambda a, b: a + b, ((2, 3, 5), (3, 1)), batched=(0,)),
    Row("add: number", lambda a: 1.5 + a + 2, ((3, 5),), batched=(0,)),
    Row("subtract: broadcast", lambda a, b: a - b, ((3, 1), (2, 3, 5))),
    Row("subtract: number", lambda a: 1.5 - a, ((3, 5),), batched=(0,)),
    Row("multiply: broadcast", lambda a, b: a * b, ((2, 1, 5), (3, 1)), batched=(0,)),
    Row("multiply: same tensor", lambda a: a * a, ((3, 5),), batched=(0,)),
    Row("divide: broadcast", lambda a, b: a / b, ((2, 3, 5), (5,)), positive=True, batched=(0,)),
    Row("divide: number", lambda a: 2.0 / a, ((3, 5),), positive=True, batched=(0,)),
    Row("negative", lambda a: -a, ((3, 5),), batched=(0,)),
    Row("power: 3", lambda a: a**3, ((3, 5),), batched=(0,)),
    Row("power: -0.5", lambda a: a**-0.5, ((3, 5),), positive=True, batched=(0,)),
    Row("exp", lambda a: a.exp(), ((3, 5),), batched=(0,)),
    Row("log", lambda a: a.log(), ((3, 5),), positive=True, batched=(0,)),
    Row("sqrt", lambda a: a.sqrt(), ((3, 5),), positive=True, batched=(0,)),
    Row("no axes", lambda a, b: a * b + a / 2.0, ((), ())),
    Row("matmul", lambda a, b: a @ b, ((3, 5), (5, 7)), batched=(0,), needs_saving=(0, 1)),
    Row("matmul: batches", lambda a, b: a @ b, ((2, 3, 5), (2, 5, 7)), batched=(0, 1), needs_saving=(0, 1)),
    Row("matmul: broadcast", lambda a, b: a @ b, ((2, 3, 5), (5, 7)), batched=(0,), needs_saving=(0, 1)),
]

SHAPING = [
    Row("getitem: number", lambda x: x[:, 2], ((3, 5),), batched=(0,)),
    Row("getitem: one value", lambda x: x[1, 2] * 2.0, ((3, 5),)),
    Row("getitem: slices", lambda x: x[..., 1:4:2, None], ((3, 5),), batched=(0,)),
    Row("getitem: reversed", lambda x: x[:, ::-1], ((3, 5),), batched=(0,)),
    Row("getitem: ids that repeat", lambda x, ids: x[ids], ((3, 5),), {"ids": np.array([2, 0, 2, 2])}),
    Row("getitem: mask", lambda x, mask: x[mask], ((3, 5),), {"mask": _ragged(3, 5)}),
    Row(
        "getitem: every step", lambda x: stack(*(x[:, t] for t in range(5)), axis=1), ((3, 5),), batched=(0,)
    ),
    Row("reshape", lambda x: x.reshape(-1, 6), ((2, 3, 5),)),
    Row("transpose", lambda x: x.transpose(0, 2, 1), ((2, 3, 5),), batched=(0,)),
    Row("transpose: all", lambda x: x.T, ((2, 3, 5),)),
    Row("swapaxes", lambda x: x.swapaxes(-1, 1), ((2, 3, 5),), batched=(0,)),
    Row("broadcast_to", lambda x: x.broadcast_to((2, 3, 5)), ((3, 1),)),
    Row("concatenate", lambda a, b: concatenate(a, b, axis=1), ((3, 5), (3, 2)), batched=(0, 1)),
    Row("concatenate: same tensor", lambda a: concatenate(a, a), ((3, 5),)),
    Row("stack", lambda a, b: stack(a, b, axis=-1), ((3, 5), (3, 5)), batched=(0, 1)),
    Row("sum", lambda x: x.sum(), ((3, 5),)),
    Row("sum: axis", lambda x: x.sum(axis=1), ((3, 5, 7),), batched=(0,)),
    Row("sum: axes kept", lambda x: x.sum(axis=(0, -1), keepdims=True), ((3, 5, 7),)),
    Row("mean", lambda x: x.mean(), ((3, 5),)),
    Row("mean: axis", lambda x: x.mean(axis=-1), ((3, 5, 7),), batched=(0,)),
    Row("max", lambda x: x.max(), ((3, 5),)),
    Row("max: axis", lambda x: x.max(axis=1, keepdims=True), ((3, 5, 7),), batched=(0,)),
]

_TARGETS = np.array([[4, -1, 0, 10, 4], [1, 1, -1, -1, 7], [2, 10, 9, 3, 0]])
_NEGATIVES = np.array([[4, 10, 3, 3, 0], [7, 1, 0, 4, 4], [9, 2, 2, 6, 4]])  # some equal their target

FUNCTIONS = [
    Row("sigmoid", ops.sigmoid, ((3, 5),), batched=(0,)),
    Row("tanh", ops.tanh, ((3, 5),), batched=(0,)),
    Row("relu", ops.relu, ((3, 5),), batched=(0,)),
    Row("gelu", ops.gelu, ((3, 5),), batched=(0,)),
    Row("gelu_tanh", ops.gelu_tanh, ((3, 5),), batched=(0,)),
    *(
        Row(f"activation: {kind}", functools.partial(ops.activation, kind=kind), ((2, 3, 5), (5,)), {}, (0,))
        for kind in ("relu", "gelu", "gelu-tanh")
    ),
    Row("softmax", ops.softmax, ((2, 3, 5),), batched=(0,)),
    Row("log_softmax", ops.log_softmax, ((2, 3, 5),), batched=(0,)),
    Row("linear", ops.linear, ((2, 3, 5), (7, 5), (7,)), batched=(0,), needs_saving=(0, 1)),
    Row("linear: no bias", ops.linear, ((3, 5), (7, 5)), batched=(0,), needs_saving=(0, 1)),
    Row("linear: None bias", lambda x, W: ops.linear(x, W, None), ((3, 5), (7, 5)), batched=(0,)),
    Row("linear: one vector", ops.linear, ((5,), (7, 5), (7,))),
    Row(
        "embedding",
        lambda W, ids: ops.embedding(W, ids),
        ((V, 7),),
        {"ids": _ids((3, 5), 4)},  # repeats: 15 ids below 4
        batched=("ids",),
    ),
    Row(
        "embedding_bag",
        lambda W, ids: ops.embedding_bag(W, ids),
        ((V, 7),),
        {"ids": _ids((3, 5), 4)},
        batched=("ids",),
    ),
    Row(
        "embedding_bag: sum, padding",
        lambda W, ids: ops.embedding_bag(W, ids, mean=False),
        ((V, 7),),
        {"ids": np.array([[3, -1, 3, 0, 5], [-1, -1, 10, 3, -1], [-1, -1, -1, -1, -1]])},
        batched=("ids",),
    ),
    Row(
        "embedding_bag: mean, padding",
        lambda W, ids: ops.embedding_bag(W, ids),
        ((V, 7),),
        {"ids": np.array([[3, -1, 3, 0, 5], [-1, -1, 10, 3, -1], [-1, -1, -1, -1, -1]])},
        batched=("ids",),
    ),
    Row(
        "negative_sampling",
        lambda h, W, targets, negatives: ops.negative_sampling(h, W, targets, negatives),
        ((3, 7), (V, 7)),
        {"targets": np.array([4, 0, 4]), "negatives": _NEGATIVES},
        needs_saving=(0,),
    ),
    Row(
        "negative_sampling: sum, collisions kept",
        lambda h, W, targets, negatives: ops.negative_sampling(
            h, W, targets, negatives, keep_collisions=True, reduction="sum"
        ),
        ((3, 7), (V, 7)),
        {"targets": np.array([4, 0, 4]), "negatives": _NEGATIVES},
        needs_saving=(0,),
    ),
    Row(
        "negative_sampling: each",
        lambda h, W, targets, negatives: ops.negative_sampling(h, W, targets, negatives, reduction="none"),
        ((3, 7), (V, 7)),
        {"targets": np.array([4, 0, 4]), "negatives": _NEGATIVES},
        batched=(0, "targets", "negatives"),
        needs_saving=(0,),
    ),
    Row(
        "sampled_cross_entropy",
        lambda x, W, b, targets, samples, inclusion: ops.sampled_cross_entropy(
            x, W, b, targets, samples, inclusion
        ),
        ((3, 7), (V, 7), (V,)),
        {
            "targets": np.array([4, -1, 0]),
            "samples": np.array([1, 2, 4]),
            "inclusion": np.linspace(0.2, 1, V),
        },
        needs_saving=(0, 1),
    ),
    Row(
        "sampled_cross_entropy: no bias",
        lambda x, W, targets, samples, inclusion: ops.sampled_cross_entropy(
            x, W, None, targets, samples, inclusion
        ),
        ((3, 5, 7), (V, 7)),
        {"targets": _TARGETS, "samples": np.array([0, 9]), "inclusion": np.linspace(0.2, 1, V)},
        needs_saving=(0, 1),
    ),
    Row("dropout", lambda x: ops.dropout(x, rate=0.3, generator=Generator(7)), ((3, 5, 7),)),
    Row("dropout: 0", lambda x: ops.dropout(x, rate=0.0, generator=Generator(7)), ((3, 5),), batched=(0,)),
    Row("locked_dropout", lambda x: ops.locked_dropout(x, rate=0.3, generator=Generator(7)), ((3, 5, 7),)),
    Row(
        "dropout: weights",
        lambda x: ops.dropout(x, rate=0.3, generator=Generator(7), weights=True),
        ((6, 5),),
    ),
    Row(
        "embedding_dropout",
        lambda x, ids: ops.embedding_dropout(x, ids, vocab_size=V, rate=0.3, generator=Generator(7)),
        ((3, 5, 4),),
        {"ids": _ids((3, 5), V)},
    ),
    Row("layer_norm", ops.layer_norm, ((2, 3, 5), (5,), (5,)), batched=(0,)),
    Row("add_layer_norm", ops.add_layer_norm, ((2, 3, 5), (2, 3, 5), (5,), (5,)), batched=(0, 1)),
    Row(
        "add_layer_norm: dropout",
        lambda *tensors: ops.add_layer_norm(*tensors, rate=0.3, generator=Generator(7)),
        ((2, 3, 5), (2, 3, 5), (5,), (5,)),
    ),
    Row(
        "softmax_cross_entropy",
        lambda x, targets: ops.softmax_cross_entropy(x, targets),
        ((3, 5, V),),
        {"targets": _ids((3, 5), V)},
    ),
    Row(
        "softmax_cross_entropy: ignored, smoothed",
        lambda x, targets: ops.softmax_cross_entropy(x, targets, label_smoothing=0.1),
        ((3, 5, V),),
        {"targets": _TARGETS},
    ),
    Row(
        "softmax_cross_entropy: all ignored",
        lambda x, targets: ops.softmax_cross_entropy(x, targets, ignore_index=4),
        ((3, V),),
        {"targets": np.full(3, 4)},
    ),
    Row(
        "softmax_cross_entropy: sum",
        lambda x, targets: ops.softmax_cross_entropy(x, targets, reduction="sum"),
        ((3, 5, V),),
        {"targets": _TARGETS},
    ),
    Row(
        "softmax_cross_entropy: each",
        lambda x, targets: ops.softmax_cross_entropy(x, targets, reduction="none", label_smoothing=0.1),
        ((3, 5, V),),
        {"targets": _TARGETS},
        batched=(0, "targets"),
    ),
    Row(
        "linear_cross_entropy: each",
        lambda x, W, b, targets: ops.linear_cross_entropy(x, W, b, targets, reduction="none"),
        ((3, 5, 7), (V, 7), (V,)),
        {"targets": _TARGETS},
        batched=(0, "targets"),
        needs_saving=(0, 1, 2),
    ),
    Row(
        "linear_cross_entropy",
        lambda x, W, b, targets: ops.linear_cross_entropy(x, W, b, targets),
        ((3, 5, 7), (V, 7), (V,)),
        {"targets": _TARGETS},
        needs_saving=(0, 1, 2),
    ),
    Row(
        "linear_cross_entropy: no bias, smoothed",
        lambda x, W, targets: ops.linear_cross_entropy(x, W, None, targets, label_smoothing=0.2),
        ((13, 7), (V, 7)),
        {"targets": _ids((13,), V)},
        needs_saving=(0, 1),
    ),
]


def _recurrent() -> list[Row]:
    rows = []
    x, h = (B, T, I), (B, H)
    for reverse in (False, True):
        for masked in (False, True):
            extras = {"mask": _ragged(B, T)} if masked else {}
            batched: tuple[int | str, ...] = ("mask",) if masked else ()
            label = f"{', reverse' if reverse else ''}{', mask' if masked else ''}"

            def lstm(*tensors: Tensor, mask: Any = None, reverse: bool = reverse) -> Any:
                return ops.lstm(*tensors, mask, reverse=reverse)

            def gru(*tensors: Tensor, mask: Any = None, reverse: bool = reverse) -> Any:
                return ops.gru(*tensors, mask, reverse=reverse)

            rows.append(
                Row(
                    f"lstm{label}",
                    lstm,
                    (x, h, h, (4 * H, I), (4 * H, H), (4 * H,)),
                    extras,
                    (0, 1, 2, *batched),
                    needs_saving=(0, 3, 4),
                )
            )
            rows.append(
                Row(
                    f"gru{label}",
                    gru,
                    (x, h, (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)),
                    extras,
                    (0, 1, *batched),
                    needs_saving=(0, 2, 3),
                )
            )
            for phi in ("tanh", "relu"):

                def rnn(*tensors: Tensor, mask: Any = None, reverse: bool = reverse, phi: str = phi) -> Any:
                    return ops.rnn(*tensors, mask, reverse=reverse, nonlinearity=phi)

                rows.append(
                    Row(
                        f"rnn {phi}{label}",
                        rnn,
                        (x, h, (H, I), (H, H), (H,)),
                        extras,
                        (0, 1, *batched),
                        needs_saving=(0, 2, 3),
                    )
                )
    return rows


_LENGTHS = np.array([5, 2, 0])
_ALIGNED = np.random.default_rng(9).random((3, 2, 5)) < 0.6
_ALIGNED[1, 0] = False  # a query that nothing counts for


def _crf() -> list[Row]:
    """Emissions (3, 5, 7), and the scores of first tags, of pairs and of last tags."""
    shapes, tags = ((3, 5, 7), (7,), (7, 7), (7,)), _ids((3, 5), 7)
    masks = {"": None, ": mask": _ragged(3, 5), ": no tokens": np.arange(5) < _LENGTHS[:, None]}

    def log_partition(*tensors: Tensor, mask: Any = None) -> Any:
        return ops.crf_log_partition(*tensors, mask)

    def path_score(*tensors: Tensor, tags: Any, mask: Any = None) -> Any:
        return ops.crf_path_score(*tensors, tags, mask)

    rows = []
    for label, mask in masks.items():
        extras = {} if mask is None else {"mask": mask}
        rows.append(Row(f"crf_log_partition{label}", log_partition, shapes, extras, (0, *extras)))
        extras = {"tags": tags, **extras}
        rows.append(Row(f"crf_path_score{label}", path_score, shapes, extras, (0, *extras)))
    return rows


def _attention() -> list[Row]:
    """Queries (3, 2, 7), keys (3, 5, 7), values (3, 5, 11)."""
    q, k, v, w = (3, 2, 7), (3, 5, 7), (3, 5, 11), (7,)
    masks = {
        "": None,
        ": lengths": _LENGTHS,
        ": mask of keys": np.arange(5) < _LENGTHS[:, None],
        ": mask of pairs": _ALIGNED,
        ": mask of pairs for all": _ALIGNED[:1],
    }
    rows = []
    for label, mask in masks.items():
        extras = {} if mask is None else {"mask": mask}
        batched: tuple[int | str, ...] = ("mask",) if mask is not None and len(mask) == 3 else ()

        def dot(*tensors: Tensor, mask: Any = None) -> Any:
            return ops.attention(*tensors, mask, scale=1.0)

        def additive(*tensors: Tensor, mask: Any = None) -> Any:
            return ops.additive_attention(*tensors, mask)

        rows.append(Row(f"attention{label}", dot, (q, k, v), extras, (0, 1, 2, *batched), False, (0, 1, 2)))
        rows.append(
            Row(
                f"additive_attention{label}",
                additive,
                (q, k, v, w),
                extras,
                (0, 1, 2, *batched),
                needs_saving=(2,),
            )
        )
    heads = ((3, 13, 2, 7), (3, 13, 5, 7), (3, 13, 5, 11))
    return [
        *rows,
        Row("attention: scaled", ops.attention, (q, k, v), batched=(0, 1, 2)),
        Row(
            "attention: heads",
            lambda q, k, v, mask: ops.attention(q, k, v, mask),
            heads,
            {"mask": _ALIGNED},
            (0, 1, 2, "mask"),
        ),
        Row(
            "attention: heads, causal",
            lambda q, k, v, mask: ops.attention(q, k, v, mask),
            heads,
            {"mask": np.tri(2, 5, 3, dtype=bool)[None, None]},
            (0, 1, 2),
        ),
        Row(
            "attention: dropout",
            lambda q, k, v, mask: ops.attention(q, k, v, mask, rate=0.3, generator=Generator(7)),
            (q, k, v),
            {"mask": _LENGTHS},
            needs_saving=(0, 1, 2),
        ),
        Row(
            "additive_attention: heads, dropout",
            lambda q, k, v, w, mask: ops.additive_attention(
                q, k, v, w, mask, rate=0.3, generator=Generator(7)
            ),
            (*heads, w),
            {"mask": _LENGTHS},
        ),
    ]


def _with_parameters(module: nn.Module, tensors: tuple[Tensor, ...]) -> Any:
    """The module with ``tensors`` in the place of its parameters, in their order; tied ones stay tied."""
    given = dict(zip(map(id, module.parameters()), tensors, strict=True))

    def put(part: nn.Module) -> None:
        for name, value in list(vars(part).items()):
            if isinstance(value, nn.Parameter):
                setattr(part, name, given[id(value)])
        for _, child in list(part.children()):
            put(child)

    put(module)
    return module


def _shapes_of(module: nn.Module) -> tuple[Shape, ...]:
    return tuple(parameter.shape for parameter in module.parameters())


def _attention_layers() -> list[Row]:
    rows = []
    for kind, sizes in (("dot", (7, 7)), ("general", (7, 11)), ("additive", (7, 11))):

        def layer(kind: str = kind, sizes: tuple[int, int] = sizes) -> nn.Attention:
            return nn.Attention(
                kind, *sizes, attention_size=13 if kind == "additive" else None, generator=Generator(1)
            )

        def call(query: Tensor, memory: Tensor, *parameters: Tensor, mask: Any, layer: Any = layer) -> Any:
            return _with_parameters(layer(), parameters)(query, memory, mask)

        shapes = ((3, 2, 7), (3, 5, sizes[1]), *_shapes_of(layer()))
        rows.append(Row(f"Attention: {kind}", call, shapes, {"mask": _LENGTHS}, (0, 1, "mask")))
    return rows


_PICTURES, _FILTERS = (3, 7, 11, 2), (5, 2, 3, 2)


def _images() -> list[Row]:
    """Images (3, 7, 11, 2): batch, height, width, channels."""
    pools: tuple[dict[str, Any], ...] = (
        {},
        {"size": (2, 3), "stride": (3, 2)},
        {"size": 3, "stride": 2, "padding": 1},  # windows that overlap
        {"size": (7, 1), "stride": 1},
    )
    convs: tuple[dict[str, Any], ...] = (
        {},
        {"stride": (2, 3), "padding": (1, 2)},
        {"padding": 3},
        {"relu": True, "stride": 2},
        {"relu": True, "pool": 3},
        {"pool": 2, "stride": (2, 1)},
    )
    rows = []
    for settings in convs:

        def conv(*tensors: Tensor, settings: Any = settings) -> Tensor:
            return ops.conv2d(*tensors, **settings)

        label = "".join(f": {name} {value}" for name, value in settings.items())
        rows.append(
            Row(f"conv2d{label}", conv, (_PICTURES, _FILTERS, (5,)), batched=(0,), needs_saving=(0, 1))
        )
        if "stride" not in settings:  # wide enough for Winograd's transforms
            wide = ((3, 5, 7, 11), (13, 3, 3, 11), (13,))
            rows.append(Row(f"conv2d: 3 by 3{label}", conv, wide, batched=(0,), needs_saving=(0, 1)))
    for settings in pools:

        def largest(x: Tensor, settings: Any = settings) -> Tensor:
            return ops.max_pool2d(x, **settings)

        def rectified(x: Tensor, settings: Any = settings) -> Tensor:
            return ops.max_pool2d(x, relu=True, **settings)

        def mean(x: Tensor, settings: Any = settings) -> Tensor:
            return ops.average_pool2d(x, **settings)

        label = "".join(f": {name} {value}" for name, value in settings.items())
        for name, call in (
            ("max_pool2d", largest),
            ("max_pool2d, relu", rectified),
            ("average_pool2d", mean),
        ):
            rows.append(Row(f"{name}{label}", call, (_PICTURES,), batched=(0,)))
    vectors = {"mean": np.array([0.3, -0.7]), "variance": np.array([0.4, 1.9])}

    def inference(x: Tensor, gamma: Tensor, beta: Tensor, *, mean: Any, variance: Any) -> Tensor:
        dtype = getattr(x, "dtype", np.float64)
        running = (v.astype(dtype) if hasattr(v, "astype") else v for v in (mean, variance))
        return ops.batch_norm_inference(x, gamma, beta, *running)

    return [
        *rows,
        Row("conv2d: no bias", ops.conv2d, (_PICTURES, _FILTERS), batched=(0,), needs_saving=(0, 1)),
        Row("conv2d: None bias", lambda x, W: ops.conv2d(x, W, None), (_PICTURES, _FILTERS), batched=(0,)),
        Row("conv2d: whole image", ops.conv2d, (_PICTURES, (5, 7, 11, 2), (5,)), batched=(0,)),
        Row("batch_norm: features", ops.batch_norm, ((7, 5), (5,), (5,))),
        Row("batch_norm: channels", ops.batch_norm, (_PICTURES, (2,), (2,))),
        Row("batch_norm_inference", inference, (_PICTURES, (2,), (2,)), vectors, (0,)),
    ]


IMAGE_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("mlp", {"height": 3, "width": 5, "hidden": (7, 2)}),
    "mlp: normalised": (
        "mlp",
        {"height": 3, "width": 5, "hidden": (7, 2), "activation": "tanh", "batch_norm": True, "dropout": 0.3},
    ),
    "simple-cnn": ("simple-cnn", {"height": 7, "width": 11, "filters": 3, "filter_size": 2, "hidden": 5}),
    "deep-cnn": ("deep-cnn", {"height": 8, "width": 11, "filters": (2, 3, 5), "hidden": 7}),
}
"""Model and settings by the name of a row."""


def _image_models() -> list[Row]:
    rows = []
    for name, (model, settings) in IMAGE_MODELS.items():

        def network(*parameters: Tensor, model: str = model, settings: Any = settings) -> Any:
            config = image_config(model, channels=2, classes=3, **settings)
            made = make_image_model(config, generator=0)
            if parameters:
                made.to(parameters[0].device).astype(parameters[0].dtype)  # the buffers too
                _with_parameters(made, parameters)
            return made

        def loss(*parameters: Tensor, images: Any, labels: Any, network: Any = network) -> Tensor:
            return network(*parameters).loss(images, labels, generator=Generator(7))

        def scores(*parameters: Tensor, images: Any, labels: Any, network: Any = network) -> Tensor:
            return network(*parameters).eval()(images)

        made = network()
        shape = (5, made.config.height, made.config.width, 2)
        extras = {
            "images": np.random.default_rng(11).standard_normal(shape),
            "labels": np.array([2, 0, 1, -1, 1]),
        }
        rows.append(Row(f"{name}: loss", loss, _shapes_of(made), extras))
        rows.append(Row(f"{name}: scores", scores, _shapes_of(made), extras, ("images", "labels")))
    return rows


_PAIRS = {
    "source": np.array([[4, 10, 3, 0, 7], [9, 2, 6, -1, -1], [1, -1, -1, -1, -1]]),
    "lengths": np.array([5, 3, 1]),
    "target_in": np.array([[0, 4, 12, 4], [0, 7, -1, -1], [0, 1, 2, -1]]),
}
_TRANSLATED = np.array([[4, 12, 4, 1], [7, 1, -1, -1], [1, 2, 1, -1]])

SEQ2SEQ: dict[str, dict[str, Any]] = {
    "plain": {},
    "gru": {"cell": "gru", "num_layers": 2},
    "h alone, two layers": {"pass_cell": False, "num_layers": 2},
    "peeky": {"peeky": True},
    "bidirectional, two layers": {"bidirectional": True, "num_layers": 2},
    "dot": {"attention": "dot"},
    "dot, readout": {"attention": "dot", "readout": True},
    "general": {"attention": "general", "cell": "gru", "bidirectional": True},
    "additive": {"attention": "additive"},
    "peeky, dot, bidirectional": {"attention": "dot", "peeky": True, "bidirectional": True},
    "input feeding": {"attention": "general", "input_feeding": True},
    "everything": {
        "attention": "additive",
        "input_feeding": True,
        "peeky": True,
        "bidirectional": True,
        "num_layers": 2,
        "tied": True,
    },
    "tied": {"tied": True},
    "one vocabulary": {"shared_vocabulary": True, "tied": True, "attention": "dot"},
}
"""Variants of the encoder and decoder, by name."""


def seq2seq_config(variant: str, **settings: Any) -> Seq2SeqConfig:
    """The settings of a variant, with small sizes unless they are given."""
    chosen: dict[str, Any] = {
        "source_vocab_size": 11,
        "target_vocab_size": 13,
        "embedding_size": 5,
        "hidden_size": 6,
    }
    chosen |= SEQ2SEQ[variant] | settings
    if chosen.get("shared_vocabulary"):
        chosen["source_vocab_size"] = chosen["target_vocab_size"]
    return Seq2SeqConfig(**chosen)


def _seq2seq() -> list[Row]:
    rows = []
    for variant in SEQ2SEQ:

        def model(*parameters: Tensor, variant: str = variant, **settings: Any) -> Seq2Seq:
            return _with_parameters(Seq2Seq(seq2seq_config(variant, **settings), generator=0), parameters)

        def scores(*parameters: Tensor, model: Any = model, **batch: Any) -> Any:
            return model(*parameters)(*batch.values())[0]

        def loss(*parameters: Tensor, model: Any = model, **batch: Any) -> Any:
            return model(*parameters, dropout=0.3).loss(*batch.values(), generator=Generator(7))

        shapes = _shapes_of(Seq2Seq(seq2seq_config(variant), generator=0))
        rows.append(Row(f"seq2seq: {variant}", scores, shapes, _PAIRS, tuple(_PAIRS)))
        rows.append(Row(f"seq2seq loss: {variant}", loss, shapes, _PAIRS | {"target_out": _TRANSLATED}))
    return rows


def _scaled_attention() -> list[Row]:
    """Queries (3, 2, 5, 7), keys (3, 2, 11, 7), values (3, 2, 11, 13), in blocks of every kind."""
    q, k, v = (3, 2, 5, 7), (3, 2, 11, 7), (3, 2, 11, 13)
    pairs = np.random.default_rng(9).random((3, 1, 5, 11)) < 0.6
    pairs[1, 0, 2] = False  # a query that nothing counts for
    masks = {"": None, ": lengths": np.array([11, 2, 0]), ": mask of pairs": pairs}
    rows = []
    for (label, mask), causal, kept in itertools.product(masks.items(), (False, True), (1 << 18, 0)):

        def call(*tensors: Tensor, causal: bool = causal, kept: int = kept, **mask: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(scaled_attention, "KEPT", kept)
                return ops.scaled_dot_product_attention(*tensors, *mask.values(), causal=causal)

        name = (
            f"scaled_dot_product_attention{label}{', causal' * causal}{', weights made again' * (not kept)}"
        )
        extras = {} if mask is None else {"mask": mask}
        rows.append(Row(name, call, (q, k, v), extras, (0, 1, 2, *extras), False, (2,) if kept else ()))

    def blocks(*tensors: Tensor, block: int, **settings: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attention_blocks, "BLOCK", block)
            patch.setattr(attention_blocks, "ROWS", 2)
            return ops.scaled_dot_product_attention(*tensors, **settings)

    for block, causal in itertools.product((22, 60, 130), (False, True)):
        rows.append(
            Row(
                f"scaled_dot_product_attention: blocks of {block}{', causal' * causal}, dropout",
                lambda *tensors, block=block, causal=causal: blocks(
                    *tensors, block=block, causal=causal, rate=0.3, generator=Generator(7)
                ),
                (q, k, v),
            )
        )
    lengths, key_lengths = (2, 0, 5, 4), (3, 2, 7, 0)

    def packed(*tensors: Tensor, block: int = 1 << 19, **settings: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attention_blocks, "BLOCK", block)
            return ops.packed_attention(*tensors, lengths=lengths, **settings)

    sizes = ((2, 11, 7), (2, 11, 7), (2, 11, 13))
    return [
        *rows,
        Row("packed_attention", packed, sizes),
        Row("packed_attention: causal", lambda *t: packed(*t, causal=True), sizes),
        Row("packed_attention: two groups", lambda *t: packed(*t, causal=True, block=60), sizes),
        Row("packed_attention: blocks", lambda *t: packed(*t, causal=True, block=40), sizes),
        Row(
            "packed_attention: keys of other lengths, dropout",
            lambda *t: packed(*t, key_lengths=key_lengths, rate=0.3, generator=Generator(7)),
            (sizes[0], (2, 12, 7), (2, 12, 13)),
        ),
        Row("split_heads", lambda x: ops.split_heads(x, heads=2, parts=3), ((3, 5, 42),), batched=(0,)),
        Row("split_heads: one part", lambda x: ops.split_heads(x, heads=2)[0], ((5, 14),)),
        Row(
            "rotary",
            lambda x, positions: ops.rotary(x, positions),
            ((3, 2, 5, 14),),
            {"positions": np.array([0, 1, 5, 3, 100])},
            (0,),
        ),
        Row(
            "rotary: interleaved",
            lambda x, positions: ops.rotary(x, positions, base=100.0, interleaved=True),
            ((3, 2, 5, 14),),
            {"positions": np.array([0, 1, 5, 3, 100])},
            (0,),
        ),
        Row("pack", lambda x, rows: ops.pack(x, rows), ((3, 5, 7),), {"rows": np.array([0, 2, 7, 14])}),
        Row(
            "unpack",
            lambda x, rows: ops.unpack(x, rows, shape=(3, 5)),
            ((4, 7),),
            {"rows": np.array([0, 2, 7, 14])},
        ),
    ]


TRANSFORMERS: dict[str, dict[str, Any]] = {
    "pre": {"norm": "pre"},
    "post": {"norm": "post", "activation": "gelu"},
    "sinusoidal, relu": {"positions": "sinusoidal", "activation": "relu", "norm": "pre"},
    "rotary": {"positions": "rotary", "activation": "gelu-tanh", "norm": "post"},
}
"""Variants of all Transformers, by name."""


def transformer_config(config: Any, variant: str, **settings: Any) -> Any:
    """A config of one of the three models in a variant, with small sizes unless they are given."""
    sizes = {"embedding_size": 12, "num_heads": 3, "hidden_size": 10, "num_layers": 2, "max_length": 16}
    return config(**sizes | TRANSFORMERS[variant] | settings)


def _small(model: Any, parameters: tuple[Tensor, ...]) -> Any:
    """With weights a third as large as usual here: attention of large scores rounds badly."""
    return _with_parameters(model, tuple(p * 0.3 for p in parameters))


def _transformer_layers() -> list[Row]:
    def attention(x: Tensor, *parameters: Tensor, causal: bool = False, mask: Any = None) -> Any:
        module = _small(nn.MultiHeadAttention(10, 2, generator=Generator(1)), parameters)
        return module(x, None, mask, causal=causal)

    def cross(x: Tensor, memory: Tensor, *parameters: Tensor, mask: Any) -> Any:
        module = nn.MultiHeadAttention(10, 2, cross=True, memory_size=7, generator=Generator(1))
        module = _small(module, parameters)
        return module(x, module.project_kv(memory), mask)

    def encoder(x: Tensor, *parameters: Tensor, norm: str, mask: Any) -> Any:
        layer = nn.TransformerEncoderLayer(10, 2, 7, norm=norm, generator=Generator(1))
        return _small(layer, parameters)(x, mask)

    def decoder(x: Tensor, memory: Tensor, *parameters: Tensor, norm: str, mask: Any) -> Any:
        layer = nn.TransformerDecoderLayer(10, 2, 7, norm=norm, generator=Generator(1))
        layer = _small(layer, parameters)
        return layer(x, layer.cross_attention.project_kv(memory), mask)

    own = _shapes_of(nn.MultiHeadAttention(10, 2, generator=Generator(1)))
    other = _shapes_of(nn.MultiHeadAttention(10, 2, cross=True, memory_size=7, generator=Generator(1)))
    lengths, x = {"mask": _LENGTHS}, (3, 5, 10)
    rows = [
        Row("MultiHeadAttention", attention, (x, *own), lengths, (0, "mask")),
        Row("MultiHeadAttention: causal", functools.partial(attention, causal=True), (x, *own), {}, (0,)),
        Row("MultiHeadAttention: cross", cross, (x, (3, 5, 7), *other), lengths, (0, 1, "mask")),
    ]
    for norm in ("pre", "post"):
        one, two = (
            _shapes_of(kind(10, 2, 7, generator=Generator(1)))
            for kind in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
        )
        call = functools.partial(encoder, norm=norm)
        rows.append(Row(f"TransformerEncoderLayer: {norm}", call, (x, *one), lengths, (0, "mask")))
        call = functools.partial(decoder, norm=norm)
        rows.append(Row(f"TransformerDecoderLayer: {norm}", call, (x, x, *two), lengths, (0, 1, "mask")))
    return rows


def _transformers() -> list[Row]:
    rows = []
    text = {"ids": _ids((3, 5), V), "targets": _TARGETS}
    pairs = _PAIRS | {"target_out": _TRANSLATED}
    tokens = {"ids": _ids((3, 5), V), "mask": np.array([5, 2, 3]), "token_types": _ids((3, 5), 2)}
    for variant in TRANSFORMERS:

        def language_model(*parameters: Tensor, variant: str = variant, **settings: Any) -> Any:
            config = transformer_config(TransformerLanguageModelConfig, variant, vocab_size=V, **settings)
            model = TransformerLanguageModel(config, generator=0)
            return _small(model, parameters) if parameters else model

        def encoder(*parameters: Tensor, variant: str = variant, **settings: Any) -> Any:
            config = transformer_config(
                TransformerEncoderConfig, variant, vocab_size=V, token_types=2, **settings
            )
            model = TransformerEncoder(config, generator=0)
            return _small(model, parameters) if parameters else model

        def seq2seq(*parameters: Tensor, variant: str = variant, **settings: Any) -> Any:
            sizes = {"source_vocab_size": 11, "target_vocab_size": 13, "num_layers": 1}
            model = TransformerSeq2Seq(
                transformer_config(TransformerSeq2SeqConfig, variant, **sizes, **settings), generator=0
            )
            return _small(model, parameters) if parameters else model

        def scores(*parameters: Tensor, ids: Any, model: Any = language_model) -> Any:
            return model(*parameters)(ids)

        def text_loss(*parameters: Tensor, model: Any = language_model, **batch: Any) -> Any:
            return model(*parameters, dropout=0.3).loss(*batch.values(), generator=Generator(7))[0]

        def hidden(*parameters: Tensor, model: Any = encoder, **batch: Any) -> Any:
            return model(*parameters)(*batch.values())

        def translated(*parameters: Tensor, model: Any = seq2seq, **batch: Any) -> Any:
            return model(*parameters)(*batch.values())[0]

        def pair_loss(*parameters: Tensor, model: Any = seq2seq, **batch: Any) -> Any:
            return model(*parameters).loss(*batch.values(), label_smoothing=0.1)

        own, seen, both = (_shapes_of(make()) for make in (language_model, encoder, seq2seq))
        rows += [
            Row(f"transformer LM: {variant}", scores, own, {"ids": text["ids"]}, ("ids",)),
            Row(f"transformer LM loss: {variant}", text_loss, own, text),
            Row(f"transformer encoder: {variant}", hidden, seen, tokens, tuple(tokens)),
            Row(f"transformer seq2seq: {variant}", translated, both, _PAIRS, tuple(_PAIRS)),
            Row(f"transformer seq2seq loss: {variant}", pair_loss, both, pairs),
        ]
    return rows


_WINDOWS = {
    "contexts": np.array([[4, -1, 4, 0], [-1, 10, 9, 3], [2, 2, 5, 7]]),
    "centres": np.array([4, 0, 6]),
}


def _word2vec() -> list[Row]:
    rows = []
    for model, loss in itertools.product(MODELS, LOSSES):
        extras = dict(_WINDOWS)
        if loss == "negative-sampling":
            extras["negatives"] = _ids((3, 2) if model == "cbow" else (3, 4, 2), V)

        def call(W: Tensor, U: Tensor, *, model: str = model, loss: str = loss, **extras: Any) -> Any:
            network: Any = Word2VecModel(Word2VecConfig(V, 7, model=model, loss=loss), generator=0)
            network.input.weight, network.output.weight = W, U
            return network.loss(*extras.values())

        rows.append(Row(f"word2vec: {model}, {loss}", call, ((V, 7), (V, 7)), extras))
    return rows


def _taggers() -> list[Row]:
    batch = {
        "ids": _ids((3, 5), V),
        "lengths": np.array([5, 2, 3]),
        "words": _ids((3, 5), 4),
        "letters": _ids((4, 6), 7),
        "letter_lengths": np.array([6, 1, 3, 4]),
        "shapes": _ids((3, 5), 2),
        "feature_columns": _ids((3, 5, 2), 2),
    }
    tags = _ids((3, 5), 5)
    rows = []
    for characters, encoder in (("cnn", "lstm"), ("lstm", "gru"), ("none", "transformer")):
        config = TaggerConfig(
            vocab_size=V,
            tags=5,
            letters=7,
            shapes=2,
            embedding_size=7,
            characters=characters,
            character_embedding_size=3,
            character_hidden_size=2,
            shape_size=3,
            feature_columns=(4, 2),
            feature_size=2,
            encoder=encoder,
            hidden_size=6,
            num_heads=3,
            dropout=0.0,
        )

        def model(*parameters: Tensor, config: TaggerConfig = config, output: str = "crf") -> Any:
            tagger = Tagger(dataclasses.replace(config, output=output), generator=0)
            return _small(tagger, parameters) if parameters else tagger

        def loss(*parameters: Tensor, tags: Any, model: Any = model, **batch: Any) -> Any:
            return model(*parameters).loss(TaggerInput(**batch), tags)

        def scores(*parameters: Tensor, model: Any = model, **batch: Any) -> Any:
            return model(*parameters, output="softmax")(TaggerInput(**batch))[0]

        name, batched = f"{encoder}, {characters}", ("ids", "lengths", "words", "shapes", "feature_columns")
        rows.append(Row(f"tagger loss: {name}", loss, _shapes_of(model()), {**batch, "tags": tags}))
        rows.append(Row(f"tagger: {name}", scores, _shapes_of(model(output="softmax")), batch, batched))
    rows.append(_encoder_tagger())
    return rows


def _encoder_tagger() -> Row:
    encoder = TransformerEncoderConfig(
        vocab_size=V, embedding_size=6, hidden_size=8, num_layers=1, num_heads=3, dropout=0.0
    )
    config = EncoderTaggerConfig(encoder, tags=5, dropout=0.0, output="crf")
    arrays = {
        "ids": _ids((3, 6), V),
        "lengths": np.array([6, 2, 4]),
        "first": np.array([[0, 2, 5], [1, 0, 0], [0, 3, 0]]),
        "words": np.array([3, 1, 2]),
        "tags": _ids((3, 3), 5),
    }

    def loss(*parameters: Tensor, tags: Any, **batch: Any) -> Any:
        return _small(EncoderTagger(config, generator=0), parameters).loss(PieceInput(**batch), tags)

    return Row("tagger loss: on an encoder", loss, _shapes_of(EncoderTagger(config, generator=0)), arrays)


OPS: list[Row] = [
    *ARITHMETIC,
    *SHAPING,
    *FUNCTIONS,
    *_recurrent(),
    *_crf(),
    *_attention(),
    *_scaled_attention(),
    *_images(),
]
"""Ops; layers and models follow in lists of their own."""

MODEL_ROWS: list[Row] = [
    *_attention_layers(),
    *_word2vec(),
    *_seq2seq(),
    *_taggers(),
    *_image_models(),
    *_transformer_layers(),
    *_transformers(),
]

ROWS: list[Row] = [*OPS, *MODEL_ROWS]
