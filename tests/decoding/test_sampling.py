"""Sampling: supports and values by hand, frequencies against exact probabilities, batches against rows."""

import math

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.decoding import Generated, greedy, sample
from seqkit.decoding.sampling import inverse_cdf, tempered, truncate
from seqkit.errors import UsageError

P = np.array([0.4, 0.3, 0.2, 0.1])
FLAT = [P.tolist()] * 4  # every step draws from P, whatever came before
DRAWS = 20_000


def frequencies(model, **settings) -> np.ndarray:
    """(V,) how often each id comes up in DRAWS independent draws of one token."""
    results = sample(
        model, batch=DRAWS, max_new_tokens=1, start_id=0, generator=Generator(7, "sampling"), **settings
    )
    return np.bincount([r.ids[0] for r in results], minlength=4) / DRAWS


def assert_frequencies(observed: np.ndarray, expected: np.ndarray) -> None:
    """Within 5 standard errors, sqrt(p (1 - p) / DRAWS), at most 0.018; exactly 0 where p is 0."""
    assert np.all(np.abs(observed - expected) <= 5 * np.sqrt(expected * (1 - expected) / DRAWS))


def test_frequencies_are_the_model_s_probabilities(table_model):
    assert_frequencies(frequencies(table_model(FLAT)), P)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_is_a_power_of_the_probabilities(table_model, temperature):
    expected = P ** (1 / temperature)
    assert_frequencies(frequencies(table_model(FLAT), temperature=temperature), expected / expected.sum())


def test_top_k_keeps_the_likeliest(table_model):
    assert_frequencies(frequencies(table_model(FLAT), top_k=2), np.array([4 / 7, 3 / 7, 0, 0]))


def test_top_p_keeps_the_smallest_set_that_reaches_it(table_model):
    # 0.4 + 0.3 falls short of 0.75, 0.4 + 0.3 + 0.2 reaches it
    assert_frequencies(frequencies(table_model(FLAT), top_p=0.75), np.array([4 / 9, 3 / 9, 2 / 9, 0]))


def test_top_k_comes_before_top_p(table_model):
    # of 4/9, 3/9, 2/9 the first two reach 0.75 (7/9); of the untruncated 0.4, 0.3 they would not
    assert_frequencies(frequencies(table_model(FLAT), top_k=3, top_p=0.75), np.array([4 / 7, 3 / 7, 0, 0]))


def test_banned_ids_never_appear_and_the_rest_is_renormalised(table_model):
    assert_frequencies(frequencies(table_model(FLAT), banned=[0, 2]), np.array([0, 0.75, 0, 0.25]))


def test_bans_come_before_top_k(table_model):
    assert_frequencies(frequencies(table_model(FLAT), banned=[0], top_k=2), np.array([0, 0.6, 0.4, 0]))


@pytest.mark.parametrize(
    ("top_k", "top_p", "expected"),
    [
        (None, None, [0.4, 0.3, 0.2, 0.1]),
        (1, None, [0.4, 0, 0, 0]),
        (3, None, [0.4, 0.3, 0.2, 0]),
        (9, None, [0.4, 0.3, 0.2, 0.1]),
        (None, 1.0, [0.4, 0.3, 0.2, 0.1]),
        (None, 1e-9, [0.4, 0, 0, 0]),  # never empty
        (None, 0.4, [0.4, 0, 0, 0]),  # reached exactly
        (None, 0.41, [0.4, 0.3, 0, 0]),
        (2, 0.5, [0.4, 0, 0, 0]),  # 0.4 / 0.7 reaches it
    ],
)
def test_truncation_support(top_k, top_p, expected):
    shuffled = [2, 0, 3, 1]
    np.testing.assert_array_equal(truncate(P[None], top_k, top_p)[0], expected)
    np.testing.assert_array_equal(truncate(P[None, shuffled], top_k, top_p)[0], np.array(expected)[shuffled])


def test_truncation_keeps_the_lower_id_among_equals():
    np.testing.assert_array_equal(truncate(np.full((1, 4), 0.25), 2, None), [[0.25, 0.25, 0, 0]])
    np.testing.assert_array_equal(truncate(np.full((1, 4), 0.25), None, 0.6), [[0.25, 0.25, 0.25, 0]])


def test_tempered_by_hand():
    # sqrt(0.64) : sqrt(0.36) = 0.8 : 0.6
    np.testing.assert_allclose(tempered(np.log([[0.64, 0.36]]), 2.0), [[8 / 14, 6 / 14]], rtol=1e-14)


