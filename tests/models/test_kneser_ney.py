"""Kneser-Ney: values derived by hand, a plain-dict oracle, and the published figure on PTB."""

import copy
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from seqkit.backend import data_dir
from seqkit.backend.kernels.ngrams import reference
from seqkit.errors import DamagedFileError, DataError, SeqkitError, ShapeError, UsageError
from seqkit.models.ngrams import NGramConfig, NGramModel, Unigram, fit_kneser_ney
from seqkit.models.ngrams import model as ngram_model
from seqkit.models.ngrams.counting import continuation_counts, count_orders
from seqkit.models.ngrams.kneser_ney import discounts
from seqkit.models.ngrams.quantization import quantize
from seqkit.models.ngrams.runs import _ranges, _sorted
from seqkit.models.ngrams.storage import Storage
from seqkit.models.ngrams.trie import NGramTrie, padded_lines

EOS, A, B = 0, 1, 2
fit = partial(fit_kneser_ney, dtype=np.float64)
TOY = np.array([A, B, EOS, A, EOS])  # two lines: "a b", "a"


def toy(order: int) -> NGramModel:
    return fit(TOY, NGramConfig(vocab_size=3, order=order, eos_id=EOS))


def random_stream(seed: int, vocab_size: int, length: int) -> np.ndarray:
    """A Markov chain, so that longer contexts repeat; about one id in six ends a line."""
    rng = np.random.default_rng(seed)
    noise = rng.random(length)
    ids = np.zeros(length, np.int64)
    for t in range(1, length):
        if noise[t] < 0.6:
            ids[t] = (3 * ids[t - 1] + 1) % vocab_size
        else:
            ids[t] = int(vocab_size * (noise[t] - 0.6) / 0.4)
    return ids


def distribution_after(model: NGramModel, line: list[int]) -> np.ndarray:
    """(V,) probabilities after ``line`` at the start of a line, token by token through ``step``."""
    state = model.start(1)
    for i in [model.config.eos_id, *line]:
        log_p, state = model.step(np.array([i]), state)
    return np.exp(log_p[0])


# Values by hand.
#
# Padded, the toy corpus is "s a b . s a ." with s the start symbol and . the end of a line.
# Order 2, raw counts:     s a 2, a b 1, b . 1, a . 1.   n1 = 3, n2 = 1, n3 = 0.
#   Y = 3 / (3 + 2·1) = 0.6;  D1 = 1 - 2·0.6·1/3 = 0.6;  D2 needs n3 > 0: fallback 1.
# Order 1, distinct words to the left: a {s} 1, b {a} 1, . {b, a} 2.   n1 = 2, n2 = 1.
#   Y = 2 / (2 + 2·1) = 0.5;  D1 = 1 - 2·0.5·1/2 = 0.5;  D2: fallback 1.
# Unigrams: the discounts free (0.5 + 0.5 + 1) / 4 = 1/2, so with V = 3
#   p(a) = 0.5/4 + 1/2·1/3 = 7/24 = p(b);   p(.) = (2 - 1)/4 + 1/6 = 10/24.
UNIGRAM = np.array([10, 7, 7]) / 24  # in the order of the ids: . a b
BIGRAM = {
    # after s: "s a" 2 of 2, discount 1, so half goes to the unigrams
    "start": np.array([10 / 48, 1 / 2 + 7 / 48, 7 / 48]),
    # after a: "a b" and "a ." 1 of 2, each keeps (1 - 0.6)/2 = 0.2; 0.6 goes to the unigrams
    "a": np.array([0.2 + 0.6 * 10 / 24, 0.6 * 7 / 24, 0.2 + 0.6 * 7 / 24]),
    # after b: "b ." 1 of 1 keeps 0.4; 0.6 goes to the unigrams
    "b": np.array([0.4 + 0.6 * 10 / 24, 0.6 * 7 / 24, 0.6 * 7 / 24]),
}


def test_discounts_of_the_toy_corpus():
    np.testing.assert_allclose(discounts(np.array([2, 1, 1])), [0, 0.5, 1, 1.5], rtol=1e-15)
    np.testing.assert_allclose(discounts(np.array([2, 1, 1, 1])), [0, 0.6, 1, 1.5], rtol=1e-15)


