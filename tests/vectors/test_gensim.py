"""Name for name against gensim, where it is installed; docs/keyed-vectors.md lists what differs."""

import inspect
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError
from seqkit.vectors import KeyedVectors, load_vectors, save_vectors

with warnings.catch_warnings():  # gensim's own imports may be deprecated somewhere
    warnings.simplefilter("ignore")
    gensim = pytest.importorskip("gensim")
    Theirs = pytest.importorskip("gensim.models").KeyedVectors

pytestmark = pytest.mark.filterwarnings("ignore")  # gensim's: fromstring, zero norms, deprecated names

DOCS = Path(__file__).parents[2] / "docs" / "keyed-vectors.md"
N, D = 40, 6
WORDS = [f"w{i}" for i in range(N - 2)] + ["naïve", "日本"]


def left_out() -> set[str]:
    """The names in the first column of the table "Omitted"."""
    table = DOCS.read_text(encoding="utf-8").split("## Omitted")[1].split("##")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def public(cls: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers_static(cls) if not name.startswith("_")}


def pair(cls: type) -> Any:
    kv = cls(D)
    kv.add_vectors(WORDS, np.random.default_rng(1).normal(size=(N, D)).astype(np.float32))
    for i, word in enumerate(WORDS):
        kv.set_vecattr(word, "count", (i * 7) % 23 + 1)
    return kv


@pytest.fixture(scope="module")
def ours() -> KeyedVectors:
    return pair(KeyedVectors)


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pair(Theirs)


def test_every_public_name_is_here_or_in_the_table() -> None:
    missing = public(Theirs).keys() - public(KeyedVectors).keys() - left_out()
    assert missing == set()
    assert left_out() & public(KeyedVectors).keys() == set(), "the table names something that is here"


@pytest.mark.parametrize(
    "name", ["__init__", "__getitem__", "__setitem__", "__contains__", "__len__", *public(Theirs)]
)
def test_signatures_and_defaults(name: str) -> None:
    if name in left_out() or not callable(getattr(Theirs, name)):
        pytest.skip("left out, see docs/keyed-vectors.md" if name in left_out() else "no method")
    if name in ("save", "load", "word_vec", "words_closer_than", "init_sims"):
        pytest.skip("takes *args in gensim, or is wrapped as deprecated")
    expected = [
        (p.name, p.default) for p in inspect.signature(getattr(Theirs, name)).parameters.values()
        if p.name != "mapfile_path"
    ]  # fmt: skip
    assert [
        (p.name, p.default) for p in inspect.signature(getattr(KeyedVectors, name)).parameters.values()
    ] == expected


V = np.random.default_rng(2).normal(size=D).astype(np.float32)
CALLS: dict[str, Callable[[Any], Any]] = {
    "most_similar": lambda kv: kv.most_similar("w1"),
    "most_similar of several": lambda kv: kv.most_similar(["w1", 3, V], ["w2"], topn=7),
    "most_similar weighted": lambda kv: kv.most_similar([("w1", 0.3), (V, 2.0)], [("w2", -0.5)]),
    "most_similar clipped": lambda kv: kv.most_similar("w1", clip_start=5, clip_end=20),
    "most_similar restricted": lambda kv: kv.most_similar("w1", restrict_vocab=9),
    "most_similar all": lambda kv: kv.most_similar("w1", topn=None),
    "most_similar none": lambda kv: kv.most_similar("w1", topn=0),
    "similar_by_word": lambda kv: kv.similar_by_word("naïve", 5),
    "similar_by_key": lambda kv: kv.similar_by_key("w4", 5, 20),
    "similar_by_vector": lambda kv: kv.similar_by_vector(V, 5),
    "most_similar_cosmul": lambda kv: kv.most_similar_cosmul(["w1", "w2"], ["w3"]),
    "most_similar_cosmul all": lambda kv: kv.most_similar_cosmul("w1", topn=None),
    "most_similar_to_given": lambda kv: kv.most_similar_to_given("w1", ["w2", "w3", "w9"]),
    "closer_than": lambda kv: kv.closer_than("w1", "w2"),
    "words_closer_than": lambda kv: kv.words_closer_than("w5", "w2"),
    "rank": lambda kv: kv.rank("w1", "w2"),
    "rank_by_centrality": lambda kv: [(word, s) for s, word in kv.rank_by_centrality(["w1", "w2", "w3"])],
    "doesnt_match": lambda kv: kv.doesnt_match(["w1", "w2", "w3", "w7"]),
    "similarity": lambda kv: kv.similarity("w1", "w2"),
    "n_similarity": lambda kv: kv.n_similarity(["w1", "w2"], ["w3"]),
    "distance": lambda kv: kv.distance("w1", "w2"),
    "distances": lambda kv: kv.distances("w1"),
    "distances to some": lambda kv: kv.distances(V, ["w2", "w3"]),
    "cosine_similarities": lambda kv: kv.cosine_similarities(V, kv.vectors),
    "relative_cosine_similarity": lambda kv: kv.relative_cosine_similarity("w1", "w2", 5),
    "get_mean_vector": lambda kv: kv.get_mean_vector(["w1", V, "none"], [1, -2, 3]),
    "get_mean_vector raw": lambda kv: kv.get_mean_vector(
        ["w1", "w2"], pre_normalize=False, post_normalize=True
    ),
    "get_vector": lambda kv: kv.get_vector("w1", norm=True),
    "word_vec": lambda kv: kv.word_vec("w1"),
    "getitem": lambda kv: kv[["w1", 2]],
    "get_index": lambda kv: [kv.get_index("w3"), kv.get_index(4), kv.get_index("none", 9)],
    "contains": lambda kv: ["w1" in kv, "none" in kv, 3 in kv, 99 in kv],
    "get_normed_vectors": lambda kv: kv.get_normed_vectors(),
    "get_vecattr": lambda kv: [int(kv.get_vecattr(word, "count")) for word in WORDS],
    "vectors_for_all": lambda kv: kv.vectors_for_all(["w3", "none", "w1", "w3"]).index_to_key,
    "log_accuracy": lambda kv: kv.log_accuracy({"section": "x", "correct": [1], "incorrect": []}),
    "len": len,
    "str": str,
}


