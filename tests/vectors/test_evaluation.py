"""Readers of questions and pairs, and scores that can be worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.metrics import pearson, ranks, spearman
from seqkit.vectors import KeyedVectors
from seqkit.vectors.evaluation import read_analogies, read_pairs

QUESTIONS = (
    ": family\nking man queen woman\nman king woman queen\n: verbs\ntake took go went\nbad line is queen\n"
)


def make() -> KeyedVectors:
    """Pairs that differ by the same step; "Queen" is a second spelling, off the mark."""
    table = {
        "king": (1, 0, 1, 0), "man": (1, 0, 0, 1), "queen": (0, 1, 1, 0), "woman": (0, 1, 0, 1),
        "take": (2, 0, 0, 0), "took": (2, 0, 2, 0), "go": (0, 2, 0, 0), "went": (0, -2, -2, -1),
        "gone": (0, 2, 2, 0), "Queen": (0, 1, 1, 0.1),
    }  # fmt: skip
    kv = KeyedVectors(4)
    kv.add_vectors(list(table), np.array(list(table.values()), float))
    return kv


def test_reading_analogies(tmp_path: Path) -> None:
    path = tmp_path / "q"
    path.write_text(QUESTIONS + "\n")
    family, verbs = read_analogies(path)
    assert (family.name, verbs.name) == ("family", "verbs")
    assert family.questions == [("king", "man", "queen", "woman"), ("man", "king", "woman", "queen")]
    path.write_text(": a\none two three four five\n")
    with pytest.raises(DataError, match=r"four words, got 5, .*line 2, byte 4"):
        read_analogies(path)
    path.write_text("one two three four\n")
    with pytest.raises(DataError, match=r"section.*line 1"):
        read_analogies(path)
    path.write_bytes(b": a\none two three f\xff\n")
    with pytest.raises(DataError, match=r"not utf8.*line 2, byte 19"):
        read_analogies(path)


def test_analogies(tmp_path: Path) -> None:
    """king - man = queen - woman holds; go is answered by gone; the last has unknown words."""
    path = tmp_path / "q"
    path.write_text(QUESTIONS)
    kv = make()
    score, sections = kv.evaluate_word_analogies(path)
    assert score == pytest.approx(2 / 3)
    assert [(s["section"], len(s["correct"]), len(s["incorrect"])) for s in sections] == [
        ("family", 2, 0), ("verbs", 0, 1), ("Total accuracy", 2, 1),
    ]  # fmt: skip
    assert sections[1]["incorrect"] == [("TAKE", "TOOK", "GO", "WENT")]
    score, sections = kv.evaluate_word_analogies(path, dummy4unknown=True)
    assert score == 0.5
    assert sections[1]["incorrect"][1] == ("BAD", "LINE", "IS", "QUEEN")
    score, sections = kv.evaluate_word_analogies(path, restrict_vocab=4, case_insensitive=False)
    assert score == 1
    assert sections[0]["correct"][0] == ("king", "man", "queen", "woman")
    score, _ = kv.evaluate_word_analogies(path, similarity_function="most_similar_cosmul")
    assert score == pytest.approx(2 / 3)
    assert kv.evaluate_word_analogies(path, restrict_vocab=1)[0] == 0
    with pytest.raises(UsageError, match="similarity_function"):
        kv.evaluate_word_analogies(path, similarity_function="dot")


def test_analogies_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers equal those of one query each, whatever the size of a batch."""
    random = np.random.default_rng(4)
    words = [f"w{i}" for i in range(60)]
    kv = KeyedVectors(8)
    kv.add_vectors(words, random.normal(size=(60, 8)))
    lines, expected = [": random"], 0
    for _ in range(40):
        a, b, c = random.choice(words, 3, replace=False)
        best = kv.most_similar([b, c], [a], topn=2)
        right = bool(random.integers(2))
        expected += right
        lines.append(f"{a} {b} {c} {best[0 if right else 1][0]}")
    path = tmp_path / "q"
    path.write_text("\n".join(lines))
    for size in (1, 7 * 60, 1 << 20):
        monkeypatch.setattr("seqkit.vectors.evaluation._BLOCK_SCORES", size)
        score, _ = kv.evaluate_word_analogies(path, case_insensitive=False)
        assert score == expected / 40
    assert 0 < expected < 40


def test_reading_pairs(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("# comment\nWord 1\tWord 2\tMean\nking\tqueen\t8.5\n\nman\twoman\t9\n")
    assert read_pairs(path) == [("king", "queen", 8.5), ("man", "woman", 9.0)]
    path.write_text("a\tb\t1\nking\tqueen\thigh\n")
    with pytest.raises(DataError, match=r"finite number as the score, got 'high'.*line 2, byte 6"):
        read_pairs(path)
    path.write_text("a b\n")
    with pytest.raises(DataError, match=r"2 fields.*line 1"):
        read_pairs(path)
    path.write_text("a\tb\t1\nking\tqueen\t2\t3\n")
    with pytest.raises(DataError, match=r"expected two words and a score, got 4 fields.*line 2"):
        read_pairs(path)
    path.write_text("a b 1\n")
    assert read_pairs(path) == [("a", "b", 1.0)]
    assert read_pairs(path, delimiter=" ") == [("a", "b", 1.0)]


def test_pairs(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("KING\tman\t1\nking\tqueen\t2\ntook\tking\t9\nking\tnobody\t5\n")
    kv = make()
    cosines = [0.5, 0.5, 1.0]
    found, rank, left_out = kv.evaluate_word_pairs(path)
    assert left_out == 25
    assert found.statistic == pytest.approx(np.corrcoef(cosines, [1, 2, 9])[0, 1])
    assert rank.statistic == pytest.approx(np.corrcoef([1.5, 1.5, 3], [1, 2, 3])[0, 1])
    found, rank, left_out = kv.evaluate_word_pairs(path, dummy4unknown=True)
    assert left_out == 25
    assert rank.statistic == pytest.approx(np.corrcoef([2.5, 2.5, 4, 1], [1, 2, 4, 3])[0, 1])
    with pytest.raises(DataError, match="no pair"):
        kv.evaluate_word_pairs(path, restrict_vocab=0)


def test_ranks_share_ties() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [4, 1, 4, 2, 4]


def test_correlations() -> None:
    x = np.arange(10.0)
    assert pearson(x, 3 - 2 * x).statistic == pytest.approx(-1)
    assert spearman(x, np.exp(x)).statistic == 1
    assert pearson(x, np.exp(x)).statistic < 0.9
    assert math.isnan(pearson(x, np.ones(10)).statistic)


def test_p_values_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(2)
    x, y = random.normal(size=(2, 30))
    y = (y + x).round(1)
    np.testing.assert_allclose(pearson(x, y), stats.pearsonr(x, y), rtol=1e-9)
    np.testing.assert_allclose(spearman(x, y), stats.spearmanr(x, y), rtol=1e-9)
