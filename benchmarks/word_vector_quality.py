"""WordSim-353 and analogies of vectors trained by seqkit and by gensim on the same text: a table.

Both: 100 wide, window 5, 5 negatives, sample 1e-3, min_count 5, 5 epochs, 2 workers, every learning rate of
one grid, seeds 0, 1, 2 (on PTB 0 … 4), CBOW and skip-gram; one evaluator, seqkit's, for both (gensim's own is
checked to give the same numbers). The verdict takes for each system the learning rate whose mean of the two
scores over all seeds is best, and holds when our mean is at or above gensim's less one standard error of the
difference. Each training's scores are kept under benchmarks/results, so that an interrupted sweep goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, machine, write_json
from benchmarks.word2vec_side import WIDTH
from benchmarks.word_vectors import (
    ROOT,
    add_gensim_python,
    corpus_lines,
    gensim_missing,
    quick_lines,
    score_files,
    train,
)

MODELS = {"cbow": ("CBOW", 0), "skip-gram": ("skip-gram", 1)}
SYSTEMS = ("ours", "gensim")
SCORES = {"wordsim": "WordSim-353", "analogies": "analogies"}
SEEDS = {"english-novels": 3, "ptb": 5}
RUNS = 1
peer_missing = gensim_missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark; --runs does nothing here, the seeds are the runs."""
    add_gensim_python(parser)
    parser.add_argument("--corpus", choices=sorted(SEEDS), default="english-novels")
    parser.add_argument("--seeds", type=int, default=None, help="how many, from 0 [3; 5 on ptb]")
    parser.add_argument("--alphas", nargs="+", type=float, default=[0.025, 0.05, 0.075])
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--epochs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument(
        "--reading", choices=("corpus_file", "iterable"), default="corpus_file", help="gensim's [%(default)s]"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a trial on a twentieth of the text, 1 epoch, 2 seeds; not written",
    )


def results_name(options: argparse.Namespace) -> str:
    """The name of the results file."""
    return f"word_vector_quality-{options.corpus}"