def plain(value: Any) -> Any:
    """Keys and numbers apart."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return [key for key, _ in value], np.array([score for _, score in value])
    return value


@pytest.mark.parametrize("name", CALLS)
def test_results(name: str, ours: KeyedVectors, theirs: Any) -> None:
    found, expected = plain(CALLS[name](ours)), plain(CALLS[name](theirs))
    if isinstance(expected, tuple):
        assert found[0] == expected[0]
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-4, atol=1e-6)
    elif isinstance(expected, (np.ndarray, np.floating, float)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda kv: kv.sort_by_descending_frequency(),
        lambda kv: kv.unit_normalize_all(),
        lambda kv: kv.init_sims(),
        lambda kv: kv.__setitem__("w2", V),
        lambda kv: kv.add_vector("new", V),
        lambda kv: kv.add_vectors(["w1", "new"], np.stack([V, -V])),
        lambda kv: kv.add_vectors(["w1", "new"], np.stack([V, -V]), replace=True),
        lambda kv: (kv.index_to_key.append("new"), kv.resize_vectors(seed=7)),
        lambda kv: kv.allocate_vecattrs(["tag"], [int]),
    ],
)
def test_changes(change: Callable[[Any], Any]) -> None:
    found, expected = pair(KeyedVectors), pair(Theirs)
    change(found)
    change(expected)
    assert found.index_to_key == expected.index_to_key
    assert found.key_to_index == expected.key_to_index
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=1e-5)
    assert found.expandos.keys() == expected.expandos.keys()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda kv: kv["none"],
        lambda kv: kv[N],
        lambda kv: kv.most_similar("none"),
        lambda kv: kv.most_similar(),
        lambda kv: kv.get_mean_vector([]),
        lambda kv: kv.get_mean_vector(["none"], ignore_missing=False),
        lambda kv: kv.get_mean_vector(["w1"], [1, 2]),
        lambda kv: kv.similarity("w1", "none"),
        lambda kv: kv.distances("w1", ["none"]),
        lambda kv: kv.n_similarity([], ["w1"]),
        lambda kv: kv.doesnt_match(["none"]),
        lambda kv: kv.most_similar_cosmul(),
        lambda kv: kv.set_vecattr("w1", "count", "x"),
        lambda kv: kv.get_vecattr("w1", "none"),
        lambda kv: kv.closer_than("w1", "none"),
    ],
)
def test_errors_are_of_gensims_kind(wrong: Callable[[Any], Any], ours: KeyedVectors, theirs: Any) -> None:
    with pytest.raises(Exception) as expected:  # whatever gensim raises
        wrong(theirs)
    with pytest.raises(expected.type):
        wrong(ours)


@pytest.mark.parametrize("binary", [False, True])
def test_files_both_ways(tmp_path: Path, binary: bool, ours: KeyedVectors, theirs: Any) -> None:
    ours.save_word2vec_format(tmp_path / "ours", fvocab=tmp_path / "counts", binary=binary)
    theirs.save_word2vec_format(str(tmp_path / "theirs"), fvocab=str(tmp_path / "counts2"), binary=binary)
    assert (tmp_path / "counts").read_bytes() == (tmp_path / "counts2").read_bytes()
    for name in ("ours", "theirs"):
        path = str(tmp_path / name)
        expected = Theirs.load_word2vec_format(path, binary=binary, fvocab=str(tmp_path / "counts"))
        found = KeyedVectors.load_word2vec_format(path, binary=binary, fvocab=tmp_path / "counts")
        assert found.index_to_key == expected.index_to_key
        assert np.array_equal(found.vectors, expected.vectors)
        assert found.expandos["count"].tolist() == expected.expandos["count"].tolist()
        assert load_vectors(path).index_to_key == expected.index_to_key
        few = Theirs.load_word2vec_format(path, binary=binary, limit=5)
        found = KeyedVectors.load_word2vec_format(path, binary=binary, limit=5)
        assert found.index_to_key == few.index_to_key
        assert found.expandos["count"].tolist() == few.expandos["count"].tolist() == [5, 4, 3, 2, 1]


def test_glove_both_ways(tmp_path: Path, ours: KeyedVectors) -> None:
    save_vectors(ours, tmp_path / "v.glove.gz")
    expected = Theirs.load_word2vec_format(str(tmp_path / "v.glove.gz"), no_header=True)
    assert np.array_equal(expected.vectors, load_vectors(tmp_path / "v.glove.gz").vectors)


def test_fasttext_both_ways(tmp_path: Path) -> None:
    from gensim.models import FastText
    from gensim.models.fasttext import load_facebook_vectors, save_facebook_model

    model = FastText(
        [["hello", "world", "naïve", "日本"]] * 5, vector_size=5, min_count=1, bucket=50, epochs=1
    )
    path = str(tmp_path / "model.bin")
    save_facebook_model(model, path)
    expected, found = load_facebook_vectors(path), load_vectors(path)
    assert found.index_to_key == expected.index_to_key
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=1e-5, atol=1e-7)
    for word in ("helo", "日本語", "naïveté"):
        np.testing.assert_allclose(found[word], expected[word], rtol=1e-5, atol=1e-7)


def test_pickles_are_refused_and_the_given_lines_export_them(tmp_path: Path, theirs: Any) -> None:
    path = str(tmp_path / "model")
    theirs.save(path)
    with pytest.raises(DataError, match="pickle") as error:
        KeyedVectors.load(path)
    lines = str(error.value).split(":\n", 1)[1]
    exec("\n".join(line.strip() for line in lines.splitlines()), {})
    found = load_vectors(path + ".bin")
    assert np.array_equal(found[WORDS], theirs[WORDS])


def test_evaluation(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    lines = [": one"]
    theirs, ours = pair(Theirs), pair(KeyedVectors)
    for n in range(60):
        if n == 30:
            lines.append(": two")
        a, b, c, d = random.choice([*WORDS, "W1", "none"], 4)
        if n % 2 and "none" not in (a, b, c):
            d = theirs.most_similar([b.lower(), c.lower()], [a.lower()], topn=1)[0][0]
        lines.append(f"{a} {b} {c} {d}")
    path = str(tmp_path / "q")
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for settings in ({}, {"case_insensitive": False}, {"dummy4unknown": True}, {"restrict_vocab": 20}):
        assert ours.evaluate_word_analogies(path, **settings) == theirs.evaluate_word_analogies(
            path, **settings
        )
    pairs = [f"{a}\t{b}\t{random.integers(10)}" for a, b in random.choice([*WORDS, "W1", "none"], (50, 2))]
    Path(path).write_text("# pairs\n" + "\n".join(pairs) + "\n", encoding="utf-8")
    for settings in ({}, {"case_insensitive": False}, {"dummy4unknown": True}, {"restrict_vocab": 20}):
        found, expected = (
            ours.evaluate_word_pairs(path, **settings),
            theirs.evaluate_word_pairs(path, **settings),
        )
        np.testing.assert_allclose(np.hstack(found), np.hstack(expected), rtol=1e-4)


DATA = os.environ.get("SEQKIT_DATA", "")


@pytest.mark.skipif(
    not (Path(DATA) / "questions-words" / "questions-words.txt").is_file() or not DATA,
    reason="no questions-words.txt",
)
def test_evaluation_on_the_real_files() -> None:
    random = np.random.default_rng(4)
    questions = Path(DATA) / "questions-words" / "questions-words.txt"
    pairs = Path(DATA) / "wordsim353" / "wordsim353.tsv"
    words = sorted(
        {w for line in questions.read_text().splitlines()[:900] if line[0] != ":" for w in line.split()}
    )
    words += [w for line in pairs.read_text().splitlines()[:60] for w in line.split("\t")[:2]]
    words = list(dict.fromkeys(words))
    table = random.normal(size=(len(words), 20)).astype(np.float32)
    tables = []
    for cls in (KeyedVectors, Theirs):
        tables.append(cls(20))
        tables[-1].add_vectors(words, table)
    ours, theirs = tables
    assert ours.evaluate_word_analogies(questions) == theirs.evaluate_word_analogies(str(questions))
    found, expected = ours.evaluate_word_pairs(pairs), theirs.evaluate_word_pairs(str(pairs))
    np.testing.assert_allclose(np.hstack(found), np.hstack(expected), rtol=1e-4)
