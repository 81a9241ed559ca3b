"""Perplexity on Penn Treebank against minutes of training, for the recipes and for two of them in PyTorch.

    python -m benchmarks.ptb_minutes --runs DIR [--rows word-lm-200 …] [--torch word-lm-200] [--out FILE.png]

Trains each row into DIR/ROW, or resumes it there, one after the other, and scores its best weights on the
test split. A recipe's minutes are those of its log, with the validations. --torch trains a recipe in PyTorch
(benchmarks/ptb_torch.py), from the same first weights and on the same batches, in this process; let both run
in one sitting. --rows without a name only draws what was measured before, which
benchmarks/results/ptb_minutes.json keeps.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seqkit
from benchmarks.measure import RESULTS, machine, write_json
from benchmarks.ptb_torch import PEERS
from seqkit.corpora import open_corpus
from seqkit.data import encode_corpus
from seqkit.text import get_tokenizer
from seqkit.threads import thread_count


@dataclass(frozen=True)
class Row:
    """Flags of train-lm, and the test perplexity to compare with."""

    flags: str
    published: str = ""


ROWS = {
    "defaults": Row("ptb"),
    "textbook-rnnlm": Row("--recipe textbook-rnnlm", "135.7–136.1"),
    "zaremba-small": Row("--recipe zaremba-small", "115.9"),
    "word-lm-200": Row("--recipe word-lm-200", "87.17"),
    "word-lm-650": Row("--recipe word-lm-650", "75.76–75.96"),
    "ptb-lstm": Row("--recipe ptb-lstm"),
    "ptb-transformer": Row("--recipe ptb-transformer"),
    "ptb-one-hour": Row("--recipe ptb-one-hour"),
    "ptb-four-hours": Row("--recipe ptb-four-hours"),
    "awd-lstm, 10 of 500 epochs": Row("--recipe awd-lstm --epochs 10"),
}


def train(path: Path, row: Row, threads: int) -> dict[str, Any]:
    """Train or resume a run; return its curve, minutes and test perplexity."""
    words = f"-m seqkit train-lm {row.flags} --threads {threads} --quiet --resume --out".split()
    subprocess.run([sys.executable, *words, str(path)], check=True, stdout=subprocess.DEVNULL)
    trained: Any = seqkit.load(path)
    records = [json.loads(line) for line in (path / "log.jsonl").read_text("utf-8").splitlines()]
    curve = [(each["seconds"] / 60, each["valid_ppl"]) for each in records if "valid_ppl" in each]
    return {
        "flags": row.flags,
        "published": row.published,
        "parameters": trained.model.parameter_count(),
        "threads": threads,
        "minutes": curve[-1][0],
        "test": trained.evaluate("test").perplexity,
        "valid": curve,
    }


def torch_curve(name: str, epochs: int) -> dict[str, Any]:
    """Train a recipe in PyTorch for some epochs, and return its curve."""
    import torch

    corpus = open_corpus("ptb")
    encoded = encode_corpus(
        corpus.sources, get_tokenizer("whitespace"), key=corpus.content_key(), min_count=1
    )
    peer = PEERS[name](encoded)
    seconds = 0.0
    curve = []
    for epoch in range(epochs):
        started = time.perf_counter()
        peer.train(epoch)
        loss = peer.validate()
        seconds += time.perf_counter() - started
        curve.append((seconds / 60, math.exp(loss)))
        print(
            f"PyTorch, {name}: epoch {epoch + 1}, {seconds / 60:.1f} min, valid {curve[-1][1]:.1f}",
            flush=True,
        )
    return {"threads": thread_count(), "minutes": seconds / 60, "valid": curve, "torch": torch.__version__}


def draw(rows: dict[str, dict[str, Any]], out: str) -> None:
    """Draw validation perplexity against minutes, a line for each row; PyTorch's is dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    colours = {name.partition(",")[0]: f"C{number}" for number, name in enumerate(ROWS)}
    for name, row in rows.items():
        minutes, valid = zip(*row["valid"], strict=True)
        test = f", test {row['test']:.1f}" if "test" in row else ""
        recipe = name.removeprefix("PyTorch, ").partition(",")[0]
        style = "x--" if name.startswith("PyTorch") else ".-"
        axes.plot(minutes, valid, style, color=colours[recipe], label=f"{name}{test}")
    axes.set(xscale="log", yscale="log", xlabel="minutes of training", ylabel="validation perplexity")
    ticks = [60, 70, 80, 90, 100, 120, 150, 200, 300]
    axes.set_yticks(ticks, [str(each) for each in ticks])
    axes.set_yticks([], minor=True)
    lengths = [1, 2, 5, 10, 20, 60, 240]
    axes.set_xticks(lengths, [str(each) for each in lengths])
    axes.set_xticks([], minor=True)
    axes.set_ylim(top=400)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(out, dpi=100)


def main() -> None:
    """Train missing rows, print the table, and write and draw it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ptb_minutes", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--torch", choices=list(PEERS), help="train this recipe in PyTorch too")
    parser.add_argument("--torch-epochs", type=int, help="its epochs [10]")
    parser.add_argument("--threads", type=int, default=thread_count(), help="of each training [%(default)s]")
    parser.add_argument("--out", type=Path, help="file of the figure")
    options = parser.parse_args()
    if options.torch_epochs and not options.torch:
        parser.error("--torch-epochs has no effect without --torch")
    options.runs.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "ptb_minutes.json"
    kept = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else {}
    for name in options.rows:
        kept[name] = train(options.runs / name.partition(",")[0], ROWS[name], options.threads)
        kept[name]["machine"] = machine()
    if options.torch:
        curve = torch_curve(options.torch, options.torch_epochs or 10)
        kept[f"PyTorch, {options.torch}"] = curve | {"machine": machine()}
    order = [*ROWS, *(f"PyTorch, {name}" for name in PEERS)]
    rows = {name: kept[name] for name in order if name in kept}
    for name, row in rows.items():
        test = f"test {row['test']:7.2f}" if "test" in row else " " * 12
        published = f"   published {row['published']}" if row.get("published") else ""
        lowest = min(valid for _, valid in row["valid"])
        print(f"{name:<28}{row['minutes']:7.1f} min   valid {lowest:7.2f}   {test}{published}")
    write_json(path, {"rows": rows})
    if options.out is not None:
        draw(rows, str(options.out))


if __name__ == "__main__":
    main()
