"""A training step of an encoder-decoder with attention, on dates: loss, backward, clipping, Adam.

The peer is PyTorch, eager. First both models get the same weights and must give the same loss to 1e-5; then
steps are timed in turn on the same batches. PyTorch packs padded batches, so that both compute the same.
The last row is our time to translate and score the held-out dates greedily.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import paired, row
from seqkit.backend.random import Generator
from seqkit.corpora import open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, Seq2SeqBatch, Seq2SeqBatches, encode_seq2seq
from seqkit.models import Seq2Seq, Seq2SeqConfig
from seqkit.optim import Adam, clip_grad_norm
from seqkit.tasks.seq2seq.evaluation import decode_split
from seqkit.text import get_tokenizer
from seqkit.threads import thread_count

B = 128
LR, CLIP = 0.001, 5.0
CASES = [
    (
        "textbook: dot, E 16, H 256, one length",
        {"embedding_size": 16, "hidden_size": 256, "attention": "dot"},
        False,
    ),
    (
        "defaults: general, E 64, H 256, lengths 6-29",
        {"embedding_size": 64, "hidden_size": 256, "attention": "general"},
        True,
    ),
]


def encoded_dates() -> EncodedSeq2SeqCorpus:
    """Return the generated dates as characters."""
    return encode_seq2seq(open_seq2seq("dates").sources, get_tokenizer("char"))


def batches(encoded: EncodedSeq2SeqCorpus, *, padded: bool, count: int = 8) -> list[Seq2SeqBatch]:
    """Return batches of dates: padded, or bucketed batches in which all sources have the same length."""
    all_batches = Seq2SeqBatches(encoded.splits["train"], B, bucket=not padded)
    candidates = (all_batches.batch(0, index) for index in range(len(all_batches)))
    return [b for b in candidates if padded or (b.source_lengths == b.source.shape[1]).all()][:count]


def our_model(encoded: EncodedSeq2SeqCorpus, settings: dict[str, Any]) -> Seq2Seq:
    """Return a model of one encoder layer and one decoder layer from seed 0."""
    sizes = len(encoded.source_vocabulary), len(encoded.target_vocabulary)
    return Seq2Seq(Seq2SeqConfig(*sizes, **settings), generator=Generator(0, "init"))


def our_step(model: Seq2Seq, data: list[Seq2SeqBatch]) -> Callable[[], float]:
    """Return a function that takes one training step on the next batch and returns its loss."""
    optimizer, parameters = Adam(list(model.named_parameters()), lr=LR), list(model.parameters())
    turn = 0

    def step() -> float:
        nonlocal turn
        batch = data[turn % len(data)]
        turn += 1
        optimizer.zero_grad()
        loss = model.loss(batch.source, batch.source_lengths, batch.target_in, batch.target_out)
        loss.backward()
        clip_grad_norm(parameters, CLIP)
        optimizer.step()
        return loss.item()

    return step


def torch_model(ours: Seq2Seq) -> Any:
    """Return PyTorch's model with the weights of ours and a loss of a batch."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    config = ours.config

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            E, H = config.embedding_size, config.hidden_size
            self.source_embedding = torch.nn.Embedding(config.source_vocab_size, E)
            self.target_embedding = torch.nn.Embedding(config.target_vocab_size, E)
            self.encoder = torch.nn.LSTM(E, H, batch_first=True)
            self.decoder = torch.nn.LSTM(E, H, batch_first=True)
            self.W = torch.nn.Parameter(torch.zeros(H, H)) if config.attention == "general" else None
            self.output = torch.nn.Linear(2 * H, config.target_vocab_size)

        def loss(self, source: Any, lengths: Any, target_in: Any, target_out: Any) -> Any:
            x = self.source_embedding(source)
            full = bool((lengths == source.shape[1]).all())
            if full:
                memory, state = self.encoder(x)
            else:
                packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
                memory, state = self.encoder(packed)
                memory, _ = pad_packed_sequence(memory, batch_first=True)
            y, _ = self.decoder(self.target_embedding(target_in), state)
            keys = memory if self.W is None else memory @ self.W.T
            scores = y @ keys.transpose(1, 2)
            if not full:
                mask = torch.arange(source.shape[1]) >= lengths[:, None]
                scores = scores.masked_fill(mask[:, None, :], float("-inf"))
            context = scores.softmax(-1) @ memory
            out = self.output(torch.cat([context, y], -1))
            return torch.nn.functional.cross_entropy(
                out.reshape(-1, out.shape[-1]), target_out.reshape(-1), ignore_index=-1
            )

    torch.set_num_threads(thread_count())
    model = Model()
    with torch.no_grad():
        for theirs, parameter in matching(model, ours):
            theirs[0].copy_(torch.from_numpy(np.array(parameter.data)))
            for second in theirs[1:]:
                second.zero_()
    return model


