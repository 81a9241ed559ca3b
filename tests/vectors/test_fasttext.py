"""fastText's n-grams, hash and file."""

import re
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError
from seqkit.vectors import load_vectors
from seqkit.vectors.fasttext import SubwordVectors, fnv1a, ngram_buckets, ngrams
from tests.vectors import files

TABLE = files.vectors()
NGRAMS = np.random.default_rng(6).normal(size=(11, 5)).astype(np.float32)


def test_hash_by_hand() -> None:
    """One step each; reference values of the FNV authors; bytes above 127 count as negative numbers."""
    assert fnv1a(b"") == 0x811C9DC5
    assert fnv1a(b"a") == (0x811C9DC5 ^ 0x61) * 0x01000193 % 2**32 == 0xE40C292C
    assert fnv1a(b"foobar") == 0xBF9CF968
    assert fnv1a(b"\xc3") == (0x811C9DC5 ^ 0xFFFFFFC3) * 0x01000193 % 2**32


def test_ngrams_by_hand() -> None:
    assert sorted(ngrams("the", 3, 6)) == sorted(["<th", "the", "he>", "<the", "the>", "<the>"])
    assert sorted(ngrams("né", 1, 2)) == sorted(["<n", "n", "né", "é", "é>"])
    assert ngrams("a", 4, 6) == []


@pytest.mark.parametrize(
    ("least", "most", "buckets"), [(3, 6, 97), (1, 3, 11), (2, 2, 7), (5, 4, 3), (0, 40, 5)]
)
def test_many_at_once_equals_one_by_one(least: int, most: int, buckets: int) -> None:
    words = ["hello", "a", "", "naïve", "日本語", "😀x", "b" * 30]
    places, rows = ngram_buckets(words, least, most, buckets)
    assert (np.diff(places) >= 0).all()
    for i, word in enumerate(words):
        expected = sorted(fnv1a(gram.encode()) % buckets for gram in ngrams(word, least, most))
        assert sorted(rows[places == i].tolist()) == expected


@pytest.fixture
def model(tmp_path: Path) -> SubwordVectors:
    path = tmp_path / "model.bin"
    path.write_bytes(files.fasttext([*files.WORDS[:-1], "</s>"], TABLE, ngrams=NGRAMS))
    return load_vectors(path)


def test_a_file_written_by_hand(model: SubwordVectors) -> None:
    assert isinstance(model, SubwordVectors)
    assert model.index_to_key == [*files.WORDS[:-1], "</s>"]
    assert np.array_equal(model.vectors_vocab, TABLE)
    assert np.array_equal(model.vectors_ngrams, NGRAMS)
    assert (model.bucket, model.min_n, model.max_n) == (11, 3, 6)
    assert model.expandos["count"].tolist() == [100, 99, 98, 97, 96, 95, 94]
    for i, word in enumerate(model.index_to_key[:-1]):
        rows = [NGRAMS[fnv1a(gram.encode()) % 11] for gram in ngrams(word, 3, 6)]
        np.testing.assert_allclose(model[word], np.mean([TABLE[i], *rows], axis=0), rtol=1e-5, atol=1e-6)
    assert np.array_equal(model["</s>"], TABLE[-1])


def test_vectors_of_unknown_words(model: SubwordVectors) -> None:
    expected = np.mean([NGRAMS[fnv1a(gram.encode()) % 11] for gram in ngrams("hence", 3, 6)], axis=0)
    np.testing.assert_allclose(model["hence"], expected, rtol=1e-5)
    np.testing.assert_allclose(
        model.get_vector("hence", norm=True), expected / np.linalg.norm(expected), rtol=1e-5
    )
    assert "hence" in model
    assert not model.has_index_for("hence")
    assert model[""].tolist() == [0] * 5
    ours, plain = model.most_similar("hence", topn=3), model.similar_by_vector(expected, topn=3)
    assert [key for key, _ in ours] == [key for key, _ in plain]
    some = model.vectors_for_all(["hence", "the"])
    assert some.index_to_key == ["hence", "the"]
    assert model.vectors_for_all(["hence", "the"], allow_inference=False).index_to_key == ["the"]
    with pytest.raises(KeyError):
        model[99]


def test_models_without_ngrams(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(files.fasttext(files.WORDS, TABLE, bucket=0, minn=0, maxn=0, ngrams=np.empty((0, 5))))
    model = load_vectors(path)
    assert np.array_equal(model.vectors, TABLE)
    assert "hence" not in model


def test_quantised_models_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.ftz"
    path.write_bytes(files.fasttext(files.WORDS, TABLE, quantised=True))
    with pytest.raises(DataError, match="quantised"):
        load_vectors(path)


def bytes_ngrams(word: bytes, least: int, most: int) -> list[bytes]:
    """As fastText's computeSubwords: a character is a byte and those after it that continue one."""
    characters = re.findall(rb"[^\x80-\xbf][\x80-\xbf]*", b"<%b>" % word)
    return [
        b"".join(characters[i : i + n])
        for i in range(len(characters))
        for n in range(least, most + 1)
        if i + n <= len(characters)
    ]


def test_words_cut_within_a_character(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As in two of the published files; gensim spells them with the same escapes."""
    cut = [b"caf\xc3", "日本".encode()[:-1], b"\xa9x", b"", b"plain", "né".encode()]
    path = tmp_path / "model.bin"
    path.write_bytes(files.fasttext(cut, TABLE[: len(cut)], ngrams=NGRAMS))
    model = load_vectors(path)
    assert model.index_to_key == [r"caf\xc3", r"日\xe6\x9c", r"\xa9x", "", "plain", "né"]
    (message,) = caplog.messages
    assert r"3 words are not UTF-8; their bytes stand as in 'caf\\xc3'" in message
    for i, word in enumerate(cut):
        rows = [NGRAMS[fnv1a(gram) % 11] for gram in bytes_ngrams(word, 3, 6)]
        np.testing.assert_allclose(model.vectors[i], np.mean([TABLE[i], *rows], axis=0), rtol=1e-5, atol=1e-6)


def test_version_11(tmp_path: Path) -> None:
    """The same but for classifiers, which had no n-grams of characters."""
    path = tmp_path / "model.bin"
    path.write_bytes(files.fasttext(files.WORDS, TABLE, ngrams=NGRAMS, version=11))
    assert load_vectors(path).max_n == 6
    path.write_bytes(files.fasttext(files.WORDS, TABLE, ngrams=NGRAMS, version=11, model=3))
    assert np.array_equal(load_vectors(path).vectors, TABLE)
    path.write_bytes(files.fasttext(files.WORDS, TABLE, ngrams=NGRAMS, version=13))
    with pytest.raises(DataError, match=r"expected magic .* and version 11 or 12, got .* and 13"):
        load_vectors(path)
