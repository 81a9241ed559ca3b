"""Layers and models with the arrays that users give them, for tests/conformance/hostile.py.

Their parameters are not inputs here: each layer or model stands ready in float32 and float64. The last input
of a row is a number that is 1; its dtype chooses between the two, as the references compute in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.models import (
    BagConfig,
    EncoderTagger,
    EncoderTaggerConfig,
    LanguageModel,
    LanguageModelConfig,
    MaskedLanguageModel,
    PieceInput,
    RecurrentConfig,
    Seq2Seq,
    Seq2SeqConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
    Tagger,
    TaggerConfig,
    TaggerInput,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    TransformerSeq2Seq,
    TransformerSeq2SeqConfig,
    image_config,
    make_image_model,
)
from seqkit.models.word2vec import LOSSES, MODELS, Word2VecConfig, Word2VecModel
from tests.conformance.table import Row

B, T, V = 3, 5, 11
Sizes = tuple[tuple[int, ...], ...]
Make = Callable[[], Any]


def _ids(shape: tuple[int, ...], high: int = V, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape)


LENGTHS = np.array([5, 2, 3])
MASK = np.arange(T) < LENGTHS[:, None]
TARGETS = np.where(MASK, _ids((B, T), seed=7), -1)


def _tensors(result: Any) -> list[Tensor]:
    """All arrays of a result, in order; integers and truths as numbers."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, np.ndarray):
        return [Tensor(result if result.dtype.kind == "f" else result.astype(np.float64))]
    if isinstance(result, list | tuple):
        return [each for item in result for each in _tensors(item)]
    return []


def row(name: str, make: Make, shapes: Sizes = (), call: Any = None, /, **extras: Any) -> Row:
    """A row of a layer or model, called with arrays of these shapes and with ``extras`` by position."""
    single = make()
    double = copy.deepcopy(single).astype(np.float64)  # as users copy a model, of every kind
    for model, dtype in ((single, np.float32), (double, np.float64)):
        for parameter in model.parameters():
            random = np.random.default_rng(parameter.data.size)
            parameter.data = (0.3 * random.standard_normal(parameter.shape)).astype(dtype)
        model.eval()

    def run(*inputs: Any, **arrays: Any) -> Any:
        *tensors, one = inputs
        model = single if one.dtype == np.float32 else double
        return tuple(_tensors((call or type(model).__call__)(model, *tensors, *arrays.values())))

    return Row(name, run, (*shapes, ()), extras)


def _layers() -> list[Row]:
    x, wide = (B, T, 8), (B, T, 6, 4)
    attention: Make = lambda: nn.MultiHeadAttention(8, 2, generator=0)  # noqa: E731
    stack = {"num_layers": 2, "embedding_size": 8, "num_heads": 2, "hidden_size": 7, "norm": "pre"}
    return [
        row("Linear", lambda: nn.Linear(8, 7, generator=0), (x,)),
        row("Embedding", lambda: nn.Embedding(V, 7, generator=0), ids=_ids((B, T))),
        row("Softmax", lambda: nn.Softmax(8, 7, generator=0), (x,)),
        row(
            "Softmax.losses",
            lambda: nn.Softmax(8, 7, generator=0),
            (x,),
            _method("losses"),
            targets=_ids((B, T), 7),
        ),
        row("AdaptiveSoftmax", lambda: nn.AdaptiveSoftmax(8, 13, [3, 7], generator=0), (x,)),
        row(
            "AdaptiveSoftmax.losses",
            lambda: nn.AdaptiveSoftmax(8, 13, [3, 7], generator=0),
            (x,),
            _method("losses"),
            targets=_ids((B, T), 13),
        ),
        row("AdaptiveEmbedding", lambda: nn.AdaptiveEmbedding(V, 8, [3, 5], generator=0), ids=_ids((B, T))),
        row("LayerNorm", lambda: nn.LayerNorm(8), (x,)),
        row("BatchNorm", lambda: nn.BatchNorm(8), (x,)),
        row("Conv2d", lambda: nn.Conv2d(4, 5, 3, generator=0), (wide,)),
        row("MaxPool2d", lambda: nn.MaxPool2d(2), (wide,)),
        row("AveragePool2d", lambda: nn.AveragePool2d(2), (wide,)),
        row("Dropout", lambda: nn.Dropout(0.5), (x,)),
        row("WeightDrop", lambda: nn.WeightDrop(0.5), (x,)),
        row(
            "EmbeddingDropout",
            lambda: nn.EmbeddingDropout(0.5),
            (x,),
            lambda m, x, ids: m(x, ids, V),
            ids=_ids((B, T)),
        ),
        row("FeedForward", lambda: nn.FeedForward(8, 7, generator=0), (x,)),
        row("Sequential", lambda: nn.Sequential(nn.Linear(8, 7, generator=0), nn.LayerNorm(7)), (x,)),
        row("LearnedPositions", lambda: nn.LearnedPositions(9, 8, generator=0), positions=np.arange(T)),
        row("SinusoidalPositions", lambda: nn.SinusoidalPositions(8), positions=np.arange(T)),
        row("RotaryPositions", lambda: nn.RotaryPositions(), ((B, 2, T, 8),), positions=np.arange(T)),
        *(
            row(kind.__name__, lambda kind=kind: kind(8, 7, generator=0), (x,), _recurrent, mask=MASK)
            for kind in (nn.RNN, nn.GRU, nn.LSTM)
        ),
        row("CRF", lambda: nn.CRF(8, generator=0), (x,), tags=_ids((B, T), 8), mask=MASK),
        row("CRF.decode", lambda: nn.CRF(8, generator=0), (x,), _on_arrays("decode"), mask=MASK),
        row("CRF.marginals", lambda: nn.CRF(8, generator=0), (x,), _on_arrays("marginals"), mask=MASK),
        *(
            row(
                f"Attention: {kind}",
                lambda kind=kind: nn.Attention(kind, 8, 8, generator=0),
                (x, x),
                mask=MASK,
            )
            for kind in ("dot", "general", "additive")
        ),
        row(
            "MultiHeadAttention: lengths", attention, (x,), lambda m, x, mask: m(x, None, mask), mask=LENGTHS
        ),
        row("MultiHeadAttention.decode_step", attention, (x,), lambda m, x: m.decode_step(x, None)),
        row(
            "TransformerEncoderStack",
            lambda: nn.TransformerEncoderStack(**stack, generator=0),
            (x,),
            mask=LENGTHS,
        ),
        row(
            "TransformerDecoderStack",
            lambda: nn.TransformerDecoderStack(**stack, generator=0),
            (x, x),
            lambda m, x, memory, mask: m(x, m.project_kv(memory), mask),
            mask=LENGTHS,
        ),
    ]


