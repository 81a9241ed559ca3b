"""Damaged files: refused with the byte, or loaded finite and whole but for the damaged row. Nothing else."""

import bz2
import gzip
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError
from seqkit.vectors import load_vectors, save_vectors
from tests.exhaustive import some
from tests.vectors import files

pytestmark = pytest.mark.slow

N, D = len(files.WORDS), files.DIMENSIONS
TABLE = files.vectors()
PER_FORMAT = 400
Make = Callable[..., bytes]


def _w2v(words: list[str], table: np.ndarray, count: int = N, size: int = D) -> bytes:
    return files.text(words, table, header=f"{count} {size}")


def _glove(words: list[str], table: np.ndarray, count: int = N, size: int = D) -> bytes:
    """Without a header; a row of another length lies about the size instead."""
    data = files.text(words, table, header=None)
    return data if (count, size) == (N, D) else data + (f"{count}" + " 0.5" * (size % 97)).encode() + b"\n"


def _binary(words: list[str], table: np.ndarray, count: int = N, size: int = D) -> bytes:
    return files.binary(words, table, header=f"{count} {size}")


def _bare_binary(words: list[str], table: np.ndarray, count: int = N, size: int = D) -> bytes:
    return files.binary(words, table, header=f"{count} {size}", newline=b"")


def _fasttext(words: list[str], table: np.ndarray, count: int = N, size: int = D) -> bytes:
    return files.fasttext(words, table, size=count, dim=size, rows=count + 11)


FORMATS: dict[str, tuple[Make, str | None]] = {
    "word2vec": (_w2v, None),
    "glove": (_glove, "glove"),
    "word2vec-binary": (_binary, None),
    "gensim-binary": (_bare_binary, "word2vec-binary"),
    "fasttext": (_fasttext, None),
    "word2vec.gz": (lambda *a: gzip.compress(_w2v(*a), mtime=0), None),
    "word2vec-binary.bz2": (lambda *a: bz2.compress(_binary(*a)), None),
    "fasttext.gz": (lambda *a: gzip.compress(_fasttext(*a), mtime=0), None),
}
ROWS_OF_A_FLIP = {"gensim-binary": 2}
"""Without line feeds nothing marks where a row begins: a flip between two rows can damage both."""


def _damage(make: Make, random: np.random.Generator) -> tuple[str, bytes]:
    """One of the kinds of damage of the issue."""
    whole = make(files.WORDS, TABLE)
    kind = ["truncation", "flip", "flip", "lying header", "duplicate", "not finite", "wrong count"][
        random.integers(7)
    ]
    words, table = list(files.WORDS), TABLE.copy()
    if kind == "truncation":
        return kind, whole[: random.integers(len(whole))]
    if kind == "flip":
        data = bytearray(whole)
        data[random.integers(len(data))] ^= 1 << random.integers(8)
        return kind, bytes(data)
    if kind == "lying header":
        wild = [0, 1, N - 1, N + 1, 1000, 2**20, 2**31 - 1]
        count, size = int(random.choice(wild)), int(random.choice([*wild, D]))
        return kind, make(words, table, count, size)
    if kind == "wrong count":
        kept = int(random.integers(N))
        return kind, make(words[:kept], table[:kept], N)
    i, j = random.choice(N, 2, replace=False)
    if kind == "duplicate":
        words[j] = words[i]
    else:
        table[i, random.integers(D)] = random.choice([np.nan, np.inf, -np.inf])
    return kind, make(words, table)


def _examine(path: Path, name: str | None) -> tuple[str, int]:
    """("refused", 0), or ("loaded", number of rows that differ from the whole file)."""
    try:
        kv = load_vectors(path, name)
    except DataError as error:
        return ("refused" if re.search(r", byte \d+", str(error)) else f"no byte in: {error}"), 0
    assert np.isfinite(kv.vectors).all()
    assert kv.vectors.shape == (len(kv), kv.vector_size)
    assert len(set(kv.index_to_key)) == len(kv)
    found = getattr(kv, "vectors_vocab", kv.vectors)
    if found.shape[1] != D:
        return "loaded", max(N, len(kv))
    same = sum(
        word == other and np.array_equal(row, true)
        for word, row, other, true in zip(kv.index_to_key, found, files.WORDS, TABLE, strict=False)
    )
    return "loaded", max(N, len(kv)) - same


