"""Beam search against every sequence there is, against greedy decoding, and on tables followed by hand."""

import itertools
import math

import numpy as np
import pytest

from seqkit.backend import to_device
from seqkit.decoding import Hypothesis, beam, beam_search, greedy, loop, sample
from seqkit.errors import UsageError

V, LENGTH = 5, 4
STOP, BANNED = 3, 1

# Greedy from 0 goes to 1 (0.6) and then meets 0.4 at best; by way of 2 (0.4) there is 0.9.
TRAP = [
    [0.0, 0.6, 0.4, 0.0],
    [0.2, 0.2, 0.2, 0.4],
    [0.02, 0.04, 0.04, 0.9],
    [0.25, 0.25, 0.25, 0.25],
]


def random_table(seed: int, size: int = V) -> list[list[float]]:
    return np.random.default_rng(seed).dirichlet(np.full(size, 0.7), size).tolist()


def every_sequence(
    model, start_id: int, length: int, stop=(), banned=(), context=None
) -> list[tuple[list[int], float, bool]]:
    """(ids, log_prob, stopped) of all sequences, one model row and one id at a time."""
    found = []

    def extend(ids: list[int], log_prob: float, log_probs: np.ndarray, state) -> None:
        for i in set(range(log_probs.shape[1])) - set(banned):
            total = log_prob + log_probs[0, i]
            if i in stop:
                found.append((ids, total, True))
            elif len(ids) + 1 == length:
                found.append(([*ids, i], total, False))
            else:
                extend([*ids, i], total, *model.step(np.array([i]), state))

    extend([], 0.0, *model.step(np.array([start_id]), model.start(1, context)))
    return found


def score_of(sequence: tuple[list[int], float, bool], length_penalty: float) -> float:
    ids, log_prob, stopped = sequence
    return log_prob / ((5 + len(ids) + stopped) / 6) ** length_penalty


def values(hypotheses: list[Hypothesis]) -> list[tuple]:
    return [(h.ids, h.stopped, h.log_prob, h.score) for h in hypotheses]


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [(h.ids, h.stopped) for h in found] == [(h.ids, h.stopped) for h in expected]
    for name in ("log_prob", "score"):
        theirs = [getattr(h, name) for h in expected]
        assert [getattr(h, name) for h in found] == pytest.approx(theirs, rel=1e-13)


def test_a_beam_escapes_where_greedy_is_trapped(table_model):
    [trapped] = greedy(table_model(TRAP), max_new_tokens=2, start_id=0)
    assert trapped.ids == [1, 3]
    [[first, second]] = beam_search(
        table_model(TRAP), max_new_tokens=2, start_id=0, beam=2, n_best=2, length_penalty=0
    )
    assert (first.ids, second.ids) == ([2, 3], [1, 3])
    assert first.log_prob == first.score == pytest.approx(math.log(0.4 * 0.9), rel=1e-14)
    assert second.log_prob == pytest.approx(math.log(0.6 * 0.4), rel=1e-14)


def test_the_score_is_equation_14(table_model):
    [[found]] = beam_search(
        table_model(TRAP), max_new_tokens=5, start_id=0, beam=2, length_penalty=0.7, stop=[3]
    )
    assert (found.ids, found.stopped) == ([2], True)
    assert found.log_prob == pytest.approx(math.log(0.4 * 0.9), rel=1e-14)
    assert found.score == pytest.approx(math.log(0.4 * 0.9) / (7 / 6) ** 0.7, rel=1e-14)  # 2 and the stop id


def test_the_length_penalty_decides_between_short_and_long(table_model):
    # From 0: stop at once (0.3), or 2 and then 1 for ever (0.7, 0.75, 0.75, ...).
    table = [[0, 0, 0.7, 0.3], [0, 0.75, 0.25, 0], [0, 0.75, 0.25, 0], [1, 0, 0, 0]]
    settings = {"max_new_tokens": 6, "start_id": 0, "beam": 4, "stop": [3]}
    [[short]] = beam_search(table_model(table), length_penalty=0, **settings)
    [[long]] = beam_search(table_model(table), length_penalty=1, **settings)
    assert (short.ids, short.stopped) == ([], True)
    assert (long.ids, long.stopped) == ([2, 1, 1, 1, 1, 1], False)
    # log(0.3) = -1.20; log(0.7 * 0.75^5) = -1.80 and, over 11/6, -0.98
    assert short.score == pytest.approx(math.log(0.3), rel=1e-14)
    assert long.score == pytest.approx(math.log(0.7 * 0.75**5) * 6 / 11, rel=1e-14)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize(("stop", "banned"), [((), ()), ((STOP,), ()), ((STOP,), (BANNED,))])
def test_width_v_to_the_t_finds_every_sequence_in_order(history_model, seed, length_penalty, stop, banned):
    model = history_model(random_table(seed))
    sequences = every_sequence(model, 2, LENGTH, stop, banned)
    sequences.sort(key=lambda sequence: -score_of(sequence, length_penalty))
    n_best = len(sequences) + 7  # more than there are
    [found] = beam_search(
        model,
        max_new_tokens=LENGTH,
        start_id=2,
        beam=V**LENGTH + 7,
        n_best=n_best,
        length_penalty=length_penalty,
        stop=stop,
        banned=banned,
    )
    # Where the history repeats, products of the same factors are equal but for rounding: any order will do.
    assert sorted((h.ids, h.stopped) for h in found) == sorted((ids, end) for ids, _, end in sequences)
    expected = [score_of(sequence, length_penalty) for sequence in sequences]
    assert [h.score for h in found] == pytest.approx(expected, rel=1e-12)
    log_probs = {tuple(ids): log_prob for ids, log_prob, _ in sequences}
    assert all(h.log_prob == pytest.approx(log_probs[tuple(h.ids)], rel=1e-12) for h in found)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_width_v_to_the_t_finds_the_best_early(history_model, length_penalty):
    for seed in range(20):
        model = history_model(random_table(seed))
        best = max(every_sequence(model, 0, LENGTH, [STOP]), key=lambda s: score_of(s, length_penalty))
        [[found]] = beam_search(
            model,
            max_new_tokens=LENGTH,
            start_id=0,
            beam=V**LENGTH,
            length_penalty=length_penalty,
            stop=[STOP],
        )
        assert found.score == pytest.approx(score_of(best, length_penalty), rel=1e-12)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("stop", [(), (STOP,), (STOP, 0)])
def test_width_1_is_greedy(history_model, length_penalty, stop):
    settings = {"max_new_tokens": 9, "start_id": 2, "prompt": [4, 2], "stop": stop, "banned": [BANNED]}
    lengths = set()
    for seed in range(12):
        model = history_model(random_table(seed))
        [[found]] = beam_search(model, beam=1, length_penalty=length_penalty, **settings)
        [expected] = greedy(model, **settings)
        assert (found.ids, found.log_prob, found.stopped) == (
            expected.ids,
            expected.log_prob,
            expected.stopped,
        )
        lengths.add(len(found.ids))
    assert len(lengths) > (2 if stop else 0)


@pytest.mark.parametrize("width", [2, 3, 7])
def test_n_best_are_sorted_distinct_and_scored_right(history_model, width):
    for seed in range(6):
        model = history_model(random_table(seed))
        [found] = beam_search(
            model, max_new_tokens=6, start_id=0, beam=width, n_best=width, stop=[STOP], length_penalty=0.8
        )
        assert len(found) == width
        assert len({tuple(h.ids) for h in found}) == width
        assert all(a.score >= b.score for a, b in itertools.pairwise(found))
        true = {tuple(ids): (lp, end) for ids, lp, end in every_sequence(model, 0, 6, [STOP])}
        for h in found:
            log_prob, stopped = true[tuple(h.ids)]
            assert h.stopped == stopped
            assert h.log_prob == pytest.approx(log_prob, rel=1e-12)
            assert h.score == pytest.approx(score_of((h.ids, log_prob, stopped), 0.8), rel=1e-12)
        [[best]] = beam_search(
            model, max_new_tokens=6, start_id=0, beam=width, stop=[STOP], length_penalty=0.8
        )
        assert values([best]) == values(found[:1])


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.2])
def test_batched_equals_one_by_one(attentive_model, length_penalty):
    model = attentive_model(random_table(11, size=7))
    sources = np.array([4, 0, 2, 6, 2])
    settings = {
        "max_new_tokens": 11,
        "start_id": 5,
        "prompt": [1],
        "beam": 3,
        "n_best": 3,
        "stop": [STOP],
        "length_penalty": length_penalty,
        "with_attention": True,
    }
    together = beam_search(model, batch=5, context=sources, **settings)
    assert together[2] == together[4]
    for row, found in enumerate(together):
        [alone] = beam_search(model, context=sources[[row]], **settings)
        assert values(found) == values(alone)
        for a, b in zip(found, alone, strict=True):
            np.testing.assert_array_equal(a.attention, b.attention)
    assert len({len(h.ids) for found in together for h in found}) > 3, "the rows must end at different times"


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 4.0])
def test_stopping_early_never_changes_the_result(attentive_model, monkeypatch, length_penalty):
    saved = 0
    for seed in range(25):
        model = attentive_model(random_table(seed))
        for width, n_best in ((2, 1), (3, 3), (5, 2)):
            settings = {
                "batch": 3,
                "context": [0, 1, 4],
                "max_new_tokens": 8,
                "start_id": 0,
                "beam": width,
                "n_best": n_best,
                "stop": [STOP],
                "length_penalty": length_penalty,
            }
            model.fed.clear()
            found = beam_search(model, **settings)
            rows_fed = sum(map(len, model.fed))
            model.fed.clear()
            with monkeypatch.context() as patch:
                patch.setattr(beam, "_reachable", lambda log_prob, *_: np.full(len(log_prob), np.inf))
                assert beam_search(model, **settings) == found
            saved += sum(map(len, model.fed)) - rows_fed
    assert saved > 0, "nothing stopped early"


def test_a_settled_row_is_not_fed_any_more(attentive_model):
    # After 0 and 2 the table's rows: source 0 stops at once and surely; source 1 goes on for ever.
    table = [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0.5, 0, 0.5, 0]]
    model = attentive_model(table)
    results = beam_search(
        model, batch=2, context=[0, 1], max_new_tokens=3, start_id=0, beam=2, stop=[3], length_penalty=0
    )
    assert [len(found) for found in results] == [1, 1]
    assert (results[0][0].ids, results[0][0].stopped) == ([], True)
    assert model.fed[0] == [0, 0]
    assert model.fed[1] == [0, 2]  # both rows are source 1's


def test_attention_follows_its_hypothesis(attentive_model):
    sources, start_id, prompt = np.array([2, 0, 4]), 1, [0, 2]
    model = attentive_model(random_table(5))
    results = beam_search(
        model,
        batch=3,
        context=sources,
        max_new_tokens=7,
        start_id=start_id,
        prompt=prompt,
        beam=4,
        n_best=4,
        stop=[STOP],
        with_attention=True,
    )
    before_first = 1 + len(prompt)
    for source, found in zip(sources, results, strict=True):
        for h in found:
            fed = [prompt[-1], *h.ids][: len(h.ids)]  # what was read last before each id was predicted
            steps = before_first + np.arange(len(h.ids))
            expected = np.stack([np.full(len(h.ids), source), np.array(fed), steps], axis=1)
            np.testing.assert_array_equal(h.attention, expected)
            assert h.attention.dtype == np.float32
    everything = [h for found in results for h in found]
    assert any(h.stopped for h in everything)
    assert any(not h.stopped for h in everything)


def test_an_empty_hypothesis_has_attention_of_no_rows(attentive_model):
    table = [[0, 0, 0, 1.0]] * 4
    [[found]] = beam_search(
        attentive_model(table), max_new_tokens=3, start_id=0, stop=[3], with_attention=True
    )
    assert found.attention.shape == (0, 3)


@pytest.mark.parametrize("decoder", ["greedy", "sample"])
def test_one_path_decoders_return_attention_too(attentive_model, scripted, decoder):
    # Rows end at different times: those that are left must keep their own weights.
    table = random_table(8)
    settings = {
        "batch": 4, "context": [0, 1, 2, 3], "max_new_tokens": 6, "start_id": 4, "stop": [STOP],
        "with_attention": True,
    }  # fmt: skip
    if decoder == "greedy":
        results = greedy(attentive_model(table), **settings)
    else:
        numbers = np.random.default_rng(6).random((6, 4)).tolist()
        results = sample(attentive_model(table), generator=scripted(*numbers), **settings)
    assert len({len(r.ids) for r in results}) > 1
    for source, r in enumerate(results):
        T = len(r.ids)
        expected = np.stack([np.full(T, source), np.array([4, *r.ids])[:T], 1 + np.arange(T)], axis=1)
        np.testing.assert_array_equal(r.attention, expected)


def test_attention_of_a_model_that_has_none(history_model, attentive_model):
    settings = {"max_new_tokens": 2, "start_id": 0, "with_attention": True}
    for decoder in (greedy, beam_search):
        with pytest.raises(UsageError, match=r"HistoryModel has no attention weights .* with_attention off"):
            decoder(history_model(random_table(0)), **settings)
    model = attentive_model(random_table(0))
    model.attention_of = lambda state: None  # as a model that was configured without
    assert greedy(model, **settings)[0].attention is None
    assert beam_search(model, **settings)[0][0].attention is None
    del model.attention_of
    assert beam_search(model, max_new_tokens=2, start_id=0)[0][0].attention is None  # not asked for


def test_banned_ids_never_appear(history_model):
    for seed in range(8):
        [found] = beam_search(
            history_model(random_table(seed)),
            max_new_tokens=8,
            start_id=BANNED,
            beam=6,
            n_best=6,
            banned=[BANNED, 4],
            stop=[STOP],
        )
        assert not any({BANNED, 4, STOP} & set(h.ids) for h in found)


def test_a_banned_stop_id_ends_nothing(history_model):
    [found] = beam_search(
        history_model(random_table(3)), max_new_tokens=5, start_id=0, n_best=5, banned=[STOP], stop=[STOP]
    )
    assert [(len(h.ids), h.stopped) for h in found] == [(5, False)] * 5


def test_without_an_end_the_search_stops_at_max_new_tokens(history_model):
    model = history_model(random_table(4))
    [found] = beam_search(model, max_new_tokens=6, start_id=0, n_best=5)
    assert [(len(h.ids), h.stopped) for h in found] == [(6, False)] * 5
    assert len(model.fed) == 6  # the start id, and five of the six ids


def test_of_several_stop_ids_the_likeliest_ends_a_hypothesis(table_model):
    # ids 2 and 3 stop: 3 is the likelier. Width 3 must still find both other ids beside it.
    table = [[0.15, 0.2, 0.3, 0.35]] * 4
    [found] = beam_search(
        table_model(table), max_new_tokens=1, start_id=0, beam=3, n_best=3, stop=[2, 3], length_penalty=0
    )
    assert [(h.ids, h.stopped) for h in found] == [([], True), ([1], False), ([0], False)]
    assert [h.log_prob for h in found] == pytest.approx(np.log([0.35, 0.2, 0.15]), rel=1e-14)


