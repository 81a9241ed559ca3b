"""Time of `seqkit similar` among 400,000 × 300 vectors as a whole process with a warm page cache.

The peer is gensim. The same vectors are written to the cache once, as a native file of each side and as
word2vec text (by gensim): about 2.5 GB, which --clean removes. The program of gensim's side is
``KeyedVectors.load`` with ``mmap="r"`` or, for text, ``load_word2vec_format``, and ``most_similar``. Both
must first give the same ten words, with scores equal to 1e-4, for every query; then they take turns.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gensim_peer import add_gensim_python, benchmark_folder, gensim_missing
from benchmarks.measure import row

RUNS = 7
WORDS, DIMENSIONS, TOPICS = 400_000, 300, 2_000
TOLERANCE = 1e-4
QUERIES = (100, 5_000, 60_000, 399_999)
"""Ranks of the query words, frequent and rare."""
peer_missing = gensim_missing

_WRITE = """
import sys
import numpy as np
from gensim.models import KeyedVectors
folder = sys.argv[1]
vectors = np.load(folder + "/vectors.npy")
words = open(folder + "/words.txt", encoding="utf-8").read().split("\\n")[:-1]
kv = KeyedVectors(vectors.shape[1])
kv.add_vectors(words, vectors)
kv.fill_norms()
kv.save(folder + "/gensim.kv")
kv.save_word2vec_format(folder + "/text.txt")
"""
_NATIVE = """
import sys
from gensim.models import KeyedVectors
kv = KeyedVectors.load(sys.argv[1], mmap="r")
for word, score in kv.most_similar(sys.argv[2]):
    print(f"{score:.9f}\\t{word}")
"""
_TEXT = _NATIVE.replace('load(sys.argv[1], mmap="r")', "load_word2vec_format(sys.argv[1])")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_gensim_python(parser)
    parser.add_argument("--clean", action="store_true", help="remove the files from the cache afterwards")
    parser.add_argument("--quick", action="store_true", help="a trial with a tenth of the words; not written")


def _words(count: int) -> list[str]:
    """Return distinct words of 2 to 12 letters, short words first as in a list by frequency."""
    random = np.random.default_rng(1)
    words: dict[str, None] = {}
    while len(words) < count:
        length = min(12, 2 + len(words) * 12 // count) + int(random.integers(0, 3))
        letters = random.integers(97, 123, size=(1000, length), dtype=np.uint8)
        words |= dict.fromkeys(bytes(line).decode() for line in letters)
    return list(words)[:count]


def _vectors(count: int) -> np.ndarray:
    """Return vectors clustered by topic like trained ones; those of frequent words are longer."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((TOPICS, DIMENSIONS), dtype=np.float32)
    vectors = random.standard_normal((count, DIMENSIONS), dtype=np.float32)
    vectors += centres[random.integers(0, TOPICS, count)]
    vectors *= (0.3 / (1 + np.arange(count, dtype=np.float32) / 50_000) ** 0.3)[:, None]
    return vectors


def prepare(count: int, python: str) -> Path:
    """Return the folder with seqkit.safetensors, gensim.kv and text.txt, which is created if missing."""
    from seqkit.vectors import KeyedVectors

    folder = benchmark_folder() / f"similar-{count}x{DIMENSIONS}"
    if folder.exists():
        return folder
    need = count * DIMENSIONS * 20
    free = shutil.disk_usage(folder.parent).free
    if free < need:
        raise SystemExit(
            f"error: {need / 1e9:.1f} GB are needed in {folder.parent}, {free / 1e9:.1f} are free"
        )
    print(f"writing {count:,} vectors of {DIMENSIONS} numbers under {folder.parent}", file=sys.stderr)
    name = tempfile.mkdtemp(dir=folder.parent, prefix="part-")
    try:
        words, vectors = _words(count), _vectors(count)
        Path(name, "words.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        np.save(Path(name, "vectors.npy"), vectors)
        subprocess.run([python, "-c", _WRITE, name], check=True, stdout=subprocess.DEVNULL)
        table = KeyedVectors(DIMENSIONS)
        table.add_vectors(words, vectors)
        table.save(Path(name, "seqkit.safetensors"))
        Path(name, "vectors.npy").unlink()
        os.rename(name, folder)  # atomically
    finally:
        shutil.rmtree(name, ignore_errors=True)
    return folder


def _seqkit() -> list[str]:
    """Return the installed command of this Python, or the command that runs the module."""
    script = Path(sys.executable).with_name("seqkit")
    return [str(script)] if script.exists() else [sys.executable, "-m", "seqkit"]


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command[:4])} … failed\n{done.stderr}")
    return done.stdout


def same_answers(ours: list[str], peer: list[str], words: list[str]) -> float:
    """Return the largest difference of a score; raise AssertionError if the answers differ."""
    largest = 0.0
    for word in words:
        our_answer = [
            (each["word"], each["similarity"]) for each in json.loads(_output([*ours, word, "--json"]))
        ]
        lines = [line.split("\t") for line in _output([*peer, word]).splitlines()]
        peer_answer = [(each, float(score)) for score, each in lines]
        largest = max(largest, *(abs(a - b) for (_, a), (_, b) in zip(our_answer, peer_answer, strict=True)))
        words_differ = [each for each, _ in our_answer] != [each for each, _ in peer_answer]
        if words_differ or largest > TOLERANCE or len(our_answer) != 10:
            raise AssertionError(
                f"the answers for {word!r} differ: ours {our_answer}, gensim's {peer_answer}"
            )
    return largest


def _timed(ours: list[str], peer: list[str], words: list[str], runs: int) -> dict[str, list[float]]:
    """Return the seconds of whole processes in turn, after one of each that warms the page cache."""
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for number in range(-1, runs):
        for name, command in (("ours", ours), ("peer", peer)):
            start = time.perf_counter()
            _output([*command, words[number % len(words)]])
            if number >= 0:
                times[name].append(time.perf_counter() - start)
    return times


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row for the native files and a row for word2vec text."""
    python, count = options.gensim_python, WORDS // 10 if options.quick else WORDS
    runs = min(runs, 3) if options.quick else max(runs, 5)
    folder = prepare(count, python)
    text = (folder / "words.txt").read_text("utf-8").split("\n")
    words = [text[min(rank, count - 1)] for rank in QUERIES]
    rows = []
    cases = [
        ("native files", "seqkit.safetensors", _NATIVE, "gensim.kv", words),
        ("word2vec text", "text.txt", _TEXT, "text.txt", words[:1]),  # gensim reads the text for a minute
    ]
    for name, our_file, program, peer_file, queries in cases:
        ours = [*_seqkit(), "similar", "--vectors", str(folder / our_file)]
        other = [python, "-c", program, str(folder / peer_file)]
        difference = same_answers(ours, other, queries)
        times = _timed(ours, other, words, runs)
        result = row(f"similar, {count:,} x {DIMENSIONS}, {name}", times["ours"], times["peer"])
        result["score_difference"] = difference
        result["note"] = (
            f"the same ten words for {len(queries)} queries, scores within {difference:.1e}; range "
            f"{result['ours_range']} / {result['peer_range']} ms"
        )
        rows.append(result)
    if options.clean:
        shutil.rmtree(folder)
    version = _output([python, "-c", "import gensim, numpy; print(gensim.__version__, numpy.__version__)"])
    return rows, {"gensim": version.split()[0], "gensim's numpy": version.split()[1]}
