"""WordSim-353 and analogies of word2vec vectors trained by seqkit and by gensim on the same text.

Both sides train CBOW and skip-gram with 100 dimensions, window 5, 5 negatives, sample 1e-3, min_count 5, 5
epochs, 2 workers, all learning rates of a grid and seeds 0, 1, 2 (on PTB 0 to 4). seqkit's evaluator scores
both; gensim's is checked to give the same numbers. For each system the learning rate with the best mean of
both scores over all seeds counts, and the verdict holds if our mean is at least gensim's minus one standard
error of the difference. The scores of each training are kept in benchmarks/results, so that an interrupted
sweep can be resumed.
"""

import argparse
import hashlib
import json
import math
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gensim_peer import (
    ROOT,
    add_gensim_python,
    corpus_lines,
    gensim_missing,
    quick_lines,
    score_files,
    train,
)
from benchmarks.measure import RESULTS, machine, write_json
from benchmarks.word2vec_worker import SETTINGS

MODELS = {"cbow": ("CBOW", 0), "skip-gram": ("skip-gram", 1)}
SYSTEMS = ("ours", "gensim")
SCORES = {"wordsim": "WordSim-353", "analogies": "analogies"}
SEEDS = {"english-novels": 3, "ptb": 5}
RUNS = 1
peer_missing = gensim_missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark; --runs has no effect, since each seed is a run."""
    add_gensim_python(parser)
    parser.add_argument("--corpus", choices=sorted(SEEDS), default="english-novels")
    parser.add_argument("--seeds", type=int, default=None, help="number of seeds, from 0 [3; 5 on ptb]")
    parser.add_argument("--alphas", nargs="+", type=float, default=[0.025, 0.05, 0.075])
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--epochs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument(
        "--reading",
        choices=("corpus_file", "iterable"),
        default="corpus_file",
        help="reader of gensim [%(default)s]",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a trial on a twentieth of the text, 1 epoch, 2 seeds; not written",
    )


def results_name(options: argparse.Namespace) -> str:
    """Return the name of the results file."""
    return f"word2vec_quality-{options.corpus}"


def _code_state() -> str:
    """Return a digest of the training code, since scores of other code are another result."""
    digest = hashlib.sha256()
    vectors = ROOT / "seqkit" / "vectors"
    for folder in (vectors / "word2vec", ROOT / "seqkit" / "backend" / "kernels" / "word2vec"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class RunStore:
    """The scores of finished trainings, in a file, or in memory without a path.

    A training is identified by its settings, the text and, for ours, the code.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.runs: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self.runs = json.loads(path.read_text(encoding="utf-8"))["runs"]

    def find(self, settings: dict[str, Any]) -> dict[str, Any] | None:
        """Return the run with these settings, or None."""
        return next((run for run in self.runs if run["settings"] == settings), None)

    def add(self, run: dict[str, Any]) -> None:
        """Add a run and remove runs of the same settings with other code."""
        without_code = {**run["settings"], "code": None}
        self.runs = [each for each in self.runs if {**each["settings"], "code": None} != without_code]
        self.runs.append(run)
        if self.path is not None:
            self.path.parent.mkdir(exist_ok=True)
            write_json(self.path, {"machine": machine(), "runs": self.runs})


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _trained(
    store: RunStore, settings: dict[str, Any], text: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Return the run of these settings, from the store or trained now."""
    if (run := store.find(settings)) is not None:
        return run
    run_settings = {name: settings[name] for name in ("sg", "alpha", "seed", "epochs", "workers")}
    result = train(settings["system"], options.gensim_python, text, run_settings, reading=options.reading)
    run = {"settings": settings, "scores": asdict(result["scores"]), "train_s": round(result["train_s"], 2)}
    run["versions"] = result["versions"]
    store.add(run)
    return run


def check_evaluators(text: Path, options: argparse.Namespace) -> None:
    """Raise AssertionError unless gensim's evaluator gives our numbers for the same vectors."""
    settings = {"sg": 0, "alpha": 0.05, "seed": 0, "epochs": 1, "workers": options.workers}
    result = train("gensim", options.gensim_python, text, settings, own_evaluation=True)
    ours, theirs = result["scores"], (result["wordsim"], result["analogies"])
    if abs(ours.wordsim - theirs[0]) > 1e-6 or abs(ours.analogies - theirs[1]) > 1e-3:
        raise AssertionError(f"the evaluators differ: ours {ours}, gensim's {theirs}")
    _report(
        f"the evaluators agree on gensim's vectors after an epoch: WordSim {ours.wordsim:.6f} and "
        f"{theirs[0]:.6f}, analogies {ours.analogies:.6f} and {theirs[1]:.6f}"
    )


def mean_sd(values: list[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation, NaN for a single value."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def verdict(ours: list[float], peer: list[float]) -> tuple[bool, float]:
    """Return whether our mean is at least the peer's minus one standard error, and that standard error."""
    (our_mean, s), (peer_mean, t) = mean_sd(ours), mean_sd(peer)
    error = math.sqrt(s * s / len(ours) + t * t / len(peer))
    return our_mean >= peer_mean - (0.0 if math.isnan(error) else error), error


Values = dict[tuple[str, float], dict[str, list[float]]]
"""Values by seed for each (system, learning rate) and score."""


def best_alpha(values: Values, system: str) -> float:
    """Return the learning rate with the best mean of both scores."""
    alphas = [alpha for each, alpha in values if each == system]
    return max(alphas, key=lambda a: sum(statistics.fmean(values[system, a][score]) for score in SCORES))


def _cell(score: str, values: list[float]) -> str:
    mean, sd = mean_sd(values)
    return f"{mean:.3f} ± {sd:.3f}" if score == "wordsim" else f"{mean:.1%} ± {sd * 100:.1f}"


def table(name: str, values: Values) -> list[str]:
    """Return Markdown rows of both systems by learning rate, with the best of each in bold."""
    lines = []
    for alpha in sorted({alpha for _, alpha in values}):
        cells = [name, f"{alpha:g}"]
        for score in SCORES:
            for system in SYSTEMS:
                mark = "**" if best_alpha(values, system) == alpha else ""
                cells.append(f"{mark}{_cell(score, values[system, alpha][score])}{mark}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _at(values: Values, system: str) -> str:
    alpha = best_alpha(values, system)
    alphas = [each for name, each in values if name == system]
    edge = ", the edge of the grid" if len(alphas) > 1 and alpha in (min(alphas), max(alphas)) else ""
    return f"(alpha {alpha:g}{edge})"


def result_rows(name: str, values: Values) -> list[dict[str, Any]]:
    """Return a row for each score, at the best learning rate of each side."""
    rows = []
    alphas = {system: best_alpha(values, system) for system in SYSTEMS}
    for score, title in SCORES.items():
        ours, theirs = (values[system, alphas[system]][score] for system in SYSTEMS)
        holds, error = verdict(ours, theirs)
        (mean, sd), (peer_mean, peer_sd) = mean_sd(ours), mean_sd(theirs)
        row: dict[str, Any] = {
            "name": f"{name}, {title}",
            "ours": round(mean, 4),
            "peer": round(peer_mean, 4),
            "unit": "Spearman" if score == "wordsim" else "of the questions",
            "ratio": round(mean / peer_mean, 3) if peer_mean else None,
            "higher_is_better": True,
            "runs": len(ours),
            "ours_sd": round(sd, 4),
            "peer_sd": round(peer_sd, 4),
            "ours_alpha": alphas["ours"],
            "peer_alpha": alphas["gensim"],
            "standard_error": round(error, 4),
            "met": holds,
        }
        row = {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in row.items()}
        row["note"] = (
            f"{'met' if holds else 'NOT MET'}: {_cell(score, ours)} {_at(values, 'ours')} against "
            f"{_cell(score, theirs)} {_at(values, 'gensim')}, minus one standard error of {error:.4f}"
        )
        rows.append(row)
    return rows


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Train missing runs, print the table and return the rows."""
    score_files()
    text = corpus_lines(options.corpus)
    seeds, epochs = options.seeds or SEEDS[options.corpus], options.epochs
    store = RunStore(None if options.quick else RESULTS / f"{results_name(options)}-runs.json")
    if options.quick:
        text, seeds, epochs = quick_lines(text), 2, 1
    check_evaluators(text, options)
    base = {**SETTINGS, "epochs": epochs, "workers": options.workers, "text": text.name, "bytes": 0}
    base["bytes"] = text.stat().st_size
    code = {"ours": _code_state(), "gensim": f"reads by {options.reading}"}
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    versions: dict[str, str] = {}
    counts = {}
    for model in options.models:
        name, sg = MODELS[model]
        values: Values = {(s, a): {score: [] for score in SCORES} for s in SYSTEMS for a in options.alphas}
        for seed in range(seeds):
            for (system, alpha), scores in values.items():
                settings = {**base, "system": system, "code": code[system]}
                settings |= {"sg": sg, "alpha": alpha, "seed": seed}
                trained = _trained(store, settings, text, options)
                for score, collected in scores.items():
                    collected.append(trained["scores"][score])
                counts = {"pairs": trained["scores"]["pairs"], "questions": trained["scores"]["questions"]}
                if system == "gensim":
                    versions = {"gensim": trained["versions"]["gensim"]}
                _report(
                    f"{name}, seed {seed}, alpha {alpha:g}, {system}: WordSim {scores['wordsim'][-1]:.4f}, "
                    f"analogies {scores['analogies'][-1]:.2%}, {trained['train_s']:.1f} s"
                )
        lines += table(name, values)
        rows += result_rows(f"{options.corpus}, {name}", values)
    out = sys.stderr if options.json else sys.stdout
    print(
        f"{'QUICK TRIAL ' * options.quick}{options.corpus}: mean ± sample standard deviation over {seeds} "
        f"seeds; {counts['pairs']} of 353 pairs and {counts['questions']:,} questions in the vocabulary; "
        "the best learning rate of each is bold\n",
        file=out,
    )
    heads = [f"{title}, {system}" for title in SCORES.values() for system in SYSTEMS]
    print(f"| model | alpha | {' | '.join(heads)} |", file=out)
    print("|---" * 6 + "|", file=out)
    print("\n".join(lines) + "\n", file=out)
    return rows, versions
