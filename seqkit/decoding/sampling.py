"""Sampling with temperature, top-k and nucleus (top-p) truncation."""

import math
from collections.abc import Callable, Sequence
from numbers import Integral

import numpy as np

from seqkit.backend import Array, to_numpy
from seqkit.backend.random import as_generator
from seqkit.decoding.greedy import take_likeliest
from seqkit.decoding.loop import Generated, decode, require_finite
from seqkit.decoding.prefill import Prefilled
from seqkit.decoding.protocol import Decodable, UniformSource
from seqkit.errors import UsageError


def sample(
    model: Decodable,
    *,
    batch: int = 1,
    max_new_tokens: int,
    start_id: int,
    generator: UniformSource | int | None = None,
    prompt: Sequence[int] | np.ndarray | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    banned: Sequence[int] = (),
    stop: Sequence[int] = (),
    context: object = None,
    with_attention: bool = False,
    on_id: Callable[[int], None] | None = None,
) -> list[Generated]:
    """Generate sequences drawn from a model.

    The probabilities of the next id are raised to 1/``temperature``, cut to the ``top_k`` likeliest ids,
    renormalised, and cut to the smallest set of likeliest ids whose mass reaches ``top_p`` (nucleus sampling,
    Holtzman et al. 2020); among equals the lower id counts as likelier.

    Args:
        model: A :class:`~seqkit.decoding.Decodable`.
        batch: Number of sequences.
        max_new_tokens: Their greatest length.
        start_id: Id that is fed to every row first.
        generator: A :class:`seqkit.Generator`, a seed, or None for fresh entropy. It gives one number for
            each of the rows a step, finished or not, so that a row's result does not depend on when the
            others end.
        prompt: Ids (P,) that are fed to every row next.
        temperature: 0 takes the likeliest id.
        top_k: None keeps all ids.
        top_p: None keeps all ids.
        banned: Ids that are never produced.
        stop: Ids that end a row.
        context: Argument of ``model.start``, such as a source sentence.
        with_attention: Also return the attention weights of an :class:`~seqkit.decoding.Attentive` model.
        on_id: Called with each new id as it is chosen, but not with the stop id; for one sequence.

    Returns:
        A :class:`~seqkit.decoding.Generated` for each row.

    Raises:
        UsageError: A setting out of range or without effect, ids outside the vocabulary, all ids banned, no
            id left with a finite log-probability, or attention of a model that is not Attentive.
    """
    check_sampling(temperature, top_k, top_p)
    source = (
        as_generator(generator, "sampling") if generator is None or isinstance(generator, int) else generator
    )

    def draw(on_device: Array, start: Prefilled, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_probs = np.array(to_numpy(on_device), np.float64)  # the one crossing from a GPU
        log_probs[:, start.banned] = -np.inf
        require_finite(log_probs.max(axis=1), rows)
        p = truncate(tempered(log_probs, temperature), top_k, top_p)
        ids = inverse_cdf(p, source.uniform((batch,), dtype=np.float64)[rows])
        return ids, log_probs[np.arange(len(ids)), ids]

    return decode(
        model,
        draw if temperature > 0 else take_likeliest,
        batch=batch,
        max_new_tokens=max_new_tokens,
        start_id=start_id,
        prompt=prompt,
        banned=banned,
        stop=stop,
        context=context,
        with_attention=with_attention,
        on_id=on_id,
    )


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Raise UsageError for arguments of :func:`sample` that are out of range, or without effect."""
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UsageError(f"expected temperature to be 0 or a positive finite number, got {temperature}")
    if top_k is not None and (not isinstance(top_k, Integral) or top_k < 1):
        raise UsageError(f"expected top_k to be an integer of at least 1, got {top_k!r}")
    if top_p is not None and not 0 < top_p <= 1:
        raise UsageError(f"expected top_p to be above 0 and at most 1, got {top_p}")
    for name, value in (("top_k", top_k), ("top_p", top_p)):
        if temperature == 0 and value is not None:
            raise UsageError(f"{name} has no effect here: it is for sampling, with temperature above 0")


def tempered(log_probs: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (B, V) in proportion to exp(log_probs / temperature)."""
    with np.errstate(over="ignore"):  # a tiny temperature sends all but the best to exp(-inf) = 0
        p = np.exp((log_probs - log_probs.max(axis=1, keepdims=True)) / temperature)
    return p / p.sum(axis=1, keepdims=True)


def truncate(p: np.ndarray, top_k: int | None, top_p: float | None) -> np.ndarray:
    """Cut the rows of ``p`` (B, V) to their likeliest ids; not renormalised. Returns ``p`` or a new array."""
    if (top_k is None or top_k >= p.shape[1]) and (top_p is None or top_p == 1):
        return p
    out = np.zeros_like(p)
    for row, kept in zip(p, out, strict=True):
        ids = _likeliest(row, len(row) if top_k is None else top_k, 1.0 if top_p is None else top_p)
        kept[ids] = row[ids]
    return out


def _likeliest(p: np.ndarray, count: int, mass: float) -> np.ndarray:
    """Return the ``count`` likeliest ids of ``p`` (V,), cut to the fewest that hold ``mass`` of their sum.

    Only as many are sorted as it takes: 256, then eight times as many, and so on.
    """
    V = len(p)
    bounded, size, goal = count < V, min(count, V), mass * p.sum()
    if not bounded:
        size = min(256, V)
    while True:
        ids = np.flatnonzero(p >= np.partition(p, V - size)[V - size])  # all that equal the last as well
        ids = ids[np.argsort(-p[ids], kind="stable")]
        if bounded:
            ids = ids[:count]
        sums = np.cumsum(p[ids])
        if bounded:
            goal = mass * sums[-1]
        if bounded or len(ids) == V or sums[-1] >= goal:
            return ids if mass == 1 else ids[: int(np.searchsorted(sums, goal)) + 1]
        size = min(8 * size, V)


def inverse_cdf(p: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the ids (B,) at which the running sums of the rows of ``p`` (B, V) pass ``u`` (B,) of their
    totals.

    An id of probability 0 is never returned, for any ``u`` in [0, 1).
    """
    cdf = np.cumsum(p, axis=1)
    # u <= 1 - 2^-53, so u * total rounds to less than the total and the count ends before V: a float64's
    # neighbour below is at most 2^-52 of it away, and ties do not arise.
    return np.sum(cdf <= (u * cdf[:, -1])[:, None], axis=1)
