"""Beam search of a recurrent translation model, on the sentences of its test split. Peer: PyTorch, eager.

Needs a run of train-seq2seq with the defaults of words (an LSTM encoder in both directions, an LSTM decoder,
attention "general", tied embeddings), such as the recipe multi30k-rnn: --model RUN. Both get its weights,
the same ids in the same batches of similar length, and the same search: beams of 5, ended by scores that no
live hypothesis can reach. Their translations must agree but for ties of rounding. PyTorch keeps all beams of
a batch in one tensor and takes sentences out of it when they are done.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import paired, rate_row
from seqkit.data import encode_texts, pad_batch
from seqkit.errors import UsageError
from seqkit.models import Seq2Seq
from seqkit.tasks.seq2seq.evaluation import Search, decode, map_searches
from seqkit.tasks.seq2seq.trained import TrainedSeq2Seq, load
from seqkit.text.special_tokens import EOS, START
from seqkit.threads import thread_count

BEAM, PENALTY, BATCH, RUNS = 5, 0.6, 128, 5
AGREEMENT = 0.98
"""Fraction of sentences with the same translation, at least."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--model", type=Path, required=True, help="run of train-seq2seq")
    parser.add_argument("--sentences", type=int, default=1000, help="sentences to translate [%(default)s]")


def torch_model(ours: Seq2Seq) -> Any:
    """Return PyTorch's model with the weights of ours, and its search."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    config = ours.config
    same = {"cell": "lstm", "bidirectional": True, "attention": "general", "tied": True, "num_layers": 1}
    others = {"input_feeding": False, "peeky": False, "pass_cell": True}
    if any(getattr(config, name) != value for name, value in (same | others).items()):
        raise UsageError("expected a run with the defaults of words", remedy="train one by multi30k-rnn")

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            E, H, V = config.embedding_size, config.hidden_size, config.target_vocab_size
            self.source = torch.nn.Embedding(config.source_vocab_size, E)
            self.target = torch.nn.Embedding(V, E)
            self.encoder = torch.nn.LSTM(E, H // 2, batch_first=True, bidirectional=True)
            self.decoder = torch.nn.LSTMCell(E, H)
            self.W = torch.nn.Parameter(torch.zeros(H, H))
            self.readout = torch.nn.Linear(2 * H, E)
            self.bias = torch.nn.Parameter(torch.zeros(V))
            self.scale = ours.embedding_scale

        def encode(self, source: Any, lengths: Any) -> tuple[Any, ...]:
            packed = pack_padded_sequence(
                self.source(source) * self.scale, lengths, batch_first=True, enforce_sorted=False
            )
            memory, (h, c) = self.encoder(packed)
            memory, _ = pad_packed_sequence(memory, batch_first=True)
            hidden = torch.arange(source.shape[1]) >= lengths[:, None]
            return memory, memory @ self.W.T, hidden, torch.cat(list(h), 1), torch.cat(list(c), 1)

        def step(self, ids: Any, memory: Any, keys: Any, hidden: Any, h: Any, c: Any) -> tuple[Any, ...]:
            """Ids (B, K) -> log probabilities (B, K, V) and the next h and c (B·K, H)."""
            B, K = ids.shape
            h, c = self.decoder(self.target(ids.reshape(-1)) * self.scale, (h, c))
            y = h.reshape(B, K, -1)
            scores = (y @ keys.transpose(1, 2)).masked_fill(hidden[:, None, :], float("-inf"))
            seen = torch.cat([scores.softmax(-1) @ memory, y], -1)
            features = torch.tanh(self.readout(seen))
            return torch.log_softmax(features @ self.target.weight.T + self.bias, -1), h, c

    torch.set_num_threads(thread_count())
    model = Model()
    W = {name: torch.from_numpy(np.array(array)) for name, array in ours.state_dict().items()}
    names = {
        "source.weight": W["source_embedding.weight"],
        "target.weight": W["target_embedding.weight"],
        "W": W["attention.weight"],
        "readout.weight": W["readout.weight"],
        "readout.bias": W["readout.bias"],
        "bias": W["output.bias"],
    }
    pairs = [("encoder", "encoder.layers.0", "_l0"), ("encoder", "encoder.layers.1", "_l0_reverse")]
    for to, layer, suffix in [*pairs, ("decoder", "decoder.layers.0", "")]:
        names |= {f"{to}.weight_{each}{suffix}": W[f"{layer}.weight_{each}"] for each in ("ih", "hh")}
        names[f"{to}.bias_ih{suffix}"] = W[f"{layer}.bias"]
        names[f"{to}.bias_hh{suffix}"] = torch.zeros_like(W[f"{layer}.bias"])
    model.load_state_dict(names)
    return model.eval()


def torch_search(model: Any, source: Any, lengths: Any, banned: list[int], end: int, most: int) -> list[Any]:
    """Return the ids of the best translation of each source, without the end."""
    import torch

    memory, keys, hidden, h, c = model.encode(source, lengths)
    B, K = len(source), BEAM
    h, c = (x.repeat_interleave(K, 0) for x in (h, c))
    log_prob = torch.full((B, K), float("-inf"))
    log_prob[:, 0] = 0
    ids, tokens = torch.full((B, K), banned[0]), torch.zeros((B, K, 0), dtype=torch.long)
    rows, best = torch.arange(B), torch.full((B,), float("-inf"))
    found: list[Any] = [None] * B
    reach = ((5 + most) / 6) ** PENALTY
    for length in range(1, most + 1):
        step, h, c = model.step(ids, memory, keys, hidden, h, c)
        step[..., banned] = float("-inf")
        V = step.shape[-1]
        log_prob, flat = (log_prob[..., None] + step).reshape(len(rows), -1).topk(K, 1)
        parents, ids = flat // V, flat % V
        tokens = torch.cat([tokens.gather(1, parents[..., None].expand_as(tokens)), ids[..., None]], 2)
        ended = (ids == end) if length < most else torch.ones_like(ids, dtype=torch.bool)
        scores = (log_prob / ((5 + length) / 6) ** PENALTY).masked_fill(~ended, float("-inf"))
        top, place = scores.max(1)
        for row in torch.nonzero(top > best).flatten().tolist():
            written = tokens[row, place[row]]
            found[rows[row]] = written[:-1] if written[-1] == end else written
        best = torch.maximum(best, top)
        log_prob = log_prob.masked_fill(ended | (log_prob / reach <= best[:, None]), float("-inf"))
        live = torch.nonzero(log_prob.max(1).values > float("-inf")).flatten()
        if not len(live):
            break
        kept = (live[:, None] * K + parents[live]).flatten()
        h, c, ids, log_prob, tokens = h[kept], c[kept], ids[live], log_prob[live], tokens[live]
        if len(live) < len(rows):
            memory, keys, hidden, best, rows = (x[live] for x in (memory, keys, hidden, best, rows))
    return [each.tolist() for each in found]


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the sentences a second of both."""
    import torch

    trained: TrainedSeq2Seq = load(options.model)
    ours: Any = trained.model
    texts = [pair[0] for pair in islice(trained.pairs().pairs("test"), options.sentences)]
    rows = encode_texts(texts, trained.source_tokenizer, trained.source_vocabulary)
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    starts = range(0, len(order), BATCH)
    batches = [pad_batch([rows[i] for i in order[first : first + BATCH]]) for first in starts]
    vocabulary, search = trained.target_vocabulary, Search(beam=BEAM, length_penalty=PENALTY)
    start, end, most = vocabulary.id(START), vocabulary.id(EOS), trained.settings.max_new_tokens
    banned = [start] if vocabulary.unk_id is None else [start, vocabulary.unk_id]

    def our_ids() -> list[list[int]]:
        def compute(batch: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
            found = decode(
                ours,
                *batch,
                search,
                start_id=start,
                end_id=end,
                unk_id=vocabulary.unk_id,
                max_new_tokens=most,
            )
            return [list(best[0].ids) for best in found]

        with ours.evaluating(), map_searches(compute, batches, search, ours) as results:
            return [ids for found in results for ids in found]

    model = torch_model(ours)
    ready = [(torch.from_numpy(x.astype(np.int64)), torch.from_numpy(n)) for x, n in batches]

    def their_ids() -> list[list[int]]:
        with torch.inference_mode():
            return [ids for x, n in ready for ids in torch_search(model, x, n, banned, end, most)]

    same = float(np.mean([a == b for a, b in zip(our_ids(), their_ids(), strict=True)]))
    if same < AGREEMENT:
        raise AssertionError(f"the translations differ: {same:.1%} of them agree")
    times = paired({"ours": our_ids, "peer": their_ids}, runs, warmup=0)
    rates = {name: [len(rows) / each for each in seconds] for name, seconds in times.items()}
    result = rate_row(f"beam {BEAM}, {len(rows):,} sentences", rates["ours"], rates["peer"], "sentences/s")
    result["agreement"] = same
    return [result], {"torch": torch.__version__}