def test_bigram_by_hand():
    model = toy(2)
    np.testing.assert_allclose(distribution_after(model, []), BIGRAM["start"], rtol=1e-14)
    np.testing.assert_allclose(distribution_after(model, [A]), BIGRAM["a"], rtol=1e-14)
    np.testing.assert_allclose(distribution_after(model, [B]), BIGRAM["b"], rtol=1e-14)
    np.testing.assert_allclose(distribution_after(model, [A, EOS]), BIGRAM["start"], rtol=1e-14)


def test_log_probs_by_hand():
    p = [BIGRAM["start"][A], BIGRAM["a"][B], BIGRAM["b"][EOS], BIGRAM["start"][A], BIGRAM["a"][EOS]]
    np.testing.assert_allclose(toy(2).log_probs(TOY), np.log(p), rtol=1e-14)


def test_trigram_by_hand():
    # Trigrams: s a b 1, a b . 1, s a . 1: n2 = 0, so D1 falls back to 0.5. Bigrams: "s a" has nothing to its
    # left and keeps its raw count 2; the others have one word to their left: the counts of order 2 again.
    model = toy(3)
    np.testing.assert_allclose(distribution_after(model, []), BIGRAM["start"], rtol=1e-14)
    # after s a: b and . keep (1 - 0.5)/2 = 0.25 each, 0.5 goes to p(· | a)
    expected = 0.5 * BIGRAM["a"] + np.array([0.25, 0, 0.25])
    np.testing.assert_allclose(distribution_after(model, [A]), expected, rtol=1e-14)
    # after s b, never seen: p(· | b)
    np.testing.assert_allclose(distribution_after(model, [B]), BIGRAM["b"], rtol=1e-14)


def test_order_one_counts_tokens_not_contexts():
    # Raw counts: . 2, a 2, b 1: n1 = 1, n2 = 2, n3 = 0. Y = 1 / (1 + 2·2) = 0.2,
    # D1 = 1 - 2·0.2·2/1 = 0.2, D2 falls back to 1. Freed: (1 + 1 + 0.2) / 5 = 0.44.
    expected = np.array([1 / 5, 1 / 5, 0.8 / 5]) + 0.44 / 3
    model = toy(1)
    np.testing.assert_allclose(distribution_after(model, []), expected, rtol=1e-14)
    np.testing.assert_allclose(distribution_after(model, [A, B]), expected, rtol=1e-14)


def test_lower_orders_count_what_stands_to_the_left():
    # "a b" three times, "b b" once. Distinct words before a: {s}; before b: {a, s, b}; before .: {b}.
    # Of the bigrams, raw: s a 3, a b 3, b . 4, s b 1, b b 1; with order 3 those that do not begin with s
    # count their left neighbours: a b {s} 1, b . {a, b} 2, b b {s} 1.
    ids = np.array([A, B, EOS] * 3 + [B, B, EOS])
    storage, trie = Storage(1 << 20), NGramTrie(3)
    orders = list(count_orders(ids, NGramConfig(3, order=3, eos_id=EOS), trie, storage))
    assert continuation_counts(orders[0], orders[1], storage)[:3].tolist() == [1, 1, 3]
    counts = continuation_counts(orders[1], orders[2], storage).tolist()
    bigrams = dict(zip(map(tuple, trie.ids(2, np.arange(5)).tolist()), counts, strict=True))
    start = 3
    assert bigrams == {(start, A): 3, (A, B): 1, (B, EOS): 2, (start, B): 1, (B, B): 1}
    assert orders[1].occurrences.tolist() == [3, 4, 1, 3, 1]  # a b, b ., b b, s a, s b
    assert orders[1].suffixes.tolist() == [B, EOS, B, A, B]


def test_discounts_by_hand():
    # n1..n4 = 4, 3, 2, 1: Y = 4 / (4 + 6) = 0.4; D1 = 1 - 2·0.4·3/4 = 0.4; D2 = 2 - 3·0.4·2/3 = 1.2;
    # D3 = 3 - 4·0.4·1/2 = 2.2.
    counts = np.array([1] * 4 + [2] * 3 + [3] * 2 + [4] + [50, 0, 0])
    np.testing.assert_allclose(discounts(counts), [0, 0.4, 1.2, 2.2], rtol=1e-14)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], [0, 0.5, 1, 1.5]),
        ([7, 8, 9], [0, 0.5, 1, 1.5]),
        ([1, 1, 3], [0, 0.5, 1, 1.5]),  # n2 = 0
        ([2, 2, 3], [0, 0.5, 1, 1.5]),  # n1 = 0
        # n1, n2, n3 = 1, 1, 5: Y = 1/3, D1 = 1 - 2/3 = 1/3; D2 = 2 - 3·1/3·5 = -3: fallback; n4 = 0: fallback
        ([1, 2, 3, 3, 3, 3, 3], [0, 1 / 3, 1, 1.5]),
    ],
)
def test_discounts_fall_back_where_the_estimate_has_no_ground(counts, expected):
    np.testing.assert_allclose(discounts(np.array(counts, np.int32)), expected, rtol=1e-14)


def oracle(
    ids: np.ndarray, V: int, order: int, eos: int, prune: tuple[int, ...] = ()
) -> Callable[[list[int], int], float]:
    """p(word | history) from dictionaries of tuples; written from the definition, shares only discounts()."""
    least = [*prune, *[prune[-1] if prune else 0] * (order - len(prune))]
    lines: list[list[int]] = [[V]]
    for i in ids.tolist():
        lines[-1].append(i)
        if i == eos:
            lines.append([V])
    raw: Counter[tuple[int, ...]] = Counter()
    left = defaultdict(set)
    for line in lines:
        for end in range(1, len(line)):
            for k in range(1, min(order, end + 1) + 1):
                gram = tuple(line[end - k + 1 : end + 1])
                raw[gram] += 1
                if end - k >= 0:
                    left[gram].add(line[end - k])
    count = {g: c if len(g) == order or g[0] == V else len(left[g]) for g, c in raw.items()}
    D = {k: discounts(np.array([c for g, c in count.items() if len(g) == k])) for k in range(1, order + 1)}

    def p(history: list[int], word: int) -> float:
        def at(context: tuple[int, ...]) -> float:
            k = len(context) + 1
            lower = at(context[1:]) if context else 1 / V
            followers = {g: c for g, c in count.items() if len(g) == k and g[:-1] == context}
            if not followers:
                return lower
            total = sum(followers.values())
            kept = {g: c for g, c in followers.items() if raw[g] > least[k - 1]}
            c = kept.get((*context, word), 0)
            freed = sum(D[k][min(c, 3)] if g in kept else c for g, c in followers.items())
            return (c - D[k][min(c, 3)] + freed * lower) / total

        return at(tuple([V, *history][-(order - 1) :]) if order > 1 else ())

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equals_the_definition_on_dictionaries(order):
    V, eos = 7, 2
    train, test = random_stream(1, V, 300), random_stream(2, V, 40)
    p = oracle(train, V, order, eos)
    history: list[int] = []
    expected = []
    for i in test.tolist():
        expected.append(np.log(p(history, i)))
        history = [] if i == eos else [*history, i]
    model = fit(train, NGramConfig(V, order, eos))
    np.testing.assert_allclose(model.log_probs(test), expected, rtol=1e-12)