def test_equals_go_to_the_better_parent_then_to_the_lower_id(table_model):
    [found] = beam_search(table_model([[0.25] * 4] * 4), max_new_tokens=2, start_id=0, beam=6, n_best=6)
    assert [h.ids for h in found] == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]]


def test_a_dead_end_dies_and_the_rest_goes_on(table_model):
    # After 1, the likelier, nothing is possible but the banned id 0.
    table = [[0, 0.7, 0.3, 0], [1, 0, 0, 0], [0, 0, 0.5, 0.5], [0.25] * 4]
    settings = {"max_new_tokens": 3, "start_id": 0, "beam": 2, "n_best": 2, "stop": [3]}
    [found] = beam_search(table_model(table), banned=[0], length_penalty=0, **settings)
    assert [(h.ids, h.stopped) for h in found] == [([2], True), ([2, 2, 2], False)]
    table[2] = [1, 0, 0, 0]
    with pytest.raises(UsageError, match="no id that is not banned has a finite log-probability in row 0"):
        beam_search(table_model(table), banned=[0], **settings)


def test_a_row_that_is_not_a_number_is_named(attentive_model):
    model = attentive_model(random_table(0))
    model.log_table[4, 2] = math.nan
    with pytest.raises(UsageError, match=r"in row 2 \(the best: nan\).*weights are not finite"):
        beam_search(model, batch=3, context=[0, 1, 3], max_new_tokens=1, start_id=0)


def test_float32_log_probabilities_are_summed_in_float64(table_model):
    model = table_model([[0.1, 0.9], [0.1, 0.9]])
    model.log_table = model.log_table.astype(np.float32)
    [[found]] = beam_search(model, max_new_tokens=1000, start_id=0, beam=2)
    assert found.log_prob == pytest.approx(1000 * float(np.float32(math.log(0.9))), rel=1e-13)


def test_the_model_s_arrays_are_not_written_into(table_model):
    class Shared(type(table_model(TRAP))):
        def step(self, ids, state):
            log_probs, state = super().step(ids, state)
            log_probs.flags.writeable = False
            return log_probs, state

    beam_search(Shared(TRAP), max_new_tokens=4, start_id=0, banned=[1], stop=[3])


def test_results_are_plain_values(table_model):
    [[found]] = beam_search(table_model(TRAP), max_new_tokens=2, start_id=0, beam=3)
    assert isinstance(found, Hypothesis)
    assert [type(i) for i in found.ids] == [int, int]
    assert (type(found.log_prob), type(found.score), type(found.stopped)) == (float, float, bool)


def test_a_recurrent_language_model_on_both_devices(gpu):
    from seqkit.backend.random import Generator
    from seqkit.models import LanguageModel, LanguageModelConfig

    config = LanguageModelConfig(vocab_size=11, embedding_size=5, hidden_size=5, init_range=1.5)
    model = LanguageModel(config, generator=Generator(2))
    settings = {"batch": 2, "max_new_tokens": 7, "start_id": 1, "prompt": [4], "stop": [3], "banned": [0]}
    expected = beam_search(model, beam=4, n_best=3, **settings)
    for h in expected[0]:
        state, total = model.start(1), 0.0
        for fed, produced in zip([1, 4, *h.ids], [None, *h.ids, 3], strict=True):
            log_probs, state = model.step(np.array([fed]), state)
            if produced is not None and (produced != 3 or h.stopped):
                total += float(log_probs[0, produced])
        assert h.log_prob == pytest.approx(total, rel=1e-5)
    model.to(gpu)
    for found, theirs in zip(beam_search(model, beam=4, n_best=3, **settings), expected, strict=True):
        assert [(h.ids, h.stopped) for h in found] == [(h.ids, h.stopped) for h in theirs]
        assert [h.score for h in found] == pytest.approx([h.score for h in theirs], rel=1e-5)


