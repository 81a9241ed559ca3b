"""Greedy decoding on tables that can be followed by hand."""

import math

import numpy as np
import pytest

from seqkit.backend import ArrayBackend, register_backend, unregister_backend
from seqkit.decoding import Generated, greedy, sample
from seqkit.errors import UsageError

# After 0: 1. After 1: 2. After 2: 3, nearly 0. After 3: 0.
CHAIN = [
    [0.1, 0.6, 0.2, 0.1],
    [0.1, 0.1, 0.7, 0.1],
    [0.3, 0.1, 0.2, 0.4],
    [0.9, 0.05, 0.03, 0.02],
]


def test_the_likeliest_path(table_model):
    [result] = greedy(table_model(CHAIN), max_new_tokens=5, start_id=0)
    assert result.ids == [1, 2, 3, 0, 1]
    assert result.log_prob == pytest.approx(math.log(0.6 * 0.7 * 0.4 * 0.9 * 0.6), rel=1e-14)
    assert not result.stopped


def test_a_stop_id_ends_the_row_and_counts_in_its_log_probability(table_model):
    model = table_model(CHAIN)
    [result] = greedy(model, max_new_tokens=5, start_id=0, stop=[3])
    assert result.ids == [1, 2]
    assert result.log_prob == pytest.approx(math.log(0.6 * 0.7 * 0.4), rel=1e-14)
    assert result.stopped
    assert model.fed == [[0], [1], [2]]  # nothing after the stop id


def test_a_stop_id_as_the_last_token_allowed(table_model):
    [result] = greedy(table_model(CHAIN), max_new_tokens=3, start_id=0, stop=[3])
    assert (result.ids, result.stopped) == ([1, 2], True)


def test_banned_ids_give_way_to_the_next_best(table_model):
    # after 2 the likeliest is 3; without it 0; then 1 and 2 again. log_prob stays the model's own.
    [result] = greedy(table_model(CHAIN), max_new_tokens=4, start_id=0, banned=[3])
    assert result.ids == [1, 2, 0, 1]
    assert result.log_prob == pytest.approx(math.log(0.6 * 0.7 * 0.3 * 0.6), rel=1e-14)


def test_the_prompt_is_fed_and_not_returned(table_model):
    model = table_model(CHAIN)
    [result] = greedy(model, max_new_tokens=2, start_id=0, prompt=[3, 2])
    assert model.fed == [[0], [3], [2], [3]]
    assert result.ids == [3, 0]
    assert result.log_prob == pytest.approx(math.log(0.4 * 0.9), rel=1e-14)


def test_a_prompt_may_hold_banned_and_stop_ids(table_model):
    [result] = greedy(table_model(CHAIN), max_new_tokens=2, start_id=0, prompt=[3], banned=[3], stop=[1])
    assert (result.ids, result.stopped) == ([0], True)


def test_equals_go_to_the_lowest_id(table_model):
    [result] = greedy(table_model([[0.2, 0.4, 0.4]] * 3), max_new_tokens=2, start_id=0)
    assert result.ids == [1, 1]


def test_context_reaches_the_model(table_model):
    model, source = table_model(CHAIN), object()
    greedy(model, batch=3, max_new_tokens=1, start_id=0, context=source)
    assert model.started == [(3, source)]


def test_batched_equals_one_by_one(history_model):
    # The rows of a batch start alike, so greedy rows are alike too; ids that end in different rows at
    # different times are the subject of test_sampling.py.
    table = np.random.default_rng(0).dirichlet(np.ones(7), 7).tolist()
    [alone] = greedy(history_model(table), max_new_tokens=11, start_id=3, prompt=[2, 5])
    together = greedy(history_model(table), batch=5, max_new_tokens=11, start_id=3, prompt=[2, 5])
    assert together == [alone] * 5
    assert len(set(alone.ids)) > 1


def test_float32_log_probabilities_are_summed_in_float64(table_model):
    model = table_model([[0.1, 0.9], [0.1, 0.9]])
    model.log_table = model.log_table.astype(np.float32)
    [result] = greedy(model, max_new_tokens=1000, start_id=0)
    assert result.log_prob == pytest.approx(1000 * float(np.float32(math.log(0.9))), rel=1e-13)


def test_a_result_is_plain_values(table_model):
    [result] = greedy(table_model(CHAIN), max_new_tokens=2, start_id=0)
    assert isinstance(result, Generated)
    assert [type(i) for i in result.ids] == [int, int]
    assert (type(result.log_prob), type(result.stopped)) == (float, bool)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"batch": 0}, "expected batch to be an integer of at least 1, got 0"),
        ({"max_new_tokens": 0}, "expected max_new_tokens to be an integer of at least 1, got 0"),
        ({"max_new_tokens": 2.5}, "expected max_new_tokens to be an integer of at least 1, got 2.5"),
        ({"banned": [0, 1, 2, 3]}, "expected banned to leave an id to produce, got all 4"),
        ({"banned": [4]}, "expected banned to hold ids between 0 and 3, got 4"),
        ({"stop": [-1]}, "expected stop to hold ids between 0 and 3, got -1"),
        ({"prompt": [0, 9]}, "expected prompt to hold ids between 0 and 3, got 9"),
        ({"prompt": [[1, 2]]}, r"expected prompt to be a flat list of ids, got \[\[1, 2\]\]"),
        ({"stop": [0.5]}, r"expected stop to be a flat list of ids, got \[0\.5\]"),
    ],
)
def test_settings_out_of_range(table_model, settings, match):
    with pytest.raises(UsageError, match=match):
        greedy(table_model(CHAIN), **{"max_new_tokens": 2, "start_id": 0, **settings})


@pytest.mark.parametrize("broken", [math.nan, -math.inf])
def test_a_row_without_a_finite_log_probability_is_named(table_model, broken):
    model = table_model(CHAIN)
    model.log_table[1] = broken
    with pytest.raises(UsageError, match=f"finite log-probability in row 0 .*{broken}"):
        greedy(model, max_new_tokens=3, start_id=0)


class DeviceArray:
    """Stands in for a GPU array: nothing but its shape can be had without going through the backend."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.shape = values.shape

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError("implicit conversion to a NumPy array")


def test_log_probabilities_cross_from_the_device_through_the_backend(table_model):
    class DeviceModel(type(table_model(CHAIN))):
        def step(self, ids, state):
            log_probs, state = super().step(ids, state)
            return DeviceArray(log_probs), state

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is sent to the device by the decoder")

    expected = sample(table_model(CHAIN), max_new_tokens=5, start_id=0, generator=3)
    register_backend(ArrayBackend("toy", DeviceArray, None, refuse, lambda x: x._values, lambda _: 0))
    try:
        assert sample(DeviceModel(CHAIN), max_new_tokens=5, start_id=0, generator=3) == expected
    finally:
        unregister_backend("toy")