# Properties.


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_probabilities_sum_to_one_in_every_context(order):
    V, eos, rare = 13, 4, 11
    train = random_stream(3, V, 1500)
    train = train[train != rare]  # one id of the vocabulary never occurs
    model = fit(train, NGramConfig(V, order, eos))
    first = train[:7].tolist()
    assert eos not in first[:5], "the seen context must lie within one line"
    contexts = [
        [],  # the start of a line
        first[:5],  # seen
        [rare, rare, *first[:3]],  # its end was seen, the whole not
        [*first[:3], rare],  # ends in an id never seen
        [rare] * 7,
    ]
    for context in contexts:
        p = distribution_after(model, context)
        assert p.shape == (V,)
        assert p.min() > 0
        np.testing.assert_allclose(p.sum(), 1, rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_step_gives_what_log_probs_gives(order):
    V, eos = 11, 3
    model = fit(random_stream(4, V, 2000), NGramConfig(V, order, eos))
    rows = np.stack([random_stream(seed, V, 60) for seed in (5, 6, 7)])
    state = model.start(3)
    previous = np.full(3, eos)
    stepped = np.empty(rows.shape)
    for t in range(rows.shape[1]):
        log_p, state = model.step(previous, state)
        previous = rows[:, t]
        stepped[:, t] = log_p[np.arange(3), previous]
    for row, expected in zip(rows, stepped, strict=True):
        np.testing.assert_allclose(model.log_probs(row), expected, rtol=1e-12)


def test_every_line_starts_anew():
    V, eos = 11, 3
    model = fit(random_stream(4, V, 2000), NGramConfig(V, 4, eos))
    first, second = np.array([5, 1, 2, eos]), np.array([7, 7, 1, eos])
    together = model.log_probs(np.concatenate([first, second]))
    np.testing.assert_array_equal(together, np.concatenate([model.log_probs(first), model.log_probs(second)]))


def test_reorder_picks_rows():
    V, eos = 11, 3
    model = fit(random_stream(4, V, 2000), NGramConfig(V, 4, eos))
    _, state = model.step(np.array([eos, 1, 2]), model.start(3))
    whole, _ = model.step(np.array([5, 6, 7]), state)
    picked, _ = model.step(np.array([7, 5]), model.reorder(state, np.array([2, 0])))
    np.testing.assert_array_equal(picked, whole[[2, 0]])


def test_step_leaves_its_arguments_alone():
    model = toy(3)
    _, state = model.step(np.array([EOS, A]), model.start(2))
    ids, before = np.array([A, B]), state.copy()
    model.step(ids, state)
    np.testing.assert_array_equal(state, before)
    np.testing.assert_array_equal(ids, [A, B])


def test_fitting_twice_gives_the_same_bits_for_any_integer_dtype():
    ids = random_stream(8, 9, 500)
    config = NGramConfig(9, 4, 0)
    once, again = fit(ids, config), fit(ids.astype(np.uint16), config)
    for name, array in once.state_dict().items():
        np.testing.assert_array_equal(array, again.state_dict()[name])
        assert array.dtype == again.state_dict()[name].dtype


def test_order_beyond_the_longest_line():
    train = np.array([1, 2, 0, 2, 0])
    model = fit(train, NGramConfig(3, 9, 0))
    np.testing.assert_allclose(distribution_after(model, [1, 2, 1, 1, 2, 1, 2, 2, 1]).sum(), 1, rtol=1e-13)
    np.testing.assert_array_equal(model.log_probs(train), fit(train, NGramConfig(3, 4, 0)).log_probs(train))


@pytest.mark.parametrize("ids", [[0], [1], [0, 0, 0], [2, 2, 2, 2]])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_smallest_corpora(ids, order):
    model = fit(np.array(ids), NGramConfig(3, order, 0))
    for context in ([], [1], [2, 2]):
        p = distribution_after(model, context)
        assert p.min() > 0
        np.testing.assert_allclose(p.sum(), 1, rtol=1e-13)


def test_scoring_nothing_gives_nothing():
    assert toy(3).log_probs(np.array([], np.int64)).shape == (0,)


# Saving and loading.


def test_a_saved_model_loads_equal():
    V, eos = 11, 3
    model = fit(random_stream(4, V, 2000), NGramConfig(V, 4, eos))
    config = NGramConfig.from_dict(model.config.to_dict())
    assert config == model.config
    loaded = NGramModel.from_state_dict(config, model.state_dict())
    ids = random_stream(9, V, 300)
    np.testing.assert_array_equal(loaded.log_probs(ids), model.log_probs(ids))


def changed(name: str, change: Callable[[np.ndarray], object]) -> dict[str, object]:
    arrays: dict[str, object] = dict(toy(3).state_dict())
    arrays[name] = change(np.array(arrays[name]))
    return arrays


def with_entry(index: int, value: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array[index] = value
        return array

    return change


def logs(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: change(array).astype(np.float32)


# Order 2 is "a .", "a b", "b .", "s a"; order 3 "a b .", "s a .", "s a b".
@pytest.mark.parametrize(
    ("name", "change", "error", "match"),
    [
        (
            "order1.log10_probs",
            lambda x: np.zeros(len(x), np.int64),
            ShapeError,
            r"float64 \(4,\), got int64 \(4,\)",
        ),
        ("order1.log10_probs", lambda x: x[:2], ShapeError, r"\(4,\), got float64 \(2,\)"),
        ("order1.log10_probs", lambda x: x[None], ShapeError, r"got float64 \(1, 4\)"),
        ("order1.log10_probs", lambda x: x.tolist(), ShapeError, "to be a NumPy array, got list"),
        ("order1.log10_probs", logs(lambda x: x * np.nan), DamagedFileError, "a word has no probability"),
        ("order1.log10_probs", logs(lambda x: -x), DamagedFileError, "a probability is above 1"),
        ("order2.log10_probs", logs(lambda x: x - np.inf), DamagedFileError, "a probability is 0"),
        ("order1.log10_backoffs", logs(lambda x: x + np.nan), DamagedFileError, "a weight is not finite"),
        ("order2.log10_probs", lambda x: x[1:], ShapeError, r"\(4,\), got float64 \(3,\)"),
        ("order2.words", lambda x: x.astype(float), ShapeError, "int32.*got float64"),
        ("order2.words", with_entry(1, 0), DamagedFileError, "do not increase"),  # "a ." twice
        ("order2.words", with_entry(0, -1), DamagedFileError, "not in the vocabulary"),
        ("order2.words", with_entry(0, 3), DamagedFileError, "not in the vocabulary"),
        ("order1.first", with_entry(0, 1), DamagedFileError, "does not cover order 2"),
        ("order1.first", with_entry(-1, 5), DamagedFileError, "does not cover order 2"),
        ("order2.first", with_entry(1, 3), DamagedFileError, "it falls"),
        ("order2.first", lambda x: x[1:], ShapeError, r"int32 \(5,\), got int32 \(4,\)"),
    ],
)
def test_damage_is_refused_by_name(name, change, error, match):
    arrays = changed(name, change)
    with pytest.raises(error, match=match) as raised:
        NGramModel.from_state_dict(NGramConfig(3, 3, EOS), arrays)
    assert repr(name) in str(raised.value)


def test_missing_and_extra_tensors_are_refused_by_name():
    arrays = toy(2).state_dict()
    with pytest.raises(DamagedFileError, match=r"'order2\.log10_backoffs' is missing"):
        NGramModel.from_state_dict(NGramConfig(3, 3, EOS), arrays)
    with pytest.raises(DamagedFileError, match=r"'order1\.first' does not belong to a model of order 1"):
        NGramModel.from_state_dict(
            NGramConfig(3, 1, EOS), {k: v for k, v in arrays.items() if k != "order1.log10_backoffs"}
        )


@pytest.mark.parametrize("bits", [None, 4])
def test_random_damage_is_refused_or_still_gives_probabilities(bits):
    rng = np.random.default_rng(10)
    V, config = 5, NGramConfig(5, 3, 0)
    model = fit(random_stream(11, V, 60), config)
    whole = (model if bits is None else model.quantized(bits)).state_dict()
    refused = 0
    for _ in range(300):
        arrays = {name: array.copy() for name, array in whole.items()}
        name = sorted(arrays)[rng.integers(len(arrays))]
        damaged = bytearray(arrays[name].tobytes())
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        arrays[name] = np.frombuffer(bytes(damaged), arrays[name].dtype)
        try:
            read = NGramModel.from_state_dict(config, arrays)
        except SeqkitError:
            refused += 1
            continue
        with np.errstate(over="ignore"):  # a weight may have become huge
            assert distribution_after(read, [1, 4]).min() >= 0
        read.log_probs(random_stream(12, V, 30))
    assert 0 < refused < 300


# Pruning, few bits, little memory.


@pytest.mark.parametrize("prune", [(0, 1), (0, 0, 1), (0, 1, 2), (0, 0, 0, 3), (0, 500)])
def test_pruning_equals_the_definition_on_dictionaries(prune):
    V, eos, order = 7, 2, 4
    train, test = random_stream(1, V, 300), random_stream(2, V, 40)
    p = oracle(train, V, order, eos, prune)
    history: list[int] = []
    expected = []
    for i in test.tolist():
        expected.append(np.log(p(history, i)))
        history = [] if i == eos else [*history, i]
    model = fit(train, NGramConfig(V, order, eos), prune=prune)
    np.testing.assert_allclose(model.log_probs(test), expected, rtol=1e-12)
    whole = fit(train, NGramConfig(V, order, eos))
    assert model.trie.size(order) < whole.trie.size(order)
    for context in ([], [1, 4], train[:5].tolist()):
        np.testing.assert_allclose(distribution_after(model, context).sum(), 1, rtol=1e-12)
    again = NGramModel.from_state_dict(model.config, model.state_dict())
    np.testing.assert_array_equal(again.log_probs(test), model.log_probs(test))


@pytest.mark.parametrize("prune", [(-1,), (0, 2, 1), (0, 0, 0, 0, 0), (0, 0.5), (1,)])
def test_numbers_to_prune_by_are_checked(prune):
    with pytest.raises(UsageError, match=r"numbers? to prune by"):
        fit(TOY, NGramConfig(3, 4, EOS), prune=prune)


def test_discounts_fall_back_together_when_asked():
    # n1..n4 = 4, 3, 2, 0: D3 is not determined.
    counts = np.array([1] * 4 + [2] * 3 + [3] * 2)
    np.testing.assert_allclose(discounts(counts), [0, 0.4, 1.2, 1.5], rtol=1e-14)
    np.testing.assert_allclose(discounts(counts, (0.3, 0.9, 1.4)), [0, 0.3, 0.9, 1.4])
    whole = np.array([1] * 4 + [2] * 3 + [3] * 2 + [4])
    np.testing.assert_allclose(discounts(whole, (0.3, 0.9, 1.4)), [0, 0.4, 1.2, 2.2], rtol=1e-14)
    for wrong in ((0.5,), (0.5, 1, 3), (0, 1, 1.5), (np.nan, 1, 1)):
        with pytest.raises(UsageError, match="to fall back to"):
            fit(TOY, NGramConfig(3), discount_fallback=wrong)


def test_many_bits_give_the_model_and_few_are_near_it():
    V, eos = 11, 3
    model = fit(random_stream(4, V, 2000), NGramConfig(V, 4, eos))
    ids = random_stream(9, V, 300)
    exact = model.log_probs(ids)
    np.testing.assert_allclose(model.quantized(16).log_probs(ids), exact, rtol=1e-6)
    errors = [np.abs(model.quantized(bits).log_probs(ids) - exact).mean() for bits in (2, 4, 8)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    small = model.quantized(8)
    arrays = small.state_dict()
    assert {arrays[f"order{k}.log10_probs.codes"].dtype for k in (2, 3, 4)} == {np.dtype(np.uint8)}
    again = NGramModel.from_state_dict(model.config, arrays)
    np.testing.assert_array_equal(again.log_probs(ids), small.log_probs(ids))
    arrays["order2.log10_probs.values"] = arrays["order2.log10_probs.values"][:3]
    with pytest.raises(DamagedFileError, match="a code without a value"):
        NGramModel.from_state_dict(model.config, arrays)


def test_quantised_values_are_the_means_of_their_bins():
    # 2 bits: a code for 0, one for NaN, and two bins. The second begins at the fourth of -6 -4 -3 -3 -2 -1,
    # and with it its equal before it: means -5 and -2.25.
    array = quantize(np.array([-1.0, 0.0, -4.0, -2.0, np.nan, -3.0, -3.0, -6.0]), 2)
    np.testing.assert_allclose(array[:], [-2.25, 0, -5, -2.25, np.nan, -2.25, -2.25, -5], rtol=1e-6)
    for bits in (1, 17, True, 8.0):
        with pytest.raises(UsageError, match="expected bits from 2 to 16"):
            quantize(np.zeros(3), bits)


@pytest.mark.parametrize("prune", [(), (0, 0, 1)])
def test_little_memory_gives_the_same_bits(prune, tmp_path):
    V, eos = 50, 3
    ids, config = random_stream(4, V, 20_000), NGramConfig(V, 4, eos)
    whole = fit(ids, config, prune=prune).state_dict()
    small = fit(ids.astype(np.uint16), config, prune=prune, memory=1 << 16, folder=tmp_path).state_dict()
    for name, array in whole.items():
        np.testing.assert_array_equal(small[name], array)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot write temporary files for counting"):
        fit(random_stream(4, 50, 20_000), NGramConfig(50), memory=1 << 16, folder=tmp_path / "absent")


# Misuse.


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"vocab_size": 0}, "expected vocab_size between 1 and 2147483646, got 0"),
        ({"vocab_size": 5, "order": 0}, "expected order to be at least 1, got 0"),
        ({"vocab_size": 5, "eos_id": 5}, r"expected eos_id to be an id of the vocabulary \(0 to 4\), got 5"),
        ({"vocab_size": 5, "eos_id": -1}, "got -1"),
        ({"vocab_size": "5"}, "expected vocab_size to be an integer, got '5'"),
        ({"vocab_size": 5, "order": True}, "expected order to be an integer, got True"),
        ({"vocab_size": 5, "smoothing": 1}, "unknown setting 'smoothing'"),
        ({"order": 5}, "vocab_size is missing"),
    ],
)
def test_settings_out_of_range(settings, match):
    with pytest.raises(UsageError, match=match):
        NGramConfig.from_dict(settings)


