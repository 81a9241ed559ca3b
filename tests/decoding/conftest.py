"""A model small enough to follow by hand: the next id depends on the last one, or on the last two."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


class TableModel:
    """``table[i]`` (V,) are the probabilities after id i; it records what it was asked."""

    def __init__(self, table: list[list[float]]) -> None:
        with np.errstate(divide="ignore"):
            self.log_table = np.log(np.array(table))
        self.started: list[tuple[int, Any]] = []
        self.fed: list[list[int]] = []

    def start(self, batch: int, context: Any = None) -> np.ndarray:
        self.started.append((batch, context))
        return np.zeros((batch, 0), np.int64)

    def step(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert type(ids) is np.ndarray
        assert ids.dtype == np.int64
        assert len(ids) == len(state)
        self.fed.append(ids.tolist())
        return self.log_table[ids], np.concatenate([state, ids[:, None]], axis=1)  # the state: all ids so far

    def reorder(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return state[rows]


class HistoryModel(TableModel):
    """Looks at its state: after ids i, j the probabilities are those of ``table[(i + 2 j) mod V]``."""

    def step(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        before = state[:, -1] if state.shape[1] else 0
        _, after = super().step(ids, state)
        return self.log_table[(before + 2 * ids) % len(self.log_table)], after


class AttentiveModel(HistoryModel):
    """Rows are conditioned on numbers, ``context`` (B,): each shifts the table and is seen in the weights.

    The weights (B, 3) of a row: its source, the last id fed, and how many were fed. They tell every row and
    step from any other, so that a weight in the wrong place cannot pass.
    """

    def start(self, batch: int, context: Any = None) -> tuple[np.ndarray, np.ndarray]:
        sources = np.zeros(batch, np.int64) if context is None else np.asarray(context)
        assert sources.shape == (batch,)
        return sources, super().start(batch, context)

    def step(self, ids: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        sources, fed = state
        before = fed[:, -1] if fed.shape[1] else 0
        rows = (before + 2 * ids + 3 * sources) % len(self.log_table)
        return self.log_table[rows], (sources, TableModel.step(self, ids, fed)[1])

    def reorder(self, state: Any, rows: np.ndarray) -> Any:
        return tuple(part[rows] for part in state)

    def attention_of(self, state: Any) -> np.ndarray:
        sources, fed = state
        return np.stack([sources, fed[:, -1], np.full(len(fed), fed.shape[1])], axis=1).astype(np.float32)


@pytest.fixture
def attentive_model() -> Callable[[list[list[float]]], AttentiveModel]:
    return AttentiveModel


@pytest.fixture
def table_model() -> Callable[[list[list[float]]], TableModel]:
    return TableModel


@pytest.fixture
def history_model() -> Callable[[list[list[float]]], HistoryModel]:
    return HistoryModel


class Scripted:
    """A generator that returns given numbers, (B,) a step, and fails when asked for more or other shapes."""

    def __init__(self, *steps: list[float]) -> None:
        self.steps = [np.array(step, np.float64) for step in steps]

    def uniform(self, shape: tuple[int, ...], *, dtype: Any) -> np.ndarray:
        assert dtype is np.float64
        step = self.steps.pop(0)
        assert step.shape == shape
        return step


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted
