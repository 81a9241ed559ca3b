"""Each method against a plain definition in float64, over random tables."""

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, MissingDependencyError, ShapeError, UnknownWordError, UsageError
from seqkit.vectors import KeyedVectors
from seqkit.vectors.approximate import ApproximateIndex

TABLES = [(23, 7), (41, 3), (5, 13), (101, 2)]


def make(N: int, D: int, seed: int = 0) -> KeyedVectors:
    kv = KeyedVectors(D)
    kv.add_vectors([f"w{i}" for i in range(N)], np.random.default_rng([seed, N]).normal(size=(N, D)))
    return kv


@pytest.fixture(params=TABLES, ids=str)
def kv(request: pytest.FixtureRequest) -> KeyedVectors:
    return make(*request.param)


def exact(kv: KeyedVectors) -> np.ndarray:
    return kv.vectors.astype(np.float64)


def cosine(x: Any, y: Any) -> float:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def check_ranking(
    found: list[tuple[str, float]], scores: dict[str, float], count: int, rtol: float = 2e-5
) -> None:
    """The keys of the highest scores in order, each with its score."""
    best = sorted(scores, key=lambda key: -scores[key])[:count]
    assert [key for key, _ in found] == best
    np.testing.assert_allclose([s for _, s in found], [scores[key] for key in best], rtol=rtol, atol=2e-6)


def test_lookup(kv: KeyedVectors) -> None:
    assert len(kv) == len(kv.index_to_key) == len(kv.vectors)
    for i, key in enumerate(kv.index_to_key):
        assert kv.get_index(key) == kv.key_to_index[key] == i
        assert kv.get_index(i) == i
        assert np.array_equal(kv[key], kv.vectors[i])
        assert np.array_equal(kv[i], kv.vectors[i])
        unit = exact(kv)[i] / np.sqrt((exact(kv)[i] ** 2).sum())
        np.testing.assert_allclose(kv.get_vector(key, norm=True), unit, rtol=1e-5)
    assert "w0" in kv
    assert 0 in kv
    assert "w0x" not in kv
    assert len(kv) not in kv
    assert not kv.has_index_for("nothing")
    assert kv.get_index("nothing", default=-7) == -7
    assert np.array_equal(kv[["w1", "w0", 3]], kv.vectors[[1, 0, 3]])
    np.testing.assert_allclose((kv.get_normed_vectors() ** 2).sum(axis=1), 1, rtol=1e-5)
    assert kv.norms is not None
    np.testing.assert_allclose(kv.norms, np.sqrt((exact(kv) ** 2).sum(axis=1)), rtol=1e-5)


def test_vectors_handed_out_are_read_only(kv: KeyedVectors) -> None:
    with pytest.raises(ValueError, match="read-only"):
        kv["w0"][0] = 1


def test_mean_vector(kv: KeyedVectors) -> None:
    table, free = exact(kv), np.arange(kv.vector_size, dtype=np.float64)
    keys: list[Any] = ["w3", 1, free, "unknown"]
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    weights = [1.0, -2.0, 0.5, 9.0]
    expected = (unit[3] - 2 * unit[1] + 0.5 * free) / 3.5
    np.testing.assert_allclose(kv.get_mean_vector(keys, weights), expected, rtol=1e-4, atol=1e-6)
    raw = (table[3] + table[1] + free) / 3
    np.testing.assert_allclose(kv.get_mean_vector(keys, pre_normalize=False), raw, rtol=1e-4, atol=1e-6)
    length_one = kv.get_mean_vector(keys, post_normalize=True)
    np.testing.assert_allclose(np.linalg.norm(length_one), 1, rtol=1e-6)
    with pytest.raises(UnknownWordError, match="unknown"):
        kv.get_mean_vector(keys, ignore_missing=False)
    with pytest.raises(UsageError, match="expected 4 weights, one for each key, got 2"):
        kv.get_mean_vector(keys, [1, 2])
    with pytest.raises(ValueError, match="no keys"):
        kv.get_mean_vector([])
    with pytest.raises(ShapeError, match="shape"):
        kv.get_mean_vector([np.ones(kv.vector_size + 1)])


@pytest.mark.parametrize("topn", [1, 4, 1000])
def test_most_similar(kv: KeyedVectors, topn: int) -> None:
    table = exact(kv)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    queries: list[tuple[Any, Any, np.ndarray, set[int]]] = [
        ("w1", None, unit[1], {1}),
        (["w1", 2], "w3", unit[1] + unit[2] - unit[3], {1, 2, 3}),
        ([("w1", 0.5), table[4]], [("w2", -0.3)], 0.5 * unit[1] + table[4] - 0.3 * unit[2], {1, 2}),
        (table[0], None, unit[0], set()),
    ]
    for positive, negative, direction, given in queries:
        scores = {f"w{i}": cosine(direction, row) for i, row in enumerate(table) if i not in given}
        check_ranking(kv.most_similar(positive, negative, topn=topn), scores, topn)
        every = kv.most_similar(positive, negative, topn=None)
        np.testing.assert_allclose(every, [cosine(direction, row) for row in table], rtol=1e-4, atol=1e-5)
        low = {key: s for key, s in scores.items() if int(key[1:]) < 4}
        check_ranking(kv.most_similar(positive, negative, topn, restrict_vocab=4), low, topn)
        high = {key: s for key, s in scores.items() if 2 <= int(key[1:]) < 5}
        check_ranking(kv.most_similar(positive, negative, topn, clip_start=2, clip_end=5), high, topn)
    assert kv.similar_by_word("w1", topn) == kv.similar_by_key("w1", topn) == kv.most_similar("w1", topn=topn)
    assert kv.similar_by_vector(kv["w1"], topn) == kv.most_similar([kv["w1"]], topn=topn)
    assert kv.most_similar("w1", topn=0) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"restrict_vocab": 3, "clip_start": 1},
        {"restrict_vocab": 3, "clip_end": 5},
        {"indexer": object(), "restrict_vocab": 3},
        {"indexer": object(), "clip_start": 1},
        {"indexer": object(), "topn": None},
        {"restrict_vocab": -1},
    ],
    ids=" ".join,
)
def test_arguments_that_would_be_ignored_are_refused(kv: KeyedVectors, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected restrict_vocab"):
        kv.most_similar("w1", **arguments)


def test_negative_restrictions_are_refused_everywhere(kv: KeyedVectors, tmp_path: Path) -> None:
    (tmp_path / "q").write_text(": a\nw1 w2 w3 w4\n")
    (tmp_path / "p").write_text("w1\tw2\t3\n")
    for search in (
        lambda: kv.most_similar_batch(["w1"], restrict_vocab=-2),
        lambda: kv.most_similar_cosmul("w1", restrict_vocab=-2),
        lambda: kv.similar_by_word("w1", restrict_vocab=-2),
        lambda: kv.evaluate_word_analogies(tmp_path / "q", restrict_vocab=-2),
        lambda: kv.evaluate_word_pairs(tmp_path / "p", restrict_vocab=-2),
    ):
        with pytest.raises(UsageError, match="expected restrict_vocab of at least 0"):
            search()


def test_an_indexer_takes_any_whole_number(kv: KeyedVectors) -> None:
    class Index:
        def most_similar(self, vector: np.ndarray, topn: int) -> int:
            return topn

    assert kv.most_similar("w2", topn=np.int64(3), indexer=Index()) == 3


def test_indexer_answers_instead(kv: KeyedVectors) -> None:
    class Index:
        def most_similar(self, vector: np.ndarray, topn: int) -> Any:
            return vector, topn

    vector, topn = kv.most_similar("w2", topn=3, indexer=Index())
    np.testing.assert_allclose(vector, kv.get_vector("w2", norm=True), rtol=1e-6)
    assert topn == 3


def test_batch_equals_one_by_one(kv: KeyedVectors) -> None:
    keys = [*kv.index_to_key, 2]
    for found, key in zip(kv.most_similar_batch(keys, 3), keys, strict=True):
        one = kv.most_similar(key, topn=3)
        assert [k for k, _ in found] == [k for k, _ in one]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in one], rtol=1e-5, atol=1e-6)
    free = np.random.default_rng(1).normal(size=(4, kv.vector_size)).astype(np.float32)
    for found, row in zip(kv.most_similar_batch(free, 2, restrict_vocab=3), free, strict=True):
        assert [k for k, _ in found] == [k for k, _ in kv.similar_by_vector(row, 2, restrict_vocab=3)]
    assert kv.most_similar_batch([], 3) == []
    assert kv.most_similar_batch(["w0"], 0) == [[]]
    with pytest.raises(UnknownWordError):
        kv.most_similar_batch(["w0", "nothing"])
    with pytest.raises(ShapeError, match="queries"):
        kv.most_similar_batch(free[:, 1:])


def test_batch_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    kv = make(23, 7)
    whole = kv.most_similar_batch(kv.index_to_key, 4)
    monkeypatch.setattr("seqkit.vectors.nearest._BLOCK_SCORES", 5 * 23)
    blocks = kv.most_similar_batch(kv.index_to_key, 4)
    assert [[k for k, _ in found] for found in blocks] == [[k for k, _ in found] for found in whole]


def test_batch_on_another_device(gpu: str) -> None:
    kv = make(23, 7)
    ours = kv.most_similar_batch(["w1", "w5"], 4)
    theirs = kv.most_similar_batch(["w1", "w5"], 4, device=gpu)
    assert [[k for k, _ in found] for found in ours] == [[k for k, _ in found] for found in theirs]
    kv["w1"] = -kv["w1"]  # the copy there must not go on being used
    assert kv.most_similar_batch(["w5"], 22, device=gpu)[0] != theirs[1]


def test_cosmul(kv: KeyedVectors) -> None:
    table = exact(kv)
    shifted = np.array([[(1 + cosine(x, y)) / 2 for y in table] for x in table])
    scores = (
        shifted[1] * shifted[2] / (shifted[3] + 1e-6)
    )  # which magnifies the rounding where that is near 0
    expected = {f"w{i}": s for i, s in enumerate(scores) if i not in (1, 2, 3)}
    check_ranking(kv.most_similar_cosmul(["w1", "w2"], ["w3"], topn=2), expected, 2, rtol=5e-3)
    np.testing.assert_allclose(
        kv.most_similar_cosmul(["w1", "w2"], "w3", topn=None), scores, rtol=5e-3, atol=1e-5
    )
    low = {key: s for key, s in expected.items() if int(key[1:]) < 5}
    check_ranking(kv.most_similar_cosmul(["w1", "w2"], ["w3"], restrict_vocab=5), low, 9, rtol=5e-3)
    with pytest.raises(ValueError, match="no keys"):
        kv.most_similar_cosmul(negative=["w1"])


def test_similarities_and_distances(kv: KeyedVectors) -> None:
    table, keys = exact(kv), kv.index_to_key
    for i, j in itertools.product(range(0, len(keys), 5), range(0, len(keys), 7)):
        assert kv.similarity(keys[i], keys[j]) == pytest.approx(cosine(table[i], table[j]), abs=1e-5)
        assert kv.distance(keys[i], keys[j]) == pytest.approx(1 - cosine(table[i], table[j]), abs=1e-5)
    every = [1 - cosine(table[2], row) for row in table]
    np.testing.assert_allclose(kv.distances("w2"), every, atol=1e-5)
    np.testing.assert_allclose(kv.distances(table[2], ["w3", "w0"]), [every[3], every[0]], atol=1e-5)
    np.testing.assert_allclose(
        KeyedVectors.cosine_similarities(table[2], table), [1 - d for d in every], atol=1e-12
    )
    mean = [table[[0, 1]].mean(axis=0), table[[2, 3, 4]].mean(axis=0)]
    assert kv.n_similarity(["w0", "w1"], ["w2", "w3", "w4"]) == pytest.approx(cosine(*mean), abs=1e-5)
    with pytest.raises(ZeroDivisionError):
        kv.n_similarity([], ["w0"])


def test_ranks(kv: KeyedVectors) -> None:
    table = exact(kv)
    scores = {f"w{i}": cosine(table[1], row) for i, row in enumerate(table)}
    closer = [key for key in kv.index_to_key if scores[key] > scores["w2"] and key != "w1"]
    assert kv.closer_than("w1", "w2") == closer == kv.words_closer_than("w1", "w2")
    assert kv.rank("w1", "w2") == len(closer) + 1
    assert kv.most_similar_to_given("w1", ["w2", "w3", "w4"]) == max(
        ["w2", "w3", "w4"], key=scores.__getitem__
    )
    best = sorted((s for key, s in scores.items() if key != "w1"), reverse=True)[:3]
    assert kv.relative_cosine_similarity("w1", "w2", 3) == pytest.approx(scores["w2"] / sum(best), rel=1e-4)


def test_odd_one_out(kv: KeyedVectors) -> None:
    table, words = exact(kv), ["w0", "w1", "w2", "w4"]
    unit = table[[0, 1, 2, 4]] / np.linalg.norm(table[[0, 1, 2, 4]], axis=1, keepdims=True)
    scores = [cosine(unit.mean(axis=0), row) for row in unit]
    ranked = kv.rank_by_centrality([*words, "unknown"])
    assert [word for _, word in ranked] == [words[i] for i in np.argsort(scores)[::-1]]
    np.testing.assert_allclose([s for s, _ in ranked], sorted(scores, reverse=True), rtol=1e-4, atol=1e-6)
    assert kv.doesnt_match(words) == words[int(np.argmin(scores))]
    with pytest.raises(ValueError, match="none of the words"):
        kv.doesnt_match(["unknown"])


def test_ties_go_to_the_earlier_key() -> None:
    kv = KeyedVectors(2)
    kv.add_vectors(list("abcdef"), np.array([[1, 0], [0, 1], [0, 1], [1, 1], [0, 1], [0, 1]], float))
    assert [key for key, _ in kv.most_similar("b", topn=2)] == ["c", "e"]
    assert [key for key, _ in kv.most_similar("a", topn=3)] == ["d", "b", "c"]


def test_a_zero_vector_is_similar_to_nothing() -> None:
    kv = KeyedVectors(2)
    kv.add_vectors(["a", "zero", "b"], np.array([[1, 0], [0, 0], [-1, 0]], float))
    assert kv.most_similar("a") == [("zero", 0.0), ("b", -1.0)]
    assert kv.similarity("a", "zero") == 0
    assert kv.distances("a").tolist() == [0, 1, 2]
    assert kv.get_normed_vectors().tolist() == [[1, 0], [0, 0], [-1, 0]]
    kv.unit_normalize_all()
    assert kv.norms is not None
    assert kv.norms.tolist() == [1, 0, 1]


def test_norms_follow_changes() -> None:
    kv = make(5, 3)
    kv.fill_norms()
    kv["w1"] = np.array([3.0, 4.0, 0.0])
    kv.add_vectors(["new"], np.array([[0.0, 5.0, 12.0]]))
    kv.fill_norms()
    assert kv.norms is not None
    assert kv.norms[[1, 5]].tolist() == [5, 13]
    kv.vectors[0] = [8, 15, 0]
    kv.fill_norms(force=True)
    assert kv.norms[0] == 17


def test_adding() -> None:
    kv = KeyedVectors(2, count=2)
    assert kv.add_vector("a", [1, 2]) == 0
    assert kv.add_vector("b", np.array([3.0, 4.0])) == 1
    with pytest.warns(UserWarning, match="add_vectors"):
        assert kv.add_vector("c", [5, 6]) == 2
    kv.add_vectors(["a", "d"], [[0, 0], [7, 8]], extras={"count": np.array([9, 4])})
    assert kv.index_to_key == ["a", "b", "c", "d"]
    assert kv.vectors.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert kv.expandos["count"].tolist() == [0, 0, 0, 4]
    kv.add_vectors(["a", "e"], [[0, 1], [9, 9]], extras={"count": np.array([5, 6])}, replace=True)
    assert kv["a"].tolist() == [0, 1]
    assert [kv.get_vecattr(key, "count") for key in "ade"] == [5, 4, 6]
    kv["b"] = np.array([1.0, 1.0])
    kv[["x", "y"]] = np.eye(2)
    assert kv[["b", "x", "y"]].tolist() == [[1, 1], [1, 0], [0, 1]]
    with pytest.raises(ShapeError, match=r"expected vectors of shape \(2, 2\), got \(2, 3\)"):
        kv.add_vectors(["p", "q"], np.ones((2, 3)))


