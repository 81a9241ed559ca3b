"""Run a benchmark and print its rows."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import json
import sys
from typing import Any

from benchmarks.measure import write_results

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "attention_memory": (),
    "corpus_memory": (),
    "images": ("torch",),
    "language_model": ("torch",),
    "seq2seq": ("torch",),
    "similar": ("gensim",),
    "transformer": ("torch",),
    "word2vec": ("gensim",),
    "word_vector_quality": ("gensim",),
}
"""Name and the peers it knows; one without peers compares seqkit with itself.

A module of the name has ``run(peer, runs)``, or ``run(peer, runs, options)`` and ``add_arguments(parser)``
where it has options of its own; ``RUNS``, the timed runs unless told otherwise; ``peer_missing(options)``,
where the peer lives in a Python of its own; ``results_name(options)``, where options choose the work. An
option ``quick`` makes a trial, whose rows are never written.
"""


def _print(rows: list[dict[str, Any]], peer: str) -> None:
    for row in rows:
        values = f"{row['ours']:>10,} {row['unit']}"
        if row["peer"] is not None:
            other = row.get("against", peer)
            values += f"   {other} {row['peer']:>10,} {row['unit']}   ratio {row['ratio']:.2f}"
        print(f"{row['name']:<52}{values}   ({row['runs']} runs)")
        if "note" in row:
            print(f"    {row['note']}")


def main() -> None:
    """Parse, run, print, write."""
    chosen = next((word for word in sys.argv[1:] if word in BENCHMARKS), None)
    module: Any = importlib.import_module(f"benchmarks.{chosen}") if chosen else None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=module.__doc__ if module else __doc__
    )
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--against", default=None, help="the peer")
    parser.add_argument(
        "--runs", type=int, default=getattr(module, "RUNS", 21), help="timed runs of each side [%(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="rows as JSON on stdout")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    options = parser.parse_args()
    peers = BENCHMARKS[options.name]
    peer = options.against or (peers[0] if peers else "itself")
    if peer not in (peers or ("itself",)):
        parser.error(f"{options.name} knows the peers {', '.join(peers) or 'none'}, not {peer}")
    missing = None
    if hasattr(module, "peer_missing"):
        missing = module.peer_missing(options)
    elif peer != "itself" and importlib.util.find_spec(peer) is None:
        missing = f"{peer} is not installed; pip install 'seqkit[bench]'"
    if missing:
        sys.exit(f"error: {missing}")
    takes_options = len(inspect.signature(module.run).parameters) > 2
    rows, versions = module.run(peer, options.runs, *((options,) if takes_options else ()))
    quick = getattr(options, "quick", False)
    if quick:
        for row in rows:
            row["name"] = f"QUICK TRIAL {row['name']}"
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        _print(rows, peer)
    if quick:
        print("a quick trial is no measurement: nothing is written", file=sys.stderr)
        return
    name = module.results_name(options) if hasattr(module, "results_name") else options.name
    print(f"written to {write_results(name, peer, rows, versions)}", file=sys.stderr)


if __name__ == "__main__":
    main()
