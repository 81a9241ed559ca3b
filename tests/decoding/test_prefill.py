"""A prompt is read in one pass, and the result is that of feeding it token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqkit.decoding import greedy
from seqkit.decoding.sampling import truncate
from seqkit.errors import UsageError
from seqkit.models import (
    LanguageModel,
    LanguageModelConfig,
    NGramConfig,
    NGramModel,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    fit_kneser_ney,
)

V = 11


def recurrent(cell: str) -> LanguageModel:
    config = LanguageModelConfig(V, embedding_size=5, hidden_size=7, num_layers=2, model=cell)
    return LanguageModel(config, generator=0).eval()


def transformer(**settings: Any) -> TransformerLanguageModel:
    config = TransformerLanguageModelConfig(
        V, embedding_size=12, hidden_size=13, num_layers=2, num_heads=3, init_std=0.5, **settings
    )
    return TransformerLanguageModel(config, generator=0).eval()


def kneser_ney() -> NGramModel:
    ids = np.random.default_rng(0).integers(0, V, 500)
    return fit_kneser_ney(ids, NGramConfig(V, eos_id=0, order=4))


MODELS = {
    "lstm": lambda: recurrent("lstm"),
    "gru": lambda: recurrent("gru"),
    "rnn": lambda: recurrent("rnn"),
    "transformer": lambda: transformer(max_length=64),
    "rotary": lambda: transformer(max_length=64, positions="rotary"),
    "a window of 7": lambda: transformer(max_length=7),
    "a window of 6": lambda: transformer(max_length=6),
    "a window of 1": lambda: transformer(max_length=1),
    "kneser-ney": kneser_ney,
}


class Stepping:
    """A model without a prefill."""

    def __init__(self, model: Any) -> None:
        self.start, self.step, self.reorder = model.start, model.step, model.reorder


@pytest.mark.parametrize("name", MODELS)
def test_prefill_equals_steps(name: str) -> None:
    """For prompts of all lengths, from the start and after some tokens, and what follows them."""
    model = MODELS[name]()
    ids = np.random.default_rng(1).integers(0, V, (3, 23))
    for before in (0, 1, 5):
        begun = model.start(3)
        for t in range(before):
            _, begun = model.step(ids[:, t], begun)
        state = begun
        for T in range(1, 23 - before):
            expected, state = model.step(ids[:, before + T - 1], state)
            found, after = model.prefill(ids[:, before : before + T], begun)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            if T in (1, 9):
                for pair in zip(
                    model.step(ids[:, 22], after)[:1], model.step(ids[:, 22], state)[:1], strict=True
                ):
                    np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_decoding_after_a_prompt(name: str) -> None:
    model = MODELS[name]()
    prompt = np.random.default_rng(2).integers(0, V, 9)
    settings: dict[str, Any] = {"batch": 3, "max_new_tokens": 6, "start_id": 1, "prompt": prompt}
    expected = greedy(Stepping(model), **settings)
    found = greedy(model, **settings)
    assert [row.ids for row in found] == [row.ids for row in expected]
    assert [row.log_prob for row in found] == pytest.approx([row.log_prob for row in expected], rel=1e-4)
    with pytest.raises(UsageError, match=f"expected prompt to hold ids between 0 and {V - 1}, got {V}"):
        greedy(model, **{**settings, "prompt": [V]})


def test_a_prompt_is_read_once_for_all_rows() -> None:
    read = []

    class Recorded(LanguageModel):
        def prefill(self, ids: Any, state: Any) -> Any:
            read.append(ids.shape)
            return super().prefill(ids, state)

    model = Recorded(LanguageModelConfig(V, embedding_size=4, hidden_size=4), generator=0)
    greedy(model, batch=5, max_new_tokens=2, start_id=1, prompt=[3, 4, 5])
    assert read == [(1, 4), (5, 1)]


def by_full_sort(p: np.ndarray, top_k: int | None, top_p: float | None) -> np.ndarray:
    out = np.zeros_like(p)
    for row, kept in zip(p, out, strict=True):
        ids = sorted(range(len(row)), key=lambda i: (-row[i], i))[:top_k]
        total = sum(row[ids])
        mass = 0.0
        for i in ids:
            if top_p is not None and mass >= top_p * total:
                break
            kept[i] = row[i]
            mass += row[i]
    return out


@pytest.mark.parametrize("size", [1, 7, 300, 3000])
@pytest.mark.parametrize("top_k", [None, 1, 5, 400])
@pytest.mark.parametrize("top_p", [None, 0.01, 0.5, 0.9, 0.999])
def test_partial_selection_equals_a_full_sort(size: int, top_k: int | None, top_p: float | None) -> None:
    random = np.random.default_rng(3)
    rows = [
        np.full(size, 1 / size),  # all equal
        random.integers(1, 4, size) / 64,  # many equal
        np.exp(random.standard_normal(size) * 3),
        np.exp(random.standard_normal(size) * 0.1),
        np.where(np.arange(size) % 2, 0, 0.25),  # none of many
    ]
    p = np.stack(rows)
    p[:, 0] += 1e-3
    found = truncate(p.copy(), top_k, top_p)
    np.testing.assert_array_equal(found, by_full_sort(p, top_k, top_p))
