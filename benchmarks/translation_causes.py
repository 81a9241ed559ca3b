"""Measure what keeps a recurrent model with attention from reading its source, one change at a time.

    python -m benchmarks.translation_causes --corpus multi30k [--pairs 4000] [--epochs 4] [--out FILE.png]

Trains the former default, whose embeddings start within ±0.1, and the same with one change each, on the first
pairs of the training split. After each epoch it prints the training loss, the loss and the greedy BLEU of 300
validation pairs, and the share of the attention mass that falls on the source word that IBM model 1 aligns
with the target word, over target words whose best alignment has a probability above 0.3. Two rows add
changes up to the default of today. The last rows train the former model in PyTorch, with the same batches and
settings, from the same weights as ours or from PyTorch's own; its weights are copied to our model after each
epoch and scored there. All is written to benchmarks/results/translation_causes.json, where variants that
--variants leaves out keep their figures if they are of as many pairs.

CORPUS is a name or a folder that `seqkit train-seq2seq` takes, with --source and --target for its languages.
"""

import argparse
import json
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS, machine, write_json
from seqkit import metrics, ops
from seqkit.autograd import Tensor, concatenate
from seqkit.backend.random import Generator
from seqkit.corpora import open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, Seq2SeqBatch, Seq2SeqBatches, encode_seq2seq
from seqkit.models import Seq2Seq, Seq2SeqConfig, WordTranslation
from seqkit.models.seq2seq.encoder_decoder import Encoded
from seqkit.nn.recurrent import State
from seqkit.optim import Adam, clip_grad_norm, make_run_schedule
from seqkit.tasks.seq2seq.evaluation import decode_split, word_table
from seqkit.text import get_tokenizer

VALID, BATCH, CLIP, SURE = 300, 32, 5.0, 0.3
FORMER: dict[str, Any] = {
    "embedding_size": 64, "hidden_size": 256, "attention": "general", "weight_init": "uniform"
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "former default (±0.1)": {},
    "N(0, 1)": {"weight_init": "standard"},
    "N(0, 0.1)": {"deviation": 0.1},
    "Xavier": {"deviation": "xavier"},
    "learning rate × 4": {"lr": 0.004},
    "dropout 0.3": {"dropout": 0.3},
    "bidirectional": {"bidirectional": True},
    "readout": {"readout": True},
    "input feeding": {"input_feeding": True},
    "attention before the cell": {"input_feeding": True, "before_cell": True},
    "no bridge for c": {"pass_cell": False},
    "scores × 8": {"score_scale": 8.0},
    "not bucketed": {"bucket": False},
    "β2 = 0.98": {"beta2": 0.98},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "E = 256": {"embedding_size": 256},
    "N(0, 1), bidirectional": {"weight_init": "standard", "bidirectional": True},
    "default": {
        "weight_init": "standard", "bidirectional": True, "tied": True, "embedding_size": 256, "dropout": 0.3,
        "label_smoothing": 0.1, "lr": 0.002, "schedule": "cosine",
    },
    "PyTorch (±0.1)": {"torch": "our weights"},
    "PyTorch, N(0, 1)": {"weight_init": "standard", "torch": "our weights"},
    "PyTorch, its own weights": {"torch": "own weights"},
}  # fmt: skip
"""Changes of each variant; names that are no fields of the model's config belong to the training."""
SHOWN = {
    "former default (±0.1)",
    "N(0, 1)",
    "learning rate × 4",
    "default",
    "PyTorch (±0.1)",
    "PyTorch, N(0, 1)",
}
"""Variants that the figure draws thicker."""


