"""The gensim peer of the word2vec and similarity benchmarks: its Python, texts, trainings and scores."""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.backend.paths import cache_dir, data_dir
from seqkit.vectors import load_vectors

ROOT = Path(__file__).resolve().parents[1]
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
QUICK_INTERVAL = 20
"""A quick trial reads one line of this many."""


def add_gensim_python(parser: argparse.ArgumentParser) -> None:
    """Add --gensim-python, since gensim may need another NumPy."""
    parser.add_argument(
        "--gensim-python",
        default=os.environ.get("GENSIM_PYTHON", sys.executable),
        metavar="PATH",
        help="Python with gensim, which may need an older NumPy than seqkit [$GENSIM_PYTHON, or this Python]",
    )


def gensim_missing(options: argparse.Namespace) -> str | None:
    """Return why gensim cannot be run, or None."""
    try:
        done = subprocess.run(
            [options.gensim_python, "-c", "import gensim"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return f"cannot run {options.gensim_python} ({error.strerror})"
    if done.returncode == 0:
        return None
    reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return (
        f"{options.gensim_python} cannot import gensim: {reason}\n"
        "pip install 'gensim>=4.4' there, or name another Python with --gensim-python"
    )


def benchmark_folder() -> Path:
    """Return the folder of generated benchmark files."""
    folder = cache_dir() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def corpus_lines(corpus: str) -> Path:
    """Return a corpus as a file with one sentence per line and words separated by spaces.

    For english-novels, each line of the novels is a sentence of lower-case words ``[a-z]+(?:'[a-z]+)?``,
    written to the cache once. ptb is the published training split. Raises SystemExit if the corpus is absent.
    """
    if corpus == "ptb":
        path = data_dir() / "ptb" / "ptb.train.txt"
        if not path.is_file():
            raise SystemExit(f"error: no {path}; fetch it with: seqkit corpora fetch ptb")
        return path
    novels = sorted((data_dir() / "english-novels").glob("*.txt"))
    if not novels:
        raise SystemExit("error: no english-novels; set SEQKIT_DATA to the folder that holds them")
    state = [(path.name, path.stat().st_size) for path in novels]
    key = hashlib.sha256(repr(state).encode()).hexdigest()[:12]
    target = benchmark_folder() / f"english-novels-{key}.txt"
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}.part")
        with part.open("w", encoding="ascii") as file:
            for path in novels:
                for line in path.read_text("utf-8-sig").splitlines():
                    if words := _WORD.findall(line.lower()):
                        file.write(" ".join(words) + "\n")
        part.replace(target)
    return target


def quick_lines(path: Path) -> Path:
    """Return a file with one line in twenty of a text, for a trial."""
    target = benchmark_folder() / f"quick-{path.name}"
    with path.open(encoding="utf-8") as file, target.open("w", encoding="utf-8") as out:
        out.writelines(line for number, line in enumerate(file) if number % QUICK_INTERVAL == 0)
    return target


def score_files() -> tuple[Path, Path]:
    """Return the files of WordSim-353 and the analogies; raise SystemExit if they are absent."""
    files = (
        data_dir() / "wordsim353" / "wordsim353.tsv",
        data_dir() / "questions-words" / "questions-words.txt",
    )
    for path in files:
        if not path.is_file():
            raise SystemExit(f"error: no {path}; fetch it with: seqkit corpora fetch {path.parent.name}")
    return files


@dataclass
class Scores:
    """Spearman correlation on WordSim-353, accuracy on analogies, and how many of each are known."""

    wordsim: float
    analogies: float
    pairs: int
    questions: int


def evaluate(vectors: Path) -> Scores:
    """Return the scores of a vector file by seqkit's evaluator."""
    pairs, questions = score_files()
    table = load_vectors(vectors)
    accuracy, sections = table.evaluate_word_analogies(questions)
    try:
        _, spearman, missing = table.evaluate_word_pairs(pairs)
    except ValueError:  # the vocabulary of a trial may have no pair
        return Scores(float("nan"), accuracy, 0, 0)
    known = round(353 * (1 - missing / 100))
    questions_known = len(sections[-1]["correct"]) + len(sections[-1]["incorrect"])
    return Scores(float(spearman[0]), float(accuracy), known, questions_known)


def train(
    system: str,
    python: str,
    text: Path,
    settings: dict[str, Any],
    *,
    reading: str = "corpus_file",
    own_evaluation: bool = False,
    score: bool = True,
) -> dict[str, Any]:
    """Train in a separate process and return its times, versions and, with ``score``, the Scores of the
    vectors.

    own_evaluation: also return both scores by gensim's own evaluator.
    """
    with tempfile.TemporaryDirectory() as folder:
        vectors = Path(folder) / "vectors.bin"
        job: dict[str, Any] = {"system": system, "text": str(text), "settings": settings, "reading": reading}
        job["vectors"] = str(vectors)
        if own_evaluation:
            job["evaluate"] = [str(path) for path in score_files()]
        command = [python if system == "gensim" else sys.executable, "-m", "benchmarks.word2vec_worker"]
        done = subprocess.run(
            [*command, json.dumps(job)], capture_output=True, text=True, check=False, cwd=ROOT
        )
        if done.returncode:
            raise SystemExit(f"error: the training of {system} failed\n{done.stderr}")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if score:
            result["scores"] = evaluate(vectors)
    return result
