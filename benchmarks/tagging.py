"""Training and tagging by a BiLSTM-CRF with letters, on CoNLL-2000's chunks. Peer: PyTorch, eager.

The model is that of the recipe conll2000: vectors of 100 for words, a convolution of 50 filters over
letters, 10 for capitalisation, an LSTM of 200 in each direction, a CRF over 45 tags. First both get the
same weights and must give the same loss to 1e-5 without dropout. Then passes over the same 50 batches of
16 sentences are timed in turn: loss with locked dropout, backward, clipping, Adam. PyTorch packs padded
batches for its LSTM and loops over the words in the CRF, as its common implementations do. The last row
is the most probable tags of the whole test split in batches of 64 sentences of similar length, which
PyTorch gets ready-made; ours makes them, as `seqkit tag` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import paired, rate_row
from seqkit.backend.random import Generator
from seqkit.data import EncodedTaggedCorpus, TaggedBatch, TaggedBatches, tagged_batch
from seqkit.models import Tagger, TaggerInput
from seqkit.optim import Adam, clip_grad_norm
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings
from seqkit.tasks.sequence_labeling.data import encode, open_corpus
from seqkit.tasks.sequence_labeling.evaluation import batch_results, length_rows
from seqkit.tasks.sequence_labeling.model import model_config, resolve, with_paths
from seqkit.threads import thread_count

LR, CLIP, BATCHES, RUNS = 0.001, 5.0, 50, 7


def encoded_chunks() -> tuple[EncodedTaggedCorpus, Any]:
    """Return CoNLL-2000 with its encoder, and the config of the recipe's model."""
    settings = with_paths(SequenceLabelingSettings(corpus="nltk:conll2000"))
    encoded = encode(settings, open_corpus(settings))
    encoder: Any = encoded.encoder
    return encoded, model_config(resolve(settings, encoded), encoder, len(encoded.labels))


def our_pass(model: Tagger, data: list[TaggedBatch]) -> Callable[[], float]:
    """Return a function that takes one training step on each batch and returns the last loss."""
    optimizer, parameters = Adam(list(model.named_parameters()), lr=LR), list(model.parameters())
    generator = Generator(0, "dropout")

    def run() -> float:
        for batch in data:
            optimizer.zero_grad()
            loss = model.loss(_input(batch), batch.tags, generator=generator)
            loss.backward()
            clip_grad_norm(parameters, CLIP)
            optimizer.step()
        return loss.item()

    return run


