"""Analogies and neighbours of the textbook's CBOW on PTB, over several seeds.

    python -m benchmarks.textbook_embeddings --runs DIR [--seeds 5]

Trains the recipe textbook-cbow into DIR/seed-S, or resumes runs found there. The published answers and
neighbours are those of "Deep Learning from Scratch 2", section 4.3.3.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, machine, write_json
from seqkit import KeyedVectors
from seqkit.cli.settings_file import read_recipe
from seqkit.tasks.embeddings import EmbeddingSettings, train
from seqkit.training import Callback

ANALOGIES = {
    ("king", "man", "queen"): "woman",
    ("take", "took", "go"): "went",
    ("car", "cars", "child"): "children",
    ("good", "better", "bad"): "worse",
}
"""Questions a : b = c : answer. The book's model answers the first three correctly."""

NEIGHBOURS = {
    "you": "we .610, someone .591, i .554, something .490, anyone .473",
    "year": "month .719, week .652, spring .627, summer .626, decade .604",
    "car": "luxury .497, arabia .478, auto .471, disk-drive .451, travel .409",
    "toyota": "ford .551, instrumentation .510, mazda .494, bethlehem .475, nissan .475",
}


class _Epochs(Callback):
    def on_epoch_end(self, record: dict[str, Any]) -> None:
        print(f"  epoch {record['epoch']}: mean loss {record['train_loss']:.4f}, {record['seconds']:.0f} s")


def rank(wv: KeyedVectors, question: tuple[str, str, str], answer: str, *, by: str) -> int:
    """Return the rank of the answer among all words except those of the question, from 1."""
    a, b, c = question
    nearest = wv.most_similar if by == "cosine" else wv.most_similar_by_dot
    neighbours = nearest(positive=[b, c], negative=[a], topn=len(wv) - 3)
    return 1 + [word for word, _ in neighbours].index(answer)


def main() -> None:
    """Train missing runs, print the tables and write the ranks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.textbook_embeddings", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    models = []
    for seed in range(options.seeds):
        print(f"seed {seed}")
        settings = EmbeddingSettings.from_values(read_recipe("textbook-cbow", "train-embeddings"))
        settings = EmbeddingSettings.from_values({**settings.to_dict(), "seed": seed})
        models.append(train(settings, options.runs / f"seed-{seed}", resume=True, callbacks=_Epochs()))
    ranks: dict[str, dict[str, list[int]]] = {}
    print("\nrank of the answer among the words that are not in the question, by seed")
    for question, answer in ANALOGIES.items():
        title = "{}:{} = {}:{}".format(*question, answer)
        ranks[title] = {
            by: [rank(model.wv, question, answer, by=by) for model in models] for by in ("dot", "cosine")
        }
        for by, seed_ranks in ranks[title].items():
            first, top_five = sum(r == 1 for r in seed_ranks), sum(r <= 5 for r in seed_ranks)
            shown = " ".join(f"{rank:>4}" for rank in seed_ranks)
            print(
                f"{title:<28}{by:<8}{shown}   first {first}, top five {top_five}, of {len(seed_ranks)} seeds"
            )
    print("\nneighbours by cosine: seed 0, then the book's")
    for word, book in NEIGHBOURS.items():
        ours = ", ".join(
            f"{w} {s:.3f}".replace("0.", ".") for w, s in models[0].wv.most_similar(word, topn=5)
        )
        print(f"{word:<8}{ours}\n{'':<8}{book}")
    steps = [model.run.best["step"] for model in models]
    path = RESULTS / "textbook_embeddings.json"
    write_json(path, {"ranks": ranks, "steps": steps, "machine": machine()})


if __name__ == "__main__":
    main()