def _recurrent(model: Any, x: Any, mask: Any) -> Any:
    return model(x, None, mask)


def _on_arrays(method: str) -> Any:
    return lambda model, x, *rest: getattr(model, method)(x.data if isinstance(x, Tensor) else x, *rest)


def _method(name: str) -> Any:
    return lambda model, *arrays: getattr(model, name)(*arrays)


def _step(model: Any, ids: Any) -> Any:
    return model.step(ids, model.start(B))[0]


def _text_models() -> list[Row]:
    sizes = {"embedding_size": 8, "hidden_size": 7, "num_layers": 2, "num_heads": 2, "max_length": 9}
    ids, batch = {"ids": _ids((B, T))}, {"ids": _ids((B, T)), "targets": TARGETS}
    lstm: Make = lambda: LanguageModel(LanguageModelConfig(V, embedding_size=8, hidden_size=7), generator=0)  # noqa: E731
    causal: Make = lambda: TransformerLanguageModel(  # noqa: E731
        TransformerLanguageModelConfig(vocab_size=V, **sizes), generator=0
    )
    encoder = TransformerEncoderConfig(vocab_size=V, **sizes)
    masked: Make = lambda: MaskedLanguageModel(encoder, generator=0)  # noqa: E731
    rows = []
    for name, make in (("LanguageModel", lstm), ("TransformerLanguageModel", causal)):
        rows += [
            row(name, make, **ids),
            row(f"{name}.loss", make, (), _method("loss"), **batch),
            row(f"{name}.token_losses", make, (), _method("token_losses"), **batch),
            row(f"{name}.step", make, (), _step, ids=_ids((B,))),
        ]
    rows += [
        row("MaskedLanguageModel", masked, **ids, lengths=LENGTHS),
        row("MaskedLanguageModel.loss", masked, (), _method("loss"), **batch, lengths=LENGTHS),
        row("MaskedLanguageModel.answers", masked, (), _method("answers"), **batch, lengths=LENGTHS),
    ]
    kinds: dict[str, Any] = {
        "bag": BagConfig(V, embedding_size=8),
        "recurrent": RecurrentConfig(V, embedding_size=8, hidden_size=7),
        "transformer": encoder,
    }
    for name, kind in kinds.items():
        make = lambda kind=kind: SequenceClassifier(SequenceClassifierConfig(kind, 4), generator=0)  # noqa: E731
        text = {"ids": _ids((B, T)), "lengths": LENGTHS}
        rows += [
            row(f"SequenceClassifier: {name}", make, **text),
            row(
                f"SequenceClassifier.loss: {name}",
                make,
                (),
                _method("loss"),
                **text,
                labels=np.array([3, 0, 2]),
            ),
            row(f"SequenceClassifier.log_probs: {name}", make, (), _method("log_probs"), **text),
        ]
    return rows


