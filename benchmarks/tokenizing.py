"""Speed of cutting text into tokens, in MB of UTF-8 per second, by tokenizer and language.

Needs $SEQKIT_DATA/ptb, english-novels and multi30k; rows without their text or library are left out.
The times are those of the process, so that other programs on the machine matter less.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqkit import corpora
from seqkit.backend import data_dir
from seqkit.errors import MissingDependencyError
from seqkit.text import Tokenizer, get_tokenizer

RUNS = 7
_CHARACTERS = 3_000_000
_CHINESE = "今天天气很好，我们去公园散步。他用Python 3写代码，训练一个很小的语言模型；结果还不错！\n" * 2000


def _texts() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Iterate over the texts: name, text, tokenizers."""
    yield (
        "pydocs",
        "".join(f"{line}\n" for line in corpora.open_corpus("pydocs").lines("train")),
        ("word", "char"),
    )
    folder = data_dir()
    novels = sorted((folder / "english-novels").glob("*.txt"))[:8]
    for name, files in (
        ("English novels", novels),
        ("Penn Treebank", [folder / "ptb" / "ptb.train.txt"]),
        ("Multi30k, German", [folder / "multi30k" / "train.de"]),
    ):
        if files and all(file.is_file() for file in files):
            yield name, "".join(map(_read, files)), ("word", "whitespace", "char")
    yield "Chinese", _CHINESE, ("word", "jieba")


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def _speed(tokenizer: Tokenizer, text: str) -> float:
    """Return MB per second of one pass in blocks of a million characters, as corpora are read."""
    blocks = [text[start : start + (1 << 20)] for start in range(0, len(text), 1 << 20)]
    start = time.process_time()
    for block in blocks:
        tokenizer.tokenize_block(block)
    return len(text.encode()) / 1e6 / (time.process_time() - start)


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row for each text and tokenizer."""
    rows = []
    for name, text, tokenizers in _texts():
        for each in tokenizers:
            try:
                tokenizer = get_tokenizer(each)
            except MissingDependencyError:
                continue
            part = text[:_CHARACTERS]
            _speed(tokenizer, part[:1000])
            speeds = sorted(_speed(tokenizer, part) for _ in range(runs))
            rows.append(
                {
                    "name": f"{name}, {each}",
                    "ours": round(speeds[len(speeds) // 2], 2),
                    "peer": None,
                    "unit": "MB/s",
                    "ratio": None,
                    "higher_is_better": True,
                    "runs": runs,
                    "ours_range": [round(speeds[0], 2), round(speeds[-1], 2)],
                }
            )
    return rows, {}