def _code_state() -> str:
    """Of the code that trains: scores of other code are another result."""
    digest = hashlib.sha256()
    vectors = ROOT / "seqkit" / "vectors"
    folders = (vectors / "training", ROOT / "seqkit" / "backend" / "kernels" / "word2vec")
    files = [vectors / "word2vec.py", vectors / "sentences.py"]
    files += [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Kept:
    """The scores of the trainings done so far, in a file that is whole at any time; no path: in memory.

    A training is known by all its settings, by the text, and ours by the code.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.runs: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self.runs = json.loads(path.read_text(encoding="utf-8"))["runs"]

    def find(self, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The run with just these settings."""
        return next((run for run in self.runs if run["settings"] == settings), None)

    def add(self, run: dict[str, Any]) -> None:
        """Keep a run; earlier runs of the same settings with other code go."""
        plain = {**run["settings"], "code": None}
        self.runs = [each for each in self.runs if {**each["settings"], "code": None} != plain]
        self.runs.append(run)
        if self.path is not None:
            self.path.parent.mkdir(exist_ok=True)
            write_json(self.path, {"machine": machine(), "runs": self.runs})


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _trained(kept: Kept, settings: dict[str, Any], text: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The run of these settings, from the file or trained now."""
    if (run := kept.find(settings)) is not None:
        return run
    given = {name: settings[name] for name in ("sg", "alpha", "seed", "epochs", "workers")}
    result = train(settings["system"], options.gensim_python, text, given, reading=options.reading)
    run = {"settings": settings, "scores": asdict(result["scores"]), "train_s": round(result["train_s"], 2)}
    run["versions"] = result["versions"]
    kept.add(run)
    return run


def check_evaluators(text: Path, options: argparse.Namespace) -> None:
    """AssertionError unless gensim's evaluator gives our numbers for the same vectors."""
    settings = {"sg": 0, "alpha": 0.05, "seed": 0, "epochs": 1, "workers": options.workers}
    result = train("gensim", options.gensim_python, text, settings, own_evaluation=True)
    mine, theirs = result["scores"], (result["wordsim"], result["analogies"])
    if abs(mine.wordsim - theirs[0]) > 1e-6 or abs(mine.analogies - theirs[1]) > 1e-3:
        raise AssertionError(f"the evaluators differ: ours {mine}, gensim's {theirs}")
    _say(
        f"the evaluators agree on gensim's vectors after an epoch: WordSim {mine.wordsim:.6f} and "
        f"{theirs[0]:.6f}, analogies {mine.analogies:.6f} and {theirs[1]:.6f}"
    )


def mean_sd(values: list[float]) -> tuple[float, float]:
    """Mean and sample standard deviation, nan of one value."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def verdict(ours: list[float], peer: list[float]) -> tuple[bool, float]:
    """(our mean ≥ the peer's less one standard error of the difference, that standard error)."""
    (mine, s), (other, t) = mean_sd(ours), mean_sd(peer)
    error = math.sqrt(s * s / len(ours) + t * t / len(peer))
    return mine >= other - (0.0 if math.isnan(error) else error), error


Values = dict[tuple[str, float], dict[str, list[float]]]
"""(system, learning rate) -> score -> one value a seed."""


def best_alpha(values: Values, system: str) -> float:
    """The learning rate whose mean of both scores is best."""
    alphas = [alpha for each, alpha in values if each == system]
    return max(alphas, key=lambda a: sum(statistics.fmean(values[system, a][score]) for score in SCORES))


def _cell(score: str, values: list[float]) -> str:
    mean, sd = mean_sd(values)
    return f"{mean:.3f} ± {sd:.3f}" if score == "wordsim" else f"{mean:.1%} ± {sd * 100:.1f}"


def table(name: str, values: Values) -> list[str]:
    """Rows of Markdown: each learning rate with both systems; the best of each is marked."""
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
    """A row for each score, at the best learning rate of each side."""
    rows = []
    alphas = {system: best_alpha(values, system) for system in SYSTEMS}
    for score, title in SCORES.items():
        mine, other = (values[system, alphas[system]][score] for system in SYSTEMS)
        holds, error = verdict(mine, other)
        (mean, sd), (peer_mean, peer_sd) = mean_sd(mine), mean_sd(other)
        row: dict[str, Any] = {
            "name": f"{name}, {title}",
            "ours": round(mean, 4),
            "peer": round(peer_mean, 4),
            "unit": "Spearman" if score == "wordsim" else "of the questions",
            "ratio": round(mean / peer_mean, 3) if peer_mean else None,
            "runs": len(mine),
            "ours_sd": round(sd, 4),
            "peer_sd": round(peer_sd, 4),
            "ours_alpha": alphas["ours"],
            "peer_alpha": alphas["gensim"],
            "standard_error": round(error, 4),
            "met": holds,
        }
        row = {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in row.items()}
        row["note"] = (
            f"{'met' if holds else 'NOT MET'}: {_cell(score, mine)} {_at(values, 'ours')} against "
            f"{_cell(score, other)} {_at(values, 'gensim')}, less one standard error of {error:.4f}"
        )
        rows.append(row)
    return rows


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Train what is not known yet, print the table, give the rows."""
    score_files()
    text = corpus_lines(options.corpus)
    seeds, epochs = options.seeds or SEEDS[options.corpus], options.epochs
    kept = Kept(None if options.quick else RESULTS / f"{results_name(options)}-runs.json")
    if options.quick:
        text, seeds, epochs = quick_lines(text), 2, 1
    check_evaluators(text, options)
    base = {**WIDTH, "epochs": epochs, "workers": options.workers, "text": text.name, "bytes": 0}
    base["bytes"] = text.stat().st_size
    code = {"ours": _code_state(), "gensim": f"reads by {options.reading}"}
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    versions: dict[str, str] = {}
    known = {}
    for model in options.models:
        name, sg = MODELS[model]
        values: Values = {(s, a): {score: [] for score in SCORES} for s in SYSTEMS for a in options.alphas}
        for seed in range(seeds):
            for (system, alpha), scores in values.items():
                settings = {**base, "system": system, "code": code[system]}
                settings |= {"sg": sg, "alpha": alpha, "seed": seed}
                found = _trained(kept, settings, text, options)
                for score, collected in scores.items():
                    collected.append(found["scores"][score])
                known = {"pairs": found["scores"]["pairs"], "questions": found["scores"]["questions"]}
                if system == "gensim":
                    versions = {"gensim": found["versions"]["gensim"]}
                _say(
                    f"{name}, seed {seed}, alpha {alpha:g}, {system}: WordSim {scores['wordsim'][-1]:.4f}, "
                    f"analogies {scores['analogies'][-1]:.2%}, {found['train_s']:.1f} s"
                )
        lines += table(name, values)
        rows += result_rows(f"{options.corpus}, {name}", values)
    out = sys.stderr if options.json else sys.stdout
    print(
        f"{'QUICK TRIAL ' * options.quick}{options.corpus}: mean ± sample standard deviation over {seeds} "
        f"seeds; {known['pairs']} of 353 pairs and {known['questions']:,} questions in the vocabulary; "
        "the best learning rate of each is bold\n",
        file=out,
    )
    heads = [f"{title}, {system}" for title in SCORES.values() for system in SYSTEMS]
    print(f"| model | alpha | {' | '.join(heads)} |", file=out)
    print("|---" * 6 + "|", file=out)
    print("\n".join(lines) + "\n", file=out)
    return rows, versions