def test_attributes() -> None:
    kv = make(4, 3)
    for key, count in (("w0", 3), ("w1", 9), ("w2", 3), ("w3", 1)):
        kv.set_vecattr(key, "count", count)
    kv.set_vecattr("w2", "tag", "noun")
    assert kv.get_vecattr("w2", "tag") == "noun"
    with pytest.raises(TypeError, match="count"):
        kv.set_vecattr("w0", "count", 0.5)
    before = {key: kv[key].copy() for key in kv.index_to_key}
    kv.sort_by_descending_frequency()
    assert kv.index_to_key == ["w1", "w2", "w0", "w3"]
    assert all(np.array_equal(kv[key], vector) for key, vector in before.items())
    assert kv.get_vecattr("w2", "tag") == "noun"
    kv.index_to_key += ["new"]
    kv.resize_vectors(seed=3)
    assert kv.vectors.shape == (5, 3)
    assert np.array_equal(kv.vectors[0], before["w1"])
    assert 0 < np.abs(kv.vectors[4]).max() <= 1 / 3
    assert len(kv.expandos["count"]) == 5


def test_vectors_for_all() -> None:
    kv = make(5, 3)
    kv.set_vecattr("w3", "count", 7)
    some = kv.vectors_for_all(["w3", "no", "w1", "w3"], copy_vecattrs=True)
    assert some.index_to_key == ["w3", "w1"]
    assert np.array_equal(some.vectors, kv.vectors[[3, 1]])
    assert some.get_vecattr("w3", "count") == 7


def test_unknown_words_suggest_close_ones() -> None:
    kv = KeyedVectors(1)
    kv.add_vectors(["women", "woman", "the", "Zürich", "toyota"], np.ones((5, 1)))
    for word, near in (
        ("womn", ["women", "woman"]),
        ("hte", ["the"]),
        ("zurich", ["Zürich"]),
        ("TOYTOA", ["toyota"]),
    ):
        with pytest.raises(UnknownWordError) as error:
            kv[word]
        assert error.value.suggestions == near
        assert str(error.value).startswith(f"no vector for {word!r}; did you mean {near[0]!r}")
    with pytest.raises(KeyError):
        kv["entirely else"]
    with pytest.raises(DataError, match=r"^no vector for 'entirely else'$"):
        kv["entirely else"]
    with pytest.raises(KeyError):
        kv[17]


def test_spelling_equals_plain_edit_distance(random: np.random.Generator) -> None:
    from seqkit.vectors.words import edit_distances

    def plain(a: str, b: str) -> int:
        d = {(i, -1): i + 1 for i in range(-1, len(a))} | {(-1, j): j + 1 for j in range(-1, len(b))}
        for i, j in itertools.product(range(len(a)), range(len(b))):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i] != b[j]))
            if i and j and a[i] == b[j - 1] and a[i - 1] == b[j]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
        return d[len(a) - 1, len(b) - 1]

    words = ["".join(random.choice(list("abc"), random.integers(1, 8))) for _ in range(60)]
    letters = np.array(words, "<U7").view(np.uint32).reshape(60, 7).T.copy()
    lengths = np.array([len(word) for word in words])
    for target in words[:20]:
        assert edit_distances(target, letters, lengths).tolist() == [plain(target, word) for word in words]


def random_vectors() -> KeyedVectors:
    kv = KeyedVectors(8)
    kv.add_vectors([f"w{i}" for i in range(500)], np.random.default_rng(1).normal(size=(500, 8)))
    return kv


@pytest.mark.filterwarnings("ignore:builtin type Swig:DeprecationWarning")
def test_recall() -> None:
    pytest.importorskip("faiss")
    kv = random_vectors()
    index, found = ApproximateIndex(kv), 0
    for key in kv.index_to_key[:50]:
        near = kv.most_similar(key, topn=11, indexer=index)
        exact = dict(kv.similar_by_vector(kv[key], 11))
        assert near[0][0] == key
        assert all(score == pytest.approx(exact[k], abs=1e-5) for k, score in near if k in exact)
        found += sum(k in exact for k, _ in near)
    assert found > 0.95 * 50 * 11
    assert len(index.most_similar(kv["w3"], 10_000)) <= 500


@pytest.mark.skipif(importlib.util.find_spec("faiss") is not None, reason="FAISS is installed")
def test_without_faiss_the_error_names_the_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"seqkit\[ann\]"):
        ApproximateIndex(random_vectors())
