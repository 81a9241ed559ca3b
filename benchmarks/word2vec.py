"""Words per second of word2vec training on english-novels (14.2 million words). The peer is gensim.

Each side trains in its own process on the same file with a sentence per line, with the same settings and
threads: 100 dimensions, window 5, 5 negatives, sample 1e-3, min_count 5. Words per second are the words of
the text × epochs ÷ wall time of train(); the vocabulary scan, compilation and saving are timed separately.
gensim reads by the faster of corpus_file and its iterable, measured in one epoch before. WordSim-353 and
analogies of the vectors of the timed runs, by one evaluator, show that both sides learn equally well.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.gensim_peer import add_gensim_python, corpus_lines, gensim_missing, quick_lines, train
from benchmarks.measure import rate_row

RUNS = 3
MODELS = {"cbow": ("CBOW", 0), "skip-gram": ("skip-gram", 1)}
READINGS = ("corpus_file", "iterable")
peer_missing = gensim_missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_gensim_python(parser)
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2], help="threads [1 2]")
    parser.add_argument("--epochs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--alpha", type=float, default=0.025, help="our learning rate [%(default)s]")
    parser.add_argument("--gensim-alpha", type=float, default=0.025, help="gensim's [%(default)s]")
    parser.add_argument(
        "--quick", action="store_true", help="a trial on a twentieth of the text, 1 epoch, 1 run; not written"
    )


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _rate(result: dict[str, Any], epochs: int) -> float:
    rate: float = result["words"] * epochs / result["train_s"]
    return rate


def _faster_reading(python: str, text: Path, settings: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """Return gensim's faster reader, and the words per second of one epoch with each."""
    rates = {}
    for reading in READINGS:
        result = train("gensim", python, text, {**settings, "epochs": 1}, reading=reading, score=False)
        rates[reading] = round(_rate(result, 1))
    return max(READINGS, key=rates.__getitem__), rates


def _median(results: list[dict[str, Any]], name: str) -> float:
    return round(statistics.median(result[name] for result in results), 2)


def _score(results: list[dict[str, Any]], name: str) -> float:
    return round(statistics.fmean(getattr(result["scores"], name) for result in results), 4)


def measure(label: str, settings: dict[str, Any], options: argparse.Namespace, runs: int, text: Path) -> Any:
    """Return the row of one model with one number of workers, and gensim's versions."""
    reading, reading_rates = _faster_reading(
        options.gensim_python, text, {**settings, "alpha": options.gensim_alpha}
    )
    _report(f"{label}: one epoch of gensim by {reading_rates}; timed with {reading}")
    alphas = {"ours": options.alpha, "gensim": options.gensim_alpha}
    results: dict[str, list[dict[str, Any]]] = {"ours": [], "gensim": []}
    for number in range(runs):
        for system, done in results.items():
            run_settings = {**settings, "alpha": alphas[system], "seed": number + 1}
            result = train(system, options.gensim_python, text, run_settings, reading=reading)
            done.append(result)
            scores = result["scores"]
            _report(
                f"{label}, run {number + 1}, {system}: {_rate(result, settings['epochs']):,.0f} words/s, "
                f"WordSim {scores.wordsim:.3f} of {scores.pairs} pairs, analogies {scores.analogies:.1%} of "
                f"{scores.questions:,}; scan {result['scan_s']:.1f} s, "
                f"compilation {result['compile_s']:.1f} s, training {result['train_s']:.1f} s, "
                f"saving {result['save_s']:.1f} s"
            )
    sizes = {(result["words"], result["vocabulary"]) for done in results.values() for result in done}
    if len(sizes) != 1:
        raise AssertionError(f"the two sides read different texts (words, vocabulary): {sorted(sizes)}")
    rates = {name: [_rate(r, settings["epochs"]) for r in done] for name, done in results.items()}
    row = rate_row(label, rates["ours"], rates["gensim"], "words/s")
    row |= {
        "gensim_reading": reading,
        "gensim_readings_one_epoch": reading_rates,
        "epochs": settings["epochs"],
    }
    row |= {"words": results["ours"][0]["words"], "vocabulary": results["ours"][0]["vocabulary"]}
    for prefix, name in (("ours", "ours"), ("peer", "gensim")):
        row[f"{prefix}_alpha"] = alphas[name]
        for phase in ("scan_s", "compile_s", "train_s", "save_s"):
            row[f"{prefix}_{phase}"] = _median(results[name], phase)
        for score in ("wordsim", "analogies"):
            row[f"{prefix}_{score}"] = _score(results[name], score)
    row["note"] = (
        f"WordSim {row['ours_wordsim']:.3f} / {row['peer_wordsim']:.3f}, "
        f"analogies {row['ours_analogies']:.1%} / {row['peer_analogies']:.1%}; "
        f"scan {row['ours_scan_s']} / {row['peer_scan_s']} s, compilation {row['ours_compile_s']} / 0 s, "
        f"training {row['ours_train_s']} / {row['peer_train_s']} s, "
        f"saving {row['ours_save_s']} / {row['peer_save_s']} s; "
        f"gensim by {reading}; range of words/s {row['ours_range']} / {row['peer_range']}"
    )
    return row, results["gensim"][0]["versions"]


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row for each model and number of workers."""
    text = corpus_lines("english-novels")
    epochs = options.epochs
    if options.quick:
        text, epochs, runs = quick_lines(text), 1, 1
    rows, versions = [], {}
    for model in options.models:
        name, sg = MODELS[model]
        for workers in options.workers:
            label = f"{name}, {workers} worker{'s' * (workers > 1)}"
            row, versions = measure(
                label, {"sg": sg, "workers": workers, "epochs": epochs}, options, runs, text
            )
            rows.append(row)
    return rows, {"gensim": versions["gensim"], "gensim's numpy": versions["numpy"]}