def test_attention_and_bans_on_a_device(attentive_model, gpu):
    class OnDevice(type(attentive_model(TRAP))):
        def step(self, ids, state):
            log_probs, state = super().step(ids, state)
            return to_device(log_probs, gpu), state

        def attention_of(self, state):
            return to_device(super().attention_of(state), gpu)

    table = random_table(9)
    settings = {
        "batch": 2, "context": [1, 4], "max_new_tokens": 5, "start_id": 0, "banned": [BANNED],
        "stop": [STOP, 0], "n_best": 4, "with_attention": True,
    }  # fmt: skip
    on_device = beam_search(OnDevice(table), **settings)
    expected = beam_search(attentive_model(table), **settings)
    assert on_device == expected
    for found, theirs in zip(on_device, expected, strict=True):
        for a, b in zip(found, theirs, strict=True):
            np.testing.assert_array_equal(a.attention, b.attention)


@pytest.mark.parametrize("search", [beam_search, greedy])
def test_one_crossing_from_the_device_a_step(search, table_model, gpu, monkeypatch):
    class OnDevice(type(table_model(TRAP))):
        def step(self, ids, state):
            log_probs, state = super().step(ids, state)
            return to_device(log_probs, gpu), state

    crossings = []

    def counting(x, to_numpy=loop.to_numpy):
        crossings.append(x.size)
        return to_numpy(x)

    monkeypatch.setattr(loop, "to_numpy", counting)
    width = {"beam": 2} if search is beam_search else {}
    search(OnDevice(random_table(2, size=13)), batch=3, max_new_tokens=5, start_id=0, **width)
    # two numbers of each id that a row may be continued by
    assert crossings == ([2 * 2 * 3] + [2 * 2 * 6] * 4 if width else [2 * 3] * 5)


def test_a_kneser_ney_model():
    from seqkit.models.ngrams import NGramConfig, fit_kneser_ney

    ids = np.array([1, 2, 3, 0] * 20 + [2, 1, 0] * 20 + [4, 0])
    model = fit_kneser_ney(ids, NGramConfig(vocab_size=5, order=3, eos_id=0))
    [found] = beam_search(model, max_new_tokens=4, start_id=0, beam=625, n_best=50, stop=[0], banned=[4])
    sequences = every_sequence(model, 0, 4, [0], [4])
    expected = sorted((score_of(s, 0.6) for s in sequences), reverse=True)[:50]
    assert [h.score for h in found] == pytest.approx(expected, rel=1e-12)
    best = found[0]
    line = np.array([*best.ids, *([0] if best.stopped else [])])
    assert best.log_prob == pytest.approx(model.log_probs(line).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"beam": 0}, "expected beam to be an integer of at least 1, got 0"),
        ({"beam": 2.5}, r"expected beam to be an integer of at least 1, got 2\.5"),
        ({"n_best": 0}, "expected n_best to be an integer of at least 1, got 0"),
        ({"n_best": 6}, "expected n_best to be at most the width of the beam, 5, got 6"),
        ({"length_penalty": -0.1}, r"expected length_penalty to be 0 or a positive finite number, got -0\.1"),
        ({"length_penalty": math.nan}, "got nan"),
        ({"length_penalty": math.inf}, "got inf"),
        ({"batch": 0}, "expected batch to be an integer of at least 1, got 0"),
        ({"max_new_tokens": 0}, "expected max_new_tokens to be an integer of at least 1, got 0"),
        ({"banned": [0, 1, 2, 3]}, "expected banned to leave an id to produce, got all 4"),
        ({"stop": [4]}, "expected stop to hold ids between 0 and 3, got 4"),
        ({"prompt": [-1]}, "expected prompt to hold ids between 0 and 3, got -1"),
    ],
)
def test_settings_out_of_range(table_model, settings, match):
    with pytest.raises(UsageError, match=match):
        beam_search(table_model(TRAP), **{"max_new_tokens": 2, "start_id": 0, **settings})