@pytest.mark.parametrize(
    ("ids", "error", "match"),
    [
        ([], UsageError, "no tokens"),
        ([0, 3], UsageError, "between 0 and 2, got 3"),
        ([0, -1], UsageError, "between 0 and 2, got -1"),
        ([[0, 1]], ShapeError, r"integers of shape \(any\), got int64 \(1, 2\)"),
        ([0.5], ShapeError, "got float64"),
    ],
)
def test_streams_that_are_none(ids, error, match):
    with pytest.raises(error, match=match):
        fit(np.array(ids), NGramConfig(3))


def test_step_refuses_what_does_not_fit():
    model = toy(3)
    with pytest.raises(ShapeError, match=r"expected a state \(2, 2\) of 2 rows, got \(3, 2\)"):
        model.step(np.array([0, 1]), model.start(3))
    with pytest.raises(UsageError, match="between 0 and 2, got 3"):
        model.step(np.array([3]), model.start(1))
    with pytest.raises(UsageError, match="no context"):
        model.start(1, context=np.zeros(3))  # type: ignore[arg-type]


# The unigram baseline.


def test_unigram_by_hand():
    # Counts . 2, a 2, b 1 and V = 4 with one id never seen: (c + 1/4) / (5 + 1).
    p = np.exp(Unigram.fit(TOY, 4).log_probs(np.arange(4)))
    np.testing.assert_allclose(p, [2.25 / 6, 2.25 / 6, 1.25 / 6, 0.25 / 6], rtol=1e-14)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-14)