def test_extreme_temperatures_stay_finite():
    log_p = np.array([[-1e4, -1e4 - 1, -np.inf]])
    np.testing.assert_array_equal(tempered(log_p, 5e-324), [[1, 0, 0]])
    np.testing.assert_allclose(tempered(log_p, 1e300), [[0.5, 0.5, 0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("u", "expected"),
    [(0.0, 1), (0.29, 1), (0.31, 2), (0.49, 2), (0.51, 4), (0.99, 4), (1 - 2**-53, 4)],
)
def test_inverse_cdf_skips_ids_of_probability_zero(u, expected):
    p = np.array([[0.0, 0.3, 0.2, 0.0, 0.5, 0.0]])
    assert inverse_cdf(p, np.array([u])).tolist() == [expected]
    assert inverse_cdf(p * 7, np.array([u])).tolist() == [expected]  # need not be normalised


def test_inverse_cdf_of_a_sum_below_one_returns_the_last_possible_id():
    # Ten times 0.1, added one by one, make 1 - 2^-53: a u above that must still find an id.
    p = np.array([[0.1] * 10 + [0.0]])
    assert np.cumsum(p[0])[-1] < 1
    assert inverse_cdf(p, np.array([1 - 2**-53])).tolist() == [9]


def test_a_path_by_hand(table_model, scripted):
    # u picks along the running sums .4 .7 .9 1: 0.5 -> 1, 0.95 -> 3, 0.1 -> 0
    [result] = sample(
        table_model(FLAT),
        max_new_tokens=3,
        start_id=0,
        generator=scripted([0.5], [0.95], [0.1]),
        temperature=1.0,
    )
    assert result.ids == [1, 3, 0]
    assert result.log_prob == pytest.approx(math.log(0.3 * 0.1 * 0.4), rel=1e-14)


def test_log_prob_is_the_model_s_own_under_temperature_truncation_and_bans(table_model, scripted):
    [result] = sample(
        table_model(FLAT),
        max_new_tokens=2,
        start_id=0,
        generator=scripted([0.0], [0.999]),
        temperature=0.7,
        top_k=2,
        banned=[0],
    )
    assert result.ids == [1, 2]
    assert result.log_prob == pytest.approx(math.log(0.3 * 0.2), rel=1e-14)


def test_temperature_zero_is_greedy_and_draws_nothing(history_model, scripted):
    table = np.random.default_rng(1).dirichlet(np.ones(5), 5).tolist()
    settings = {"batch": 2, "max_new_tokens": 9, "start_id": 1, "prompt": [4], "banned": [0], "stop": [3]}
    sampled = sample(history_model(table), generator=scripted(), temperature=0, **settings)
    assert sampled == greedy(history_model(table), **settings)


def test_rows_that_stop_at_different_times(table_model, scripted):
    # Id 3 stops. Row 0: 1, 3. Row 1: 0, 0, 0. Row 2: 3 at once. A finished row's number is drawn and unused.
    model = table_model(FLAT)
    results = sample(
        model,
        batch=3,
        max_new_tokens=3,
        start_id=0,
        generator=scripted([0.5, 0.1, 0.95], [0.95, 0.2, 0.5], [0.5, 0.3, 0.5]),
        stop=[3],
    )
    assert [(r.ids, r.stopped) for r in results] == [([1], True), ([0, 0, 0], False), ([], True)]
    log_probs = [math.log(0.3 * 0.1), math.log(0.4**3), math.log(0.1)]
    assert [r.log_prob for r in results] == pytest.approx(log_probs, rel=1e-14)
    assert model.fed == [[0], [1, 0], [0]]  # rows that begin alike are read once, finished ones no more


def test_batched_equals_one_by_one(history_model, scripted):
    table = np.random.default_rng(2).dirichlet(np.ones(7), 7).tolist()
    numbers = np.random.default_rng(3).random((13, 6))  # of each step and row
    settings = {"max_new_tokens": 13, "start_id": 2, "prompt": [5, 1], "stop": [4], "top_p": 0.9}
    together = sample(history_model(table), batch=6, generator=scripted(*numbers.tolist()), **settings)
    for row, result in enumerate(together):
        alone = sample(history_model(table), generator=scripted(*numbers[:, [row]].tolist()), **settings)
        assert alone[0].ids == result.ids
        assert alone[0].log_prob == pytest.approx(result.log_prob, rel=1e-14)
        assert alone[0].stopped == result.stopped
    assert len({len(r.ids) for r in together}) > 2, "the rows must end at different times"


def test_one_seed_one_result(table_model):
    def draw(seed: int) -> list[Generated]:
        return sample(table_model(FLAT), batch=4, max_new_tokens=20, start_id=0, generator=Generator(seed))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_kneser_ney_model_generates():
    from seqkit.models.ngrams import NGramConfig, fit_kneser_ney

    ids = np.array([1, 2, 3, 0] * 20 + [2, 1, 0] * 20)
    model = fit_kneser_ney(ids, NGramConfig(vocab_size=5, order=3, eos_id=0))
    results = sample(
        model,
        batch=8,
        max_new_tokens=30,
        start_id=0,
        stop=[0],
        banned=[4],
        generator=Generator(3),
        prompt=[1],
    )
    for result in results:
        assert 4 not in result.ids
        assert 0 not in result.ids
        line = np.array([1, *result.ids, *([0] if result.stopped else [])])
        assert result.log_prob == pytest.approx(model.log_probs(line)[1:].sum(), rel=1e-12)
    assert any(r.stopped for r in results)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"temperature": -0.1}, r"expected temperature to be 0 or a positive finite number, got -0\.1"),
        ({"temperature": math.nan}, "got nan"),
        ({"temperature": math.inf}, "got inf"),
        ({"top_k": 0}, "expected top_k to be an integer of at least 1, got 0"),
        ({"top_k": 2.5}, r"expected top_k to be an integer of at least 1, got 2\.5"),
        ({"top_p": 0.0}, r"expected top_p to be above 0 and at most 1, got 0\.0"),
        ({"top_p": 1.1}, r"got 1\.1"),
        ({"top_p": math.nan}, "got nan"),
        ({"banned": [0, 1, 2, 3]}, "expected banned to leave an id to produce, got all 4"),
    ],
)
def test_settings_out_of_range(table_model, settings, match):
    with pytest.raises(UsageError, match=match):
        sample(table_model(FLAT), max_new_tokens=2, start_id=0, generator=Generator(0), **settings)
