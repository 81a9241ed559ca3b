"""Results of decoding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Generated:
    """A generated sequence.

    ``ids`` (T,) are the new ids, without the start id, the prompt and the stop id. ``log_prob`` is the sum of
    the model's own natural-log probabilities, in float64, of the new ids and the stop id if there was one:
    before temperature, truncation and bans. ``stopped`` is True if a stop id ended it; else it was cut at the
    number of tokens allowed.

    ``attention`` (T, S), if it was requested and the model has it: row t holds the weights over the S source
    positions with which ``ids[t]`` was predicted. It takes no part in comparisons.
    """

    ids: list[int]
    log_prob: float
    stopped: bool
    attention: np.ndarray | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True)
class Hypothesis(Generated):
    """A sequence found by a search; ``score`` ranks it, the higher the better."""

    score: float
