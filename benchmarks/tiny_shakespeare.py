"""Tiny Shakespeare by characters: nanoGPT's sizes in seqkit and in PyTorch, and the recipe tinyshakespeare.

    python -m benchmarks.tiny_shakespeare [--seeds 3] [--steps N]

Both sides train the recipe nanogpt-shakespeare from the same initial weights on the same windows, with the
same AdamW and schedule; seqkit alone trains the recipe tinyshakespeare. They take turns, a twentieth of their
steps at a time, which spreads a drift of the machine's speed over all. The loss is that of the whole
validation split in consecutive blocks of 64, at all positions. --steps makes a trial, which is not written.
"""

import argparse
import statistics
import time
from typing import Any, Protocol

import numpy as np

from benchmarks.measure import RESULTS, machine, write_json
from benchmarks.transformer import torch_language_model
from seqkit.autograd import Tensor
from seqkit.cli.settings_file import read_recipe
from seqkit.corpora import open_corpus
from seqkit.data import EncodedCorpus, TextWindows
from seqkit.models import TransformerLanguageModel
from seqkit.optim import clip_grad_norm
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.language_modeling.evaluation import blocks_loss
from seqkit.tasks.language_modeling.task import NeuralLanguageModeling
from seqkit.tasks.text import encode_text

PUBLISHED, BLOCK, TURNS = 1.88, 64, 20


class Trainer(Protocol):
    """A model that is trained in turns."""

    steps: int

    def step(self, index: int) -> None:
        """Train on one batch."""

    def valid_loss(self) -> float:
        """Return the loss of the whole validation split in blocks."""


class Ours:
    """A recipe in seqkit."""

    def __init__(self, recipe: str, seed: int, changes: dict[str, Any]) -> None:
        values = {name.replace("-", "_"): value for name, value in read_recipe(recipe, "train-lm").items()}
        settings = LanguageModelSettings.from_values({**values, **changes, "seed": seed})
        corpus = open_corpus(settings.corpus)
        self.settings = settings.resolve(corpus)
        assert self.settings.max_steps is not None
        self.steps = self.settings.max_steps
        self.text: EncodedCorpus = encode_text(self.settings, corpus, print)
        self.task = NeuralLanguageModeling(self.settings, self.text)
        assert isinstance(self.task.model, TransformerLanguageModel)
        self.model, self.eos_id = self.task.model, self.task.eos_id
        self.optimizer, self.schedule = self.task.optimizer, self.task.schedule
        self.parameters = list(self.model.parameters())

    def step(self, index: int) -> None:
        """Take the step of the training loop."""
        epoch, batch = divmod(index, self.task.batches_per_epoch)
        if batch == 0:
            self.task.start_epoch(epoch, fresh=True)
        self.optimizer.zero_grad()
        loss: Tensor = self.task.loss(self.task.batch(batch))[0]
        loss.backward()
        self.optimizer.lr = self.settings.base_lr * self.schedule.at(index, 0)
        clip_grad_norm(self.parameters, self.settings.clip or np.inf)
        self.optimizer.step()

    def valid_loss(self) -> float:
        """Return the loss in blocks of 64, regardless of the training windows."""
        ids = self.text.splits["valid"]
        return blocks_loss(self.model, ids, self.eos_id, length=BLOCK) / len(ids)


class Torch:
    """The same model in PyTorch, on the same windows."""

    def __init__(self, ours: Ours) -> None:
        import torch

        self.ours, s = ours, ours.settings
        self.steps, self.settings = ours.steps, s
        self.model, names = torch_language_model(ours.model)
        peers = dict(self.model.named_parameters())
        decayed = [peers[names[name]] for name, p in ours.model.named_parameters() if s.decays(name, p)]
        others = [peers[names[name]] for name, p in ours.model.named_parameters() if not s.decays(name, p)]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=s.base_lr, betas=(0.9, s.beta2), eps=1e-8, weight_decay=s.weight_decay
        )
        ids = ours.text.splits["train"]
        self.batches = TextWindows(
            ids, batch_size=s.batch_size, length=s.window_length, start_id=ours.eos_id, seed=s.seed
        )
        self.schedule = s.make_schedule(len(self.batches))

    def _loss(self, inputs: np.ndarray, targets: np.ndarray, reduction: str = "mean") -> Any:
        import torch

        scores = self.model(torch.from_numpy(inputs.astype(np.int64)))
        flat = torch.from_numpy(targets.astype(np.int64)).reshape(-1)
        return torch.nn.functional.cross_entropy(
            scores.reshape(len(flat), -1), flat, ignore_index=-1, reduction=reduction
        )

    def step(self, index: int) -> None:
        """Take the same step."""
        import torch

        self.model.train()
        self.optimizer.zero_grad()
        self._loss(*self.batches.batch(*divmod(index, len(self.batches)))).backward()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.base_lr * self.schedule.at(index, 0)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip or np.inf)
        self.optimizer.step()

    def valid_loss(self) -> float:
        """Return the loss by the same protocol."""
        import torch

        ids, total = self.ours.text.splits["valid"], 0.0
        blocks = TextWindows(ids, batch_size=64, length=BLOCK, start_id=self.ours.eos_id, shuffle=False)
        self.model.eval()
        with torch.inference_mode():
            for index in range(len(blocks)):
                total += float(self._loss(*blocks.batch(0, index), reduction="sum"))
        return total / len(ids)


def train_in_turns(trainers: dict[str, Trainer]) -> dict[str, float]:
    """Train all in turns and return the seconds of each."""
    seconds = dict.fromkeys(trainers, 0.0)
    for turn in range(TURNS):
        for name, trainer in trainers.items():
            start = time.perf_counter()
            for index in range(turn * trainer.steps // TURNS, (turn + 1) * trainer.steps // TURNS):
                trainer.step(index)
            seconds[name] += time.perf_counter() - start
    return seconds


def main() -> None:
    """Train with all seeds, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiny_shakespeare", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=None, help="steps of a trial")
    options = parser.parse_args()
    changes = {} if options.steps is None else {"max_steps": options.steps}
    rows: dict[str, dict[str, Any]] = {}
    for seed in range(options.seeds):
        ours = Ours("nanogpt-shakespeare", seed, changes)
        trainers: dict[str, Trainer] = {
            "nanogpt-shakespeare": ours,
            "the same in PyTorch": Torch(ours),
            "tinyshakespeare": Ours("tinyshakespeare", seed, changes),
        }
        for name, seconds in train_in_turns(trainers).items():
            row = rows.setdefault(name, {"steps": trainers[name].steps, "loss": [], "seconds": []})
            row["loss"].append(trainers[name].valid_loss())
            row["seconds"].append(seconds)
            print(f"seed {seed}, {name}: loss {row['loss'][-1]:.4f}, {seconds:.1f} s", flush=True)
    print(f"\nvalidation loss in blocks of {BLOCK}; nanoGPT's, of 20 random batches: {PUBLISHED}")
    for name, row in rows.items():
        row["mean"] = statistics.fmean(row["loss"])
        row["deviation"] = statistics.stdev(row["loss"]) if len(row["loss"]) > 1 else 0.0
        row["met"] = row["mean"] - row["deviation"] <= PUBLISHED
        print(
            f"{name:<22}{row['steps']:>7} steps{row['mean']:>9.4f} ± {row['deviation']:.4f}"
            f"{statistics.fmean(row['seconds']):>9.1f} s   {'met' if row['met'] else 'not met'}"
        )
    if options.steps is None:
        write_json(RESULTS / "tiny_shakespeare.json", {"rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