def _pair_models() -> list[Row]:
    sizes = {"embedding_size": 8, "hidden_size": 7}
    recurrent: Make = lambda: Seq2Seq(Seq2SeqConfig(V, 13, attention="general", **sizes), generator=0)  # noqa: E731
    config = TransformerSeq2SeqConfig(
        source_vocab_size=V, target_vocab_size=13, num_layers=1, num_heads=2, max_length=9, **sizes
    )
    pair = {"source": _ids((B, T)), "source_lengths": LENGTHS, "target_in": _ids((B, 4), 13)}
    both = pair | {"target_out": np.where(np.arange(4) < LENGTHS[:, None], _ids((B, 4), 13, 9), -1)}

    def step(model: Any, source: Any, lengths: Any, ids: Any) -> Any:
        return model.step(ids, model.start(B, (source, lengths)))[0]

    rows = []
    for name, make in (
        ("Seq2Seq", recurrent),
        ("TransformerSeq2Seq", lambda: TransformerSeq2Seq(config, generator=0)),
    ):
        rows += [
            row(name, make, **pair),
            row(f"{name}.loss", make, (), _method("loss"), **both),
            row(f"{name}.token_losses", make, (), _method("token_losses"), **both),
            row(f"{name}.attention_weights", make, (), _method("attention_weights"), **pair),
            row(f"{name}.step", make, (), step, source=pair["source"], lengths=LENGTHS, ids=_ids((B,), 13)),
        ]
    return rows


def _others() -> list[Row]:
    config = TaggerConfig(
        vocab_size=V,
        tags=5,
        letters=7,
        shapes=2,
        embedding_size=8,
        characters="cnn",
        character_embedding_size=3,
        character_hidden_size=2,
        shape_size=3,
        feature_columns=(4, 2),
        feature_size=2,
        encoder="lstm",
        hidden_size=6,
        num_heads=2,
        dropout=0.0,
    )
    batch = {
        "ids": _ids((B, T)),
        "lengths": LENGTHS,
        "words": _ids((B, T), 4),
        "letters": _ids((4, 6), 7),
        "letter_lengths": np.array([6, 1, 3, 4]),
        "shapes": _ids((B, T), 2),
        "feature_columns": _ids((B, T, 2), 2),
    }
    tags = np.where(MASK, _ids((B, T), 5), -1)

    def of_batch(method: str) -> Any:
        return lambda m, *arrays: getattr(m, method)(
            TaggerInput(**dict(zip(batch, arrays, strict=False))), *arrays[len(batch) :]
        )

    def images(name: str) -> list[Row]:
        make: Make = lambda: make_image_model(  # noqa: E731
            image_config(name, height=16, width=16, channels=1, classes=4), generator=0
        )
        arrays = _on_arrays("log_probs"), _on_arrays("loss")
        x = ((B, 16, 16, 1),)
        return [
            row(f"{name}.log_probs", make, x, arrays[0]),
            row(f"{name}.loss", make, x, arrays[1], labels=np.array([3, 0, 2])),
        ]

    def word2vec(model: str, loss: str) -> Row:
        make = lambda: Word2VecModel(Word2VecConfig(V, 7, model=model, loss=loss), generator=0)  # noqa: E731
        windows = {"contexts": _ids((B, 4)), "centres": _ids((B,), seed=6)}
        if loss == "negative-sampling":
            windows["negatives"] = _ids((B, 2) if model == "cbow" else (B, 4, 2))
        return row(f"Word2VecModel.loss: {model}, {loss}", make, (), _method("loss"), **windows)

    def on_encoder() -> Row:
        encoder = TransformerEncoderConfig(vocab_size=V, embedding_size=8, hidden_size=8, num_heads=2)
        make: Make = lambda: EncoderTagger(EncoderTaggerConfig(encoder, tags=5), generator=0)  # noqa: E731
        pieces = {"ids": _ids((B, 4)), "lengths": np.array([4, 2, 3])}
        places = {"first": np.array([[0, 2], [1, 0], [0, 2]]), "words": np.array([2, 1, 2])}
        return row(
            "EncoderTagger.decode_with_probabilities",
            make,
            (),
            lambda m, *arrays: m.decode_with_probabilities(PieceInput(*arrays)),
            **pieces,
            **places,
        )

    make: Make = lambda: Tagger(config, generator=0)  # noqa: E731
    return [
        on_encoder(),
        *(word2vec(model, loss) for model in MODELS for loss in LOSSES),
        row("Tagger.loss", make, (), of_batch("loss"), **batch, tags=tags),
        row("Tagger.evaluate", make, (), of_batch("evaluate"), **batch, tags=tags),
        row("Tagger.decode_with_probabilities", make, (), of_batch("decode_with_probabilities"), **batch),
        *(each for name in ("mlp", "simple-cnn", "deep-cnn") for each in images(name)),
    ]


MODULE_ROWS: list[Row] = [*_layers(), *_text_models(), *_pair_models(), *_others()]
