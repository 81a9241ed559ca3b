"""Greedy decoding: the likeliest id at every step."""

from collections.abc import Callable, Sequence

import numpy as np

from seqkit.backend import Array
from seqkit.decoding.loop import Generated, decode, likeliest, require_finite
from seqkit.decoding.prefill import Prefilled
from seqkit.decoding.protocol import Decodable


def take_likeliest(log_probs: Array, start: Prefilled, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the id of the highest log-probability in each row (B, V), the lowest id among equals."""
    best, ids = likeliest(log_probs, start.excluded, 1)
    require_finite(best[:, 0], rows)
    return ids[:, 0], best[:, 0]


def greedy(
    model: Decodable,
    *,
    batch: int = 1,
    max_new_tokens: int,
    start_id: int,
    prompt: Sequence[int] | np.ndarray | None = None,
    banned: Sequence[int] = (),
    stop: Sequence[int] = (),
    context: object = None,
    with_attention: bool = False,
    on_id: Callable[[int], None] | None = None,
) -> list[Generated]:
    """Generate ``batch`` sequences by the likeliest id at every step.

    Arguments, result and errors as of :func:`~seqkit.decoding.sample`.
    """
    return decode(
        model,
        take_likeliest,
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