def test_unigram_misuse():
    with pytest.raises(UsageError, match="no tokens"):
        Unigram.fit(np.array([], np.int64), 4)
    with pytest.raises(UsageError, match="expected ids between 0 and 3, got 4"):
        Unigram.fit(np.array([4]), 4)
    with pytest.raises(UsageError, match="expected vocab_size between 1"):
        Unigram.fit(np.array([0]), 0)


# The published figure.


@pytest.mark.corpus("ptb")
def test_five_gram_on_penn_treebank():
    folder = data_dir() / "ptb"
    if not folder.is_dir():
        pytest.skip(f"the corpus ptb is not there ({folder})")
    vocabulary: dict[str, int] = {"<eos>": 0}

    def read(split: str) -> np.ndarray:
        lines = (folder / f"ptb.{split}.txt").read_text(encoding="utf-8").splitlines()
        words = (word for line in lines for word in [*line.split(), "<eos>"])
        return np.array([vocabulary.setdefault(word, len(vocabulary)) for word in words], np.int32)

    train, test = read("train"), read("test")
    assert (len(train), len(test), len(vocabulary)) == (929_589, 82_430, 10_000)
    model = fit(train, NGramConfig(10_000, 5, 0))
    # 141.2: Mikolov et al. 2011, "Empirical evaluation and combination of advanced language modeling
    # techniques".
    assert np.exp(-model.log_probs(test).mean()) == pytest.approx(141.2, abs=0.1)