@pytest.mark.parametrize("name", some(list(FORMATS), 2))
def test_damaged_files(name: str, tmp_path: Path) -> None:
    make, format_name = FORMATS[name]
    path = tmp_path / "v"
    path.write_bytes(make(files.WORDS, TABLE))
    assert _examine(path, format_name) == ("loaded", 0)
    random = np.random.default_rng(len(name))
    outcomes: Counter[tuple[str, str]] = Counter()
    for n in range(PER_FORMAT):
        kind, data = _damage(make, random)
        path.write_bytes(data)
        # tracing takes most of the time; sizes that lie are what could fill the memory
        traced = n % 8 == 0 or kind == "lying header"
        if traced:
            tracemalloc.start()
        try:
            outcome, differing = _examine(path, format_name)
            if traced:
                assert tracemalloc.get_traced_memory()[1] < 2 * len(data) + (64 << 20), (kind, data)
        finally:
            tracemalloc.stop()
        outcomes[kind, outcome] += 1
        if outcome == "loaded":
            allowed = N if (name, kind) in LOSES_ROWS else ROWS_OF_A_FLIP.get(name, 1)
            assert differing <= allowed, (kind, data)
    assert {outcome for _, outcome in outcomes} <= {"loaded", "refused"}, outcomes
    kinds = {kind for kind, _ in outcomes}
    assert kinds == {"truncation", "flip", "lying header", "duplicate", "not finite", "wrong count"}
    for kind in ("duplicate", "not finite", "flip"):
        assert outcomes[kind, "refused"] > 0, outcomes
    assert outcomes["duplicate", "loaded"] == outcomes["not finite", "loaded"] == 0, outcomes
    if name == "glove":  # states no count: nothing but the shape of its lines can be wrong
        assert outcomes["truncation", "refused"] > PER_FORMAT / 20, outcomes
        assert outcomes["lying header", "refused"] > PER_FORMAT / 20, outcomes
    else:
        assert outcomes["lying header", "refused"] > PER_FORMAT / 20, outcomes
        assert outcomes["truncation", "loaded"] <= outcomes["truncation", "refused"] / 20, outcomes
        assert outcomes["wrong count", "loaded"] == 0, outcomes


LOSES_ROWS = {("glove", "truncation"), ("glove", "wrong count")}
"""GloVe states no count, so that whole lines can be missing."""


def test_damaged_native_files_are_always_noticed(tmp_path: Path) -> None:
    """Every byte stands under a checksum: a small file is never loaded damaged."""
    path = tmp_path / "v.safetensors"
    source = tmp_path / "v.txt"
    source.write_bytes(_w2v(files.WORDS, TABLE))
    save_vectors(load_vectors(source), path)
    whole = path.read_bytes()
    random = np.random.default_rng(8)
    outcomes: Counter[str] = Counter()
    for n in range(PER_FORMAT):
        data = bytearray(whole)
        if n % 4 == 0:
            data = data[: random.integers(len(data))]
        elif n % 4 == 1:  # a lying header: its length, or a number in it
            places = [i for i in range(len(whole)) if i < 8 or (i < 900 and chr(whole[i]).isdigit())]
            place = random.choice(places)
            data[place] = (
                (data[place] + random.integers(1, 200)) % 256 if place < 8 else ord("0") + random.integers(10)
            )
            if data == whole:
                continue
        elif n % 4 == 2:
            data[random.integers(len(data))] ^= 1 << random.integers(8)
        else:
            data += random.bytes(int(random.integers(1, 9)))
        path.write_bytes(data)
        outcomes[_examine(path, "native")[0]] += 1
    assert set(outcomes) == {"refused"}
    assert outcomes["refused"] > PER_FORMAT * 0.9


def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Of compressed native vectors no more is unpacked than a sound header states."""
    source, native, path = tmp_path / "v.txt", tmp_path / "v.safetensors", tmp_path / "bomb.safetensors.gz"
    source.write_bytes(_w2v(files.WORDS, TABLE))
    save_vectors(load_vectors(source), native)
    whole = native.read_bytes()
    path.write_bytes(gzip.compress(whole))
    assert _examine(path, None) == ("loaded", 0)
    starts = {
        "a header of": b"\x40" + bytes(7) + b'{"x":' + b" " * 60,
        "a header of 4294967295 bytes": b"\xff" * 4 + bytes(4) + b"{",
        "not of vectors that seqkit wrote": b"\x02" + bytes(7) + b"{}",
        "its tensors take": whole,
    }
    for said, start in starts.items():
        for compress in (gzip.compress, bz2.compress):
            path.write_bytes(compress(start + bytes(24 << 20)))
            tracemalloc.start()
            try:
                with pytest.raises(DataError, match=said if said != "a header of" else "seqkit wrote"):
                    load_vectors(path, "native")
                assert tracemalloc.get_traced_memory()[1] < 16 << 20
            finally:
                tracemalloc.stop()


def test_sizes_of_a_compressed_model_that_lie(tmp_path: Path) -> None:
    """Ten million n-grams that are not there take no memory."""
    path = tmp_path / "v.bin.gz"
    path.write_bytes(gzip.compress(files.fasttext(files.WORDS, TABLE, bucket=10**7, rows=10**7 + N)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="bytes before its input vectors do"):
            load_vectors(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_any_bytes_at_all(tmp_path: Path) -> None:
    """Files that only begin like one of the formats: refused, or finite vectors."""
    random, path, refused, tries = np.random.default_rng(11), tmp_path / "v", 0, 2000
    starts = [
        b"",
        b"7 5\n",
        b"1 1\na ",
        b"\x1f\x8b\x08\0",
        b"BZh9",
        b"\x80\x04",
        files.fasttext([], TABLE[:0])[:60],
    ]
    starts += [b"\x40\0\0\0\0\0\0\0{", b"a 1 2 3\n", b"99999999999 1\n"]
    for _ in range(tries):
        start = starts[random.integers(len(starts))]
        noise = random.bytes(int(random.integers(200)))
        text = bytes(random.choice(list(b"0123456789. -e\nab"), 50).astype(np.uint8))
        path.write_bytes(start + (noise if random.integers(2) else text))
        try:
            kv = load_vectors(path)
        except DataError:
            refused += 1
        else:
            assert np.isfinite(kv.vectors).all()
            assert kv.vectors.shape == (len(kv), kv.vector_size)
    assert tries * 0.8 < refused < tries