def aligned_mass(model: Seq2Seq, table: WordTranslation, encoded: EncodedSeq2SeqCorpus) -> float:
    """Return the mean attention weight on the source word that the table aligns with a target word."""
    mass, count = 0.0, 0
    for batch in Seq2SeqBatches(encoded.splits["valid"], 100, shuffle=False).epoch(0):
        weights = model.attention_weights(batch.source, batch.source_lengths, batch.target_in)
        p = table.probability(batch.source[:, None, :], np.maximum(batch.target_out, 0)[:, :, None])
        real = np.arange(batch.source.shape[1]) < batch.source_lengths[:, None]
        p = p * real[:, None, :]
        sure = (p.max(axis=2) > SURE) & (batch.target_out >= 0)
        on_word = np.take_along_axis(weights, p.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        mass, count = mass + float(on_word[sure].sum()), count + int(sure.sum())
    return mass / max(1, count)


class AttentionBeforeCell(Seq2Seq):
    """Attention by the state before the cell, which reads its context (Bahdanau, Cho, Bengio 2015).

    The context has the place, and the size, of what input feeding feeds.
    """

    def _advance(
        self, x: Tensor, encoded: Encoded, recurrent: State, fed: Any, generator: Generator | None
    ) -> tuple[Tensor, Tensor | None, State]:
        assert self.attention is not None
        assert self.readout is not None
        before = recurrent[-1][0].reshape(len(x), 1, -1)
        context, weights = self.attention(before, encoded.memory, encoded.mask, keys=encoded.keys)
        y, recurrent = self.decoder(concatenate(context, x, axis=2), recurrent, None, generator)
        features = ops.tanh(self.readout(concatenate(context, y, axis=2)))
        return self.dropout(features, generator), weights, recurrent


def make_model(encoded: EncodedSeq2SeqCorpus, changes: dict[str, Any]) -> Seq2Seq:
    """Return the model of a variant; deviation and score_scale change its initial weights."""
    fields = {name: value for name, value in changes.items() if name in Seq2SeqConfig.__dataclass_fields__}
    sizes = len(encoded.source_vocabulary), len(encoded.target_vocabulary)
    kind = AttentionBeforeCell if changes.get("before_cell") else Seq2Seq
    model = kind(Seq2SeqConfig(*sizes, **{**FORMER, **fields}), generator=Generator(0, "init"))
    draw = np.random.default_rng(0)
    deviation = changes.get("deviation")
    for embedding in (model.source_embedding, model.target_embedding):
        if deviation is not None:
            scale = math.sqrt(2 / sum(embedding.weight.shape)) if deviation == "xavier" else deviation
            embedding.weight.data[...] = scale * draw.standard_normal(embedding.weight.shape)
    assert model.attention is not None
    model.attention.weight.data[...] *= changes.get("score_scale", 1.0)
    return model


Step = Callable[[Seq2SeqBatch, float], float]


def our_step(model: Seq2Seq, changes: dict[str, Any]) -> Step:
    """Return a function of a batch and a learning rate that takes a training step and returns the loss."""
    dropout = Generator(0, "dropout")
    optimizer = Adam(list(model.named_parameters()), betas=(0.9, changes.get("beta2", 0.999)))

    def step(batch: Seq2SeqBatch, lr: float) -> float:
        optimizer.zero_grad()
        loss = model.loss(
            batch.source,
            batch.source_lengths,
            batch.target_in,
            batch.target_out,
            generator=dropout,
            label_smoothing=changes.get("label_smoothing", 0.0),
        )
        loss.backward()
        clip_grad_norm(model.parameters(), CLIP)
        optimizer.lr = lr
        optimizer.step()
        return loss.item()

    return step


def torch_step(model: Seq2Seq, own_weights: bool) -> tuple[Step, Callable[[], None]]:
    """Return the same step in PyTorch, and a function that gives our model the weights learned there.

    PyTorch starts from the weights of our model, or from its own; the weight of the attention is always ours,
    for PyTorch has none.
    """
    import torch

    from benchmarks import seq2seq

    assert model.attention is not None
    torch.manual_seed(0)
    if own_weights:
        theirs = type(seq2seq.torch_model(model))()
        with torch.no_grad():
            theirs.W.copy_(torch.from_numpy(np.array(model.attention.weight.data)))
    else:
        theirs = seq2seq.torch_model(model)
    optimizer = torch.optim.Adam(theirs.parameters())

    def step(batch: Seq2SeqBatch, lr: float) -> float:
        optimizer.zero_grad()
        loss = theirs.loss(*seq2seq.torch_batch(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), CLIP)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        return float(loss.item())

    return step, lambda: seq2seq.copy_back(theirs, model)


def train(
    encoded: EncodedSeq2SeqCorpus, references: list[str], epochs: int, **changes: Any
) -> list[dict[str, float]]:
    """Train a variant, and return its figures after each epoch."""
    table, model = word_table(encoded), make_model(encoded, changes)
    copy_back = None
    if "torch" in changes:
        train_step, copy_back = torch_step(model, changes["torch"] == "own weights")
    else:
        train_step = our_step(model, changes)
    lr = changes.get("lr", 0.001)
    batches = Seq2SeqBatches(encoded.splits["train"], BATCH, bucket=changes.get("bucket", True))
    schedule = make_run_schedule(changes.get("schedule", "constant"), epochs * len(batches))
    figures: list[dict[str, float]] = []
    step = 0
    for epoch in range(epochs):
        total = 0.0
        for batch in batches.epoch(epoch):
            step += 1
            total += train_step(batch, lr * schedule.at(step=step, epoch=step / len(batches))) / len(batches)
        if copy_back is not None:
            copy_back()
        with model.evaluating():
            decoded = decode_split(
                model,
                encoded.splits["valid"],
                reverse=False,
                unk_id=encoded.target_vocabulary.unk_id,
                batch_size=BATCH,
                max_new_tokens=60,
            )
            mass = aligned_mass(model, table, encoded)
        texts = [
            encoded.target_tokenizer.detokenize(encoded.target_vocabulary.decode(output.ids))
            for output in decoded.generated
        ]
        figures.append(
            {
                "train_loss": round(total, 4),
                "valid_loss": round(decoded.loss / decoded.predictions, 4),
                "bleu": round(metrics.bleu(texts, references).score, 2),
                "mass": round(mass, 4),
            }
        )
        print("   ", *(f"{name} {value:7.3f} " for name, value in figures[-1].items()), flush=True)
    return figures


def draw(rows: dict[str, list[dict[str, float]]], out: str) -> None:
    """Draw validation loss, BLEU and attention mass by epoch, a line for each variant; some are thicker."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, name, label in zip(
        panels,
        ("valid_loss", "bleu", "mass"),
        ("validation loss, nats", "BLEU, greedy", "attention mass on the aligned word"),
        strict=True,
    ):
        for number, (variant, figures) in enumerate(rows.items()):
            style = ("-", "--", ":", "-.")[number // 6 % 4]
            shown = {"linewidth": 2.2} if variant in SHOWN else {"linewidth": 1, "alpha": 0.6}
            epochs = range(1, len(figures) + 1)
            values = [each[name] for each in figures]
            axes.plot(epochs, values, style, marker=".", label=variant, **shown)
        axes.set(xlabel="epoch", ylabel=label)
        axes.set_xticks(range(1, 1 + max(map(len, rows.values()))))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.savefig(out, dpi=100)


def main() -> None:
    """Train the variants, print their figures, and write and draw them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.translation_causes", description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--source", help="source language or column")
    parser.add_argument("--target", help="target language or column")
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--variants", nargs="*", default=list(VARIANTS), help="all by default; none draws what was measured"
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if unknown := set(options.variants) - set(VARIANTS):
        parser.error(f"expected variants among {', '.join(VARIANTS)}; got {', '.join(unknown)}")
    corpus = open_seq2seq(options.corpus, source_column=options.source, target_column=options.target)
    train_pairs = list(islice(corpus.sources["train"](), options.pairs))
    valid_pairs = list(islice(corpus.sources["valid"](), VALID))
    sources = {"train": lambda: iter(train_pairs), "valid": lambda: iter(valid_pairs)}
    encoded = encode_seq2seq(sources, get_tokenizer("word"), min_count=2)
    references = [target for _, target in valid_pairs]
    path = RESULTS / "translation_causes.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    rows: dict[str, list[dict[str, float]]] = kept["variants"] if kept.get("pairs") == options.pairs else {}
    for name in options.variants:
        print(name, flush=True)
        rows[name] = train(encoded, references, options.epochs, **VARIANTS[name])
        rows = {each: rows[each] for each in VARIANTS if each in rows}
        write_json(path, {"pairs": options.pairs, "variants": rows, "machine": machine()})
    if options.out is not None:
        draw(rows, str(options.out))


if __name__ == "__main__":
    main()
