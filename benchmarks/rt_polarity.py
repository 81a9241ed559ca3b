"""Accuracy on rt-polarity of all classifiers over several seeds.

    python -m benchmarks.rt_polarity --runs DIR [--seeds 3] [--vectors RUN] [--encoder RUN]

Trains the recipes rt-polarity-bag, -lstm and -transformer into DIR/ROW-SEED, or resumes runs found there.
--vectors adds rows that start from the word vectors of a run of train-embeddings or a file; --encoder adds
rows that start from a run of train-lm --objective masked, and a row of the same sizes from scratch. Settings
were chosen on the validation split; accuracy and macro F1 are those of the test split of 1,094 sentences,
where one standard error is 1.3 points.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, machine, write_json
from seqkit.cli.settings_file import read_recipe
from seqkit.tasks.text_classification import TextClassificationSettings, train
from seqkit.training import Callback, RunDirectory

ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "bag": ("bag", {}),
    "lstm": ("lstm", {}),
    "transformer": ("transformer", {}),
}
"""Recipe and changed settings of each row."""
WITH_VECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "bag, vectors tuned": ("bag", {}),
    "bag, vectors frozen": ("bag", {"freeze": True}),
    "lstm, vectors tuned": ("lstm", {}),
}
WITH_ENCODER: dict[str, tuple[str, dict[str, Any]]] = {
    "transformer, encoder tuned": ("transformer", {"lr": 0.0003, "epochs": 5}),
    "transformer, encoder frozen": ("transformer", {"freeze": True, "lr": 0.002}),
}
FROM_SCRATCH = {"lr": 0.0003, "epochs": 5}
"""Changed settings of a model of the encoder's sizes with initial weights."""
ENCODER_SETTINGS = ("embedding_size", "hidden_size", "num_layers", "num_heads")


class _Said(Callback):
    def on_epoch_end(self, record: dict[str, Any]) -> None:
        print(
            f"  epoch {record['epoch']}: validation accuracy {record['valid_accuracy']:.2%}, "
            f"loss {record['valid_loss']:.4f}, {record['seconds']:.0f} s"
        )


def rows(vectors: str | None, encoder: str | None) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return all rows that can be run."""
    table = dict(ROWS)
    if vectors is not None:
        for name, (recipe, changes) in WITH_VECTORS.items():
            table[name] = recipe, {"embedding_size": None, "vectors": vectors, **changes}
    if encoder is not None:
        encoder_settings = RunDirectory.open(encoder).config["settings"]
        sizes = {name: encoder_settings[name] for name in ENCODER_SETTINGS}
        table["transformer, encoder from scratch"] = "transformer", {**sizes, **FROM_SCRATCH}
        for name, (recipe, changes) in WITH_ENCODER.items():
            table[name] = recipe, {**dict.fromkeys(ENCODER_SETTINGS), "init": encoder, **changes}
    return table


def main() -> None:
    """Train missing runs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rt_polarity", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--vectors", default=None, help="word vectors to start from")
    parser.add_argument("--encoder", default=None, help="a masked language model to start from")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    for name, (recipe, changes) in rows(options.vectors, options.encoder).items():
        recipe = f"rt-polarity-{recipe}"
        values = {k.replace("-", "_"): v for k, v in read_recipe(recipe, "train-classifier").items()}
        scores, parameters = [], 0
        for seed in range(options.seeds):
            print(f"{name}, seed {seed}")
            settings = TextClassificationSettings.from_values({**values, **changes, "seed": seed})
            out = options.runs / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
            trained = train(settings, out, resume=True, callbacks=_Said())
            scores.append(trained.evaluate("test"))
            parameters = trained.model.parameter_count()
        results[name] = {
            "recipe": recipe,
            "changes": {k: v for k, v in changes.items() if k not in ("vectors", "init")},
            "parameters": parameters,
            "accuracy": [each.accuracy for each in scores],
            "macro_f1": [each.scores.macro.f1 for each in scores],
        }
    print(f"\n{'':<28}{'accuracy':>18}{'macro F1':>18}{'parameters':>14}")
    for name, row in results.items():
        columns = "".join(f"{_mean(row[key]):>18}" for key in ("accuracy", "macro_f1"))
        print(f"{name:<28}{columns}{row['parameters']:>14,}")
    write_json(RESULTS / "rt_polarity.json", {"rows": results, "machine": machine()})


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2%}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2%}{spread}"


if __name__ == "__main__":
    main()
