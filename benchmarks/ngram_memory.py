"""Peak memory of fitting a Kneser-Ney model to english-novels, repeated with a word changed a line.

Needs $SEQKIT_DATA/english-novels. The peak is that of the whole process, from the ids to the saved model.
With --lmplz, the program of KenLM, that reads the same text under the same limit; its peak is a second row.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import data_dir
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.language_modeling.data import encode, open_corpus
from seqkit.training import Callback

_FIT = """
import json, sys, time
from pathlib import Path
import numpy as np
from seqkit.models import NGramConfig, fit_kneser_ney
from seqkit.training.checksummed import write_tensors
ids, vocab_size, eos_id, memory, folder = sys.argv[1:]
config = NGramConfig(int(vocab_size), 5, int(eos_id))
model = fit_kneser_ney(np.load(ids, mmap_mode="r"), config, memory=int(memory), folder=Path(folder))
write_tensors(Path(folder) / "model.safetensors", model.state_dict(), {})
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(json.dumps([peak / 1024, time.process_time()]))
"""

_LMPLZ = """
import json, resource, subprocess, sys
with open(sys.argv[1], "rb") as text:
    subprocess.run(sys.argv[2:], stdin=text, stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime]))
"""
_PART = 1 << 20
"""Tokens that are written at a time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--words", type=int, default=500_000_000, help="tokens of the text [%(default)s]")
    parser.add_argument("--memory", type=int, default=1024, help="limit in MiB [%(default)s]")
    parser.add_argument("--lmplz", type=Path, help="KenLM's program, to be measured on the same text")
    parser.add_argument("--folder", type=Path, help="folder of the ids and the temporary files")


def _write_ids(path: Path, novels: np.ndarray, eos_id: int, size: int) -> None:
    """Write ids of the novels, again and again, each time with one word of each line drawn from the text."""
    generator = np.random.default_rng(0)
    ends = np.flatnonzero(novels == eos_id)
    begins = np.concatenate(([0], ends[:-1] + 1))
    lengths = (ends - begins)[ends > begins]
    begins = begins[ends > begins]
    words = novels[novels != eos_id]
    ids = np.lib.format.open_memmap(path, "w+", novels.dtype, (size,))
    for at in range(0, size, len(novels)):
        copy = novels.copy()
        if at:
            places = begins + (generator.random(len(begins)) * lengths).astype(np.int64)
            copy[places] = words[generator.integers(0, len(words), len(places))]
        ids[at : at + len(copy)] = copy[: size - at]
    ids.flush()


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row with the peak memory beside the limit."""
    settings = LanguageModelSettings(corpus=str(data_dir() / "english-novels"), model="kneser-ney")
    corpus = open_corpus(settings)
    encoded = encode(settings.resolve(corpus), corpus, Callback())
    eos_id = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        _write_ids(Path(name) / "ids.npy", np.asarray(encoded.splits["train"]), eos_id, options.words)
        arguments = [f"{name}/ids.npy", len(encoded.vocabulary), eos_id, options.memory << 20, name]
        rows = [_row("", options, _measured(_FIT, *arguments))]
        if options.lmplz is not None:
            (Path(name) / "model.safetensors").unlink()
            _write_text(Path(name), encoded.vocabulary.tokens, eos_id)
            command = [options.lmplz, "-o", 5, "-S", f"{options.memory}M", "-T", f"{name}/", "--skip_symbols"]
            rows.append(_row(", KenLM's lmplz", options, _measured(_LMPLZ, f"{name}/text.txt", *command)))
    return rows, {}


def _write_text(folder: Path, tokens: Sequence[str], eos_id: int) -> None:
    """Write the ids as lines of words."""
    ids = np.load(folder / "ids.npy", mmap_mode="r")
    words = np.array([f"{token} " for token in tokens], object)
    words[eos_id] = "\n"
    with (folder / "text.txt").open("w", encoding="utf-8") as file:
        for at in range(0, len(ids), _PART):
            file.write("".join(words[ids[at : at + _PART]]))


def _measured(program: str, *arguments: object) -> tuple[float, float]:
    """Return the peak in MiB and the seconds of CPU that a program prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    peak, seconds = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return peak, seconds


def _row(what: str, options: argparse.Namespace, measured: tuple[float, float]) -> dict[str, Any]:
    peak, seconds = measured
    return {
        "name": f"peak memory of Kneser-Ney, order 5, {options.words / 1e6:,.0f} M tokens{what}",
        "ours": round(peak, 1),
        "peer": options.memory,
        "against": "the limit",
        "unit": "MiB",
        "ratio": round(options.memory / peak, 3),
        "runs": 1,
        "note": f"{seconds / options.words * 1e6:.2f} µs of CPU a token",
    }