@pytest.mark.parametrize("repeats", [1, 40])
def test_ranges_of_a_merge_are_small_where_runs_are_equal(repeats: int) -> None:
    """As those of a text that repeats itself are, whose samples are the same keys again and again."""
    runs = [np.arange(0, 7000, 7)] * repeats
    parts = list(_ranges(runs, block=200))
    for j, run in enumerate(runs):
        np.testing.assert_array_equal(np.concatenate([run[part[j]] for part in parts]), run)
    assert max(sum(part.stop - part.start for part in each) for each in parts) <= 2 * 200


def test_sorting_keeps_the_place_of_each_key() -> None:
    for top in (1 << 20, 1 << 62):  # in one number with its place, and too large for that
        keys = np.random.default_rng(0).integers(0, top, 1000)
        keys[500:] = keys[:500]
        result, order = _sorted(keys.copy())
        np.testing.assert_array_equal(order, np.argsort(keys, kind="stable"))
        np.testing.assert_array_equal(result, np.sort(keys))


# Streams in one compiled call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [None, 5, 12])
@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("bos", [True, False])
def test_compiled_scores_equal_the_reference(
    bos: bool, chunks: int, bits: int | None, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, for lines of all lengths in as many parts, with and without codes."""
    cpu = pytest.importorskip("seqkit.backend.kernels.ngrams.cpu", reason="Numba is not installed")
    monkeypatch.setattr(cpu, "chunks_for", lambda *_: chunks)
    config = NGramConfig(vocab_size=23, order=4, eos_id=EOS)
    model = fit_kneser_ney(random_stream(1, 23, 4000), config, dtype=dtype)
    model = model if bits is None else model.quantized(bits)
    stream = padded_lines(random_stream(2, 23, 997).astype(np.int32), config)
    arrays = model.trie.words, model.trie.first, model.log10_probs, model.log10_backoffs
    found = []
    for family in (reference, cpu):
        log10, length = np.zeros(len(stream)), np.zeros(len(stream), np.int64)
        tables = family.tables(*arrays)
        family.full_scores(tables, stream, 23, bos, log10, length)
        found.append((log10, length))
    assert cpu.tables(*arrays).places is not None
    assert set(found[0][1][stream < 23]) == {1, 2, 3, 4}
    for ours, expected in zip(found[1], found[0], strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("ids", [[], [EOS], [3, 4, EOS], [3, 4], [3, EOS, 4, EOS], [EOS, EOS]])
@pytest.mark.parametrize("bos", [True, False])
def test_a_line_scores_as_in_a_stream(ids: list[int], bos: bool) -> None:
    fitted = fit(random_stream(1, 23, 4000), NGramConfig(vocab_size=23, order=3, eos_id=EOS))
    expected = fitted.full_scores(np.array(ids, np.int32), bos=bos)[0].sum()
    assert fitted.line_score(ids, bos=bos) == expected


def test_a_copy_of_a_model_that_has_scored_has_its_own_arrays() -> None:
    ids = random_stream(2, 23, 99)
    fitted = fit(random_stream(1, 23, 4000), NGramConfig(vocab_size=23, order=3, eos_id=EOS))
    expected = fitted.full_scores(ids)[0]
    copied = copy.deepcopy(fitted)
    assert copied.log10_probs[1] is not fitted.log10_probs[1]
    np.testing.assert_array_equal(copied.full_scores(ids)[0], expected)


@pytest.mark.parametrize("at_once", [1, 7, 64, 997])
def test_long_streams_are_scored_in_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    config = NGramConfig(vocab_size=23, order=3, eos_id=EOS)
    fitted, ids = fit(random_stream(1, 23, 4000), config), random_stream(2, 23, 997)
    expected = [fitted.full_scores(ids, bos=bos) for bos in (True, False)]
    monkeypatch.setattr(ngram_model, "_AT_ONCE", at_once)
    for bos, (log10, length) in zip((True, False), expected, strict=True):
        np.testing.assert_array_equal(fitted.full_scores(ids, bos=bos)[0], log10)
        np.testing.assert_array_equal(fitted.full_scores(ids, bos=bos)[1], length)