def matching(model: Any, ours: Seq2Seq) -> list[tuple[list[Any], Any]]:
    """Return the parameters of PyTorch's model whose sum is a parameter of ours, and that one, for each."""
    pairs: list[tuple[list[Any], Any]] = []
    for side in ("source_embedding", "target_embedding"):
        pairs.append(([getattr(model, side).weight], getattr(ours, side).weight))
    for side in ("encoder", "decoder"):
        layer, peer = getattr(ours, side).layers[0], getattr(model, side)
        pairs.append(([peer.weight_ih_l0], layer.weight_ih))
        pairs.append(([peer.weight_hh_l0], layer.weight_hh))
        pairs.append(([peer.bias_ih_l0, peer.bias_hh_l0], layer.bias))
    if model.W is not None and ours.attention is not None:
        pairs.append(([model.W], ours.attention.weight))
    pairs.append(([model.output.weight], ours.output.weight))
    pairs.append(([model.output.bias], ours.output.bias))
    return pairs


def copy_back(model: Any, ours: Seq2Seq) -> None:
    """Give our model the weights of PyTorch's."""
    for theirs, parameter in matching(model, ours):
        parameter.data[...] = sum(each.detach().numpy() for each in theirs)


def torch_batch(batch: Seq2SeqBatch) -> tuple[Any, ...]:
    """Return a batch as tensors; the ids of padding do not affect the loss."""
    import torch

    ids = (batch.source, batch.source_lengths, batch.target_in, batch.target_out)
    source, lengths, target_in, target_out = (torch.from_numpy(each.astype(np.int64)) for each in ids)
    return source.clamp(min=0), lengths, target_in.clamp(min=0), target_out


def torch_step(model: Any, data: list[Seq2SeqBatch]) -> Callable[[], float]:
    """Return the same step in PyTorch."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    ready, turn = [torch_batch(batch) for batch in data], 0

    def step() -> float:
        nonlocal turn
        batch = ready[turn % len(ready)]
        turn += 1
        optimizer.zero_grad()
        loss = model.loss(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return float(loss.item())

    return step


def same_loss(ours: Seq2Seq, batch: Seq2SeqBatch) -> float:
    """Return the relative difference of both losses on equal weights.

    Raises:
        AssertionError: They differ by more than 1e-5.
    """
    import torch

    our_loss = ours.loss(batch.source, batch.source_lengths, batch.target_in, batch.target_out).item()
    with torch.no_grad():
        torch_loss = float(torch_model(ours).loss(*torch_batch(batch)))
    difference = abs(our_loss - torch_loss) / torch_loss
    if not difference < 1e-5:
        raise AssertionError(f"the losses differ: ours {our_loss!r}, PyTorch {torch_loss!r}")
    return difference


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the step times of all cases and the time of an evaluation."""
    import torch

    encoded = encoded_dates()
    rows = []
    for name, settings, padded in CASES:
        data = batches(encoded, padded=padded)
        model = our_model(encoded, settings)
        difference = same_loss(model, data[0])
        steps = {
            "ours": our_step(model, data),
            "peer": torch_step(torch_model(our_model(encoded, settings)), data),
        }
        times = paired(steps, runs, warmup=len(data))
        rows.append(row(f"seq2seq step, {name}", times["ours"], times["peer"]))
        rows[-1]["loss_difference"] = difference
    held_out = [encoded.splits[split] for split in ("valid", "test")]
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        for pairs in held_out:
            decode_split(model, pairs, reverse=False, unk_id=None, batch_size=500, max_new_tokens=11)
        seconds.append(time.perf_counter() - started)
    rows.append(row(f"  {sum(map(len, held_out)):,} dates translated and scored", seconds, None, unit="s"))
    return rows, {"torch": torch.__version__}