def torch_model(ours: Tagger) -> Any:
    """Return PyTorch's model with the weights of ours, the loss of a batch and its best tags."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.set_num_threads(thread_count())
    config = ours.config

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(config.vocab_size, config.embedding_size)
            self.letters = nn.Embedding(config.letters, config.character_embedding_size)
            self.convolution = nn.Conv1d(
                config.character_embedding_size, config.character_hidden_size, 3, padding=1
            )
            self.shapes = nn.Embedding(config.shapes, config.shape_size)
            size = config.embedding_size + config.character_hidden_size + config.shape_size
            self.lstm = nn.LSTM(size, config.hidden_size, batch_first=True, bidirectional=True)
            self.output = nn.Linear(2 * config.hidden_size, config.tags)
            self.start, self.end = (
                nn.Parameter(torch.zeros(config.tags)),
                nn.Parameter(torch.zeros(config.tags)),
            )
            self.transitions = nn.Parameter(torch.zeros(config.tags, config.tags))
            self.dropout = config.dropout

        def locked(self, x: Any) -> Any:
            if not self.training:
                return x
            kept = torch.empty(x.shape[0], 1, x.shape[2]).bernoulli_(1 - self.dropout)
            return x * kept / (1 - self.dropout)

        def scores(self, batch: dict[str, Any]) -> Any:
            spelt = batch["spelt"][:, :, None]
            letters = self.convolution((self.letters(batch["letters"]) * spelt).transpose(1, 2)).transpose(
                1, 2
            )
            of_words = letters.masked_fill(~spelt, -1e9).amax(dim=1)[batch["words"]]
            x = torch.cat([self.words(batch["ids"]), of_words, self.shapes(batch["shapes"])], dim=2)
            packed = pack_padded_sequence(
                self.locked(x), batch["lengths"], batch_first=True, enforce_sorted=False
            )
            y, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
            return self.output(self.locked(y))

        def loss(self, batch: dict[str, Any]) -> Any:
            scores, mask, tags = self.scores(batch), batch["mask"], batch["tags"]
            B, T, _ = scores.shape
            alpha, rows = self.start + scores[:, 0], torch.arange(B)
            path = self.start[tags[:, 0]] + scores[rows, 0, tags[:, 0]]
            for t in range(1, T):
                further = torch.logsumexp(alpha[:, :, None] + self.transitions, dim=1) + scores[:, t]
                alpha = torch.where(mask[:, t, None], further, alpha)
                step = self.transitions[tags[:, t - 1], tags[:, t]] + scores[rows, t, tags[:, t]]
                path = path + step * mask[:, t]
            path = path + self.end[tags[rows, batch["lengths"] - 1]]
            return (torch.logsumexp(alpha + self.end, dim=1) - path).sum() / mask.sum()

        def best(self, batch: dict[str, Any]) -> list[Any]:
            scores, lengths = self.scores(batch), batch["lengths"]
            B, T, _ = scores.shape
            best, mask, came = self.start + scores[:, 0], batch["mask"], []
            for t in range(1, T):
                value, source = (best[:, :, None] + self.transitions).max(dim=1)
                best = torch.where(mask[:, t, None], value + scores[:, t], best)
                came.append(source)
            tags, last = torch.zeros(B, T, dtype=torch.long), (best + self.end).argmax(dim=1)
            rows = torch.arange(B)
            for t in range(T - 1, -1, -1):
                tags[:, t] = last
                if t:
                    last = torch.where(t < lengths, came[t - 1][rows, last], last)
            return [row[:length].numpy() for row, length in zip(tags, lengths.tolist(), strict=True)]

    model = Model()
    W = {name: torch.from_numpy(np.array(array)) for name, array in ours.state_dict().items()}
    names = {
        "words.weight": W["embedding.weight"],
        "letters.weight": W["characters.embedding.weight"],
        "convolution.weight": W["characters.convolution.weight"][:, 0].transpose(1, 2),
        "convolution.bias": W["characters.convolution.bias"],
        "shapes.weight": W["shapes.weight"],
        "output.weight": W["output.weight"],
        "output.bias": W["output.bias"],
        **{name: W[f"crf.{name}"] for name in ("start", "transitions", "end")},
    }
    for number, suffix in enumerate(("", "_reverse")):
        layer = f"encoder.layers.{number}"
        names |= {f"lstm.weight_{each}_l0{suffix}": W[f"{layer}.weight_{each}"] for each in ("ih", "hh")}
        names[f"lstm.bias_ih_l0{suffix}"] = W[f"{layer}.bias"]
        names[f"lstm.bias_hh_l0{suffix}"] = torch.zeros_like(W[f"{layer}.bias"])
    model.load_state_dict(names)
    return model


def torch_batch(batch: TaggedBatch) -> dict[str, Any]:
    """Return a batch as tensors."""
    import torch

    names = ("ids", "lengths", "words", "letters", "shapes", "tags")
    tensors = {name: torch.from_numpy(getattr(batch, name).astype(np.int64)) for name in names}
    spelt = np.arange(batch.letters.shape[1]) < batch.letter_lengths[:, None]
    mask = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    tensors["tags"] = tensors["tags"].clamp(min=0)
    return {**tensors, "spelt": torch.from_numpy(spelt), "mask": torch.from_numpy(mask)}


def torch_pass(model: Any, data: list[TaggedBatch]) -> Callable[[], float]:
    """Return the same pass in PyTorch."""
    import torch

    optimizer, ready = torch.optim.Adam(model.parameters(), lr=LR), [torch_batch(batch) for batch in data]
    model.train()

    def run() -> float:
        for batch in ready:
            optimizer.zero_grad()
            loss = model.loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
        return float(loss.item())

    return run


def same_loss(ours: Tagger, batch: TaggedBatch) -> float:
    """Return the relative difference of both losses on equal weights.

    Raises:
        AssertionError: They differ by more than 1e-5, or the best tags of the batch do.
    """
    import torch

    features = _input(batch)
    with ours.evaluating(), torch.no_grad():
        theirs = torch_model(ours).eval()
        our_loss, loss = ours.loss(features, batch.tags).item(), float(theirs.loss(torch_batch(batch)))
        pairs = zip(ours.decode(features), theirs.best(torch_batch(batch)), strict=True)
        same = all((a[: len(b)] == b).all() for a, b in pairs)
    if not abs(our_loss - loss) < 1e-5 * loss or not same:
        raise AssertionError(f"ours {our_loss!r}, PyTorch {loss!r}; the same tags: {same}")
    return abs(our_loss - loss) / loss


def _input(batch: TaggedBatch) -> TaggerInput:
    return TaggerInput(
        batch.ids, batch.lengths, batch.words, batch.letters, batch.letter_lengths, batch.shapes
    )


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return words a second of training and of tagging."""
    import torch

    encoded, config = encoded_chunks()
    model = Tagger(config, generator=Generator(0, "init"))
    batches = TaggedBatches(encoded.splits["train"], encoded.table, 16)
    data = [batches.batch(0, index) for index in range(BATCHES)]
    difference = same_loss(model, data[0])
    words = sum(int(batch.lengths.sum()) for batch in data)
    passes = {"ours": our_pass(model, data), "peer": torch_pass(torch_model(model), data)}
    times = paired(passes, runs, warmup=1)
    rates = {name: [words / each for each in seconds] for name, seconds in times.items()}
    rows = [rate_row("BiLSTM-CRF, training", rates["ours"], rates["peer"], "words/s")]
    rows[0]["loss_difference"] = difference
    test = encoded.splits["test"]
    held_out = [tagged_batch(test, encoded.table, rows) for rows in length_rows(test, 64)]
    theirs, ready = torch_model(model).eval(), [torch_batch(batch) for batch in held_out]

    def ours_tag() -> None:
        with batch_results(
            model,
            encoded.encoder,
            test,
            encoded.table,
            64,
            lambda features, _: model.decode(features),
            progress="tagging",
        ) as results:
            list(results)

    def theirs_tag() -> None:
        with torch.inference_mode():
            for batch in ready:
                theirs.best(batch)

    times = paired({"ours": ours_tag, "peer": theirs_tag}, runs, warmup=1)
    rates = {name: [len(test.words) / each for each in seconds] for name, seconds in times.items()}
    rows.append(rate_row("BiLSTM-CRF, tagging the test split", rates["ours"], rates["peer"], "words/s"))
    return rows, {"torch": torch.__version__}
