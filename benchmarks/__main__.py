"""Run a benchmark and print its rows."""

import argparse
import importlib
import importlib.util
import inspect
import json
import sys
from typing import Any

from benchmarks.measure import write_results

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "large_vocabularies": (),
    "attention_memory": (),
    "corpus_memory": (),
    "generation": ("transformers",),
    "images": ("torch",),
    "language_model": ("torch",),
    "ngram_memory": (),
    "ngram_scoring": ("kenlm",),
    "seq2seq": ("torch",),
    "similar": ("gensim",),
    "tagging": ("torch",),
    "tokenizing": (),
    "transformer": ("torch",),
    "translating": ("torch",),
    "word2vec": ("gensim",),
    "word2vec_quality": ("gensim",),
}
"""Names of the benchmarks and their peers; without a peer, seqkit is compared with itself.

The module of that name defines ``run(peer, runs)``, or ``run(peer, runs, options)`` and
``add_arguments(parser)`` if it has its own options. It may define ``RUNS``, the default number of timed runs;
``peer_missing(options)``, if the peer runs in another Python; and ``results_name(options)``, if options
choose the results file. An option ``quick`` makes a trial, whose rows are not written.
"""


def _print(rows: list[dict[str, Any]], peer: str) -> None:
    for row in rows:
        values = f"{row['ours']:>10,} {row['unit']}"
        if row["peer"] is not None:
            other = row.get("against", peer)
            ratio = f"ours ÷ {other}" if row.get("higher_is_better") else f"{other} ÷ ours"
            values += f"   {other} {row['peer']:>10,} {row['unit']}   {ratio} {row['ratio']:.2f}"
        print(f"{row['name']:<52}{values}   ({row['runs']} runs)")
        if "note" in row:
            print(f"    {row['note']}")


def main() -> None:
    """Run a benchmark, print its rows and write them."""
    chosen = next((word for word in sys.argv[1:] if word in BENCHMARKS), None)
    module: Any = importlib.import_module(f"benchmarks.{chosen}") if chosen else None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=module.__doc__ if module else __doc__
    )
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--against", default=None, help="peer to compare with")
    parser.add_argument(
        "--runs", type=int, default=getattr(module, "RUNS", 21), help="timed runs of each side [%(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    options = parser.parse_args()
    peers = BENCHMARKS[options.name]
    peer = options.against or (peers[0] if peers else "itself")
    if peer not in (peers or ("itself",)):
        parser.error(f"expected a peer of {options.name} ({', '.join(peers) or 'none'}), got {peer}")
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
