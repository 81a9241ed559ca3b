import tracemalloc

import numpy as np
import pytest

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data import EncodedSeq2Seq, Seq2SeqBatches, encode_seq2seq, encode_texts, pad_batch
from seqkit.data.batches import PAD
from seqkit.errors import DataError, ShapeError, UsageError
from seqkit.text import get_tokenizer
from seqkit.text.special_tokens import EOS, START

WS, CHAR, WORD = (get_tokenizer(name) for name in ("whitespace", "char", "word"))
TEXT = {
    "train": [("b a", "x"), ("a", "x y"), ("a c c", "z x")],
    "valid": [("c b", "y")],
}


def sources(text):
    return {split: (lambda pairs=pairs: iter(pairs)) for split, pairs in text.items()}


def decoded(made, split):
    pairs = made.splits[split]
    return [
        (
            made.source_tokenizer.detokenize(made.source_vocabulary.decode(pairs.source_ids(row))),
            made.target_tokenizer.detokenize(made.target_vocabulary.decode(pairs.target_ids(row))),
        )
        for row in range(len(pairs))
    ]


def example(n=1000, seed=5):
    """Random pairs; the ids of row i tell i, so that batches can be checked against them."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 12, (2, n))
    offsets = [np.concatenate(([0], np.cumsum(side))) for side in lengths]
    flat = [draw.integers(3, 50, int(o[-1])).astype(np.int32) for o in offsets]
    return EncodedSeq2Seq(flat[0], offsets[0], flat[1], offsets[1], start_id=1, end_id=2)


# Encoding


def test_ids_and_vocabularies_by_hand() -> None:
    made = encode_seq2seq(sources(TEXT), WS)
    # a 3, c 2, b 1 and no unknown token seen; x 3, then y and z
    assert made.source_vocabulary.tokens == ("a", "c", "b", "<unk>")
    assert made.target_vocabulary.tokens == (START, EOS, "x", "y", "z", "<unk>")
    assert made.target_vocabulary.counts.tolist() == [3, 3, 3, 1, 1, 0]
    train = made.splits["train"]
    assert train.source.tolist() == [2, 0, 0, 0, 1, 1]
    assert train.source_offsets.tolist() == [0, 2, 3, 6]
    assert train.target.tolist() == [2, 2, 3, 4, 2]
    assert train.target_offsets.tolist() == [0, 1, 3, 5]
    assert (train.start_id, train.end_id) == (0, 1)
    assert train.source.dtype == train.target.dtype == np.int32
    info = made.info["valid"]
    assert (info.pairs, info.source_tokens, info.target_tokens, info.source_unk) == (1, 2, 1, 0)


def test_shared_vocabulary_counts_both_sides() -> None:
    text = {"train": [("a b", "b c"), ("b", "b")]}
    made = encode_seq2seq(sources(text), WS, shared=True)
    assert made.source_vocabulary is made.target_vocabulary
    assert made.target_vocabulary.tokens == (START, EOS, "b", "a", "c", "<unk>")
    assert made.splits["train"].source.tolist() == [3, 2, 2]
    assert made.splits["train"].target.tolist() == [2, 4, 2]


def test_the_training_part_alone_makes_the_vocabularies() -> None:
    other = {**TEXT, "valid": [("new words", "other ones"), ("a", "x")]}
    for shared in (False, True):
        first = encode_seq2seq(sources(TEXT), WS, shared=shared)
        second = encode_seq2seq(sources(other), WS, shared=shared)
        assert first.source_vocabulary == second.source_vocabulary
        assert first.target_vocabulary == second.target_vocabulary
        info = second.info["valid"]
        assert (info.source_unk, info.target_unk) == (2, 2)
        assert decoded(second, "valid") == [("<unk> <unk>", "<unk> <unk>"), ("a", "x")]
    reordered = {"valid": TEXT["valid"], "train": TEXT["train"]}
    made = encode_seq2seq(sources(reordered), WS)
    assert made.target_vocabulary == encode_seq2seq(sources(TEXT), WS).target_vocabulary
    assert list(made.splits) == ["valid", "train"]


def test_characters_get_unk_only_for_unseen_ones() -> None:
    text = {"train": [("12+3", "15"), ("4+5", "9")], "valid": [("5+4", "9")]}
    made = encode_seq2seq(sources(text), CHAR)
    assert made.source_vocabulary.unk is made.target_vocabulary.unk is None
    assert set(made.source_vocabulary) == set("12+345")
    assert decoded(made, "train") == text["train"]
    made = encode_seq2seq(sources({**text, "test": [("7+1", "8")]}), CHAR)
    assert made.source_vocabulary.unk == made.target_vocabulary.unk == "<unk>"
    made = encode_seq2seq(sources({**text, "test": [("7+1", "5")]}), CHAR)
    assert made.source_vocabulary.unk == "<unk>"
    assert made.target_vocabulary.unk is None


def test_size_and_min_count() -> None:
    made = encode_seq2seq(sources(TEXT), WS, min_count=2)
    assert made.source_vocabulary.tokens == ("a", "c", "<unk>")
    assert made.target_vocabulary.tokens == (START, EOS, "x", "<unk>")
    made = encode_seq2seq(sources(TEXT), WS, vocab_size=4)
    assert made.source_vocabulary.tokens == ("a", "c", "b", "<unk>")
    assert made.target_vocabulary.tokens == (START, EOS, "x", "<unk>")
    assert made.target_vocabulary.counts.tolist() == [3, 3, 3, 2]


def test_each_side_may_have_its_tokenizer() -> None:
    made = encode_seq2seq(
        sources({"train": [("It's fine.", "gut"), ("no", "nein")]}), WORD, target_tokenizer=CHAR
    )
    assert decoded(made, "train") == [("It's fine.", "gut"), ("no", "nein")]
    assert "fine" in made.source_vocabulary
    assert "n" in made.target_vocabulary


def test_vocabularies_of_an_earlier_run() -> None:
    first = encode_seq2seq(sources(TEXT), WS)
    given = first.source_vocabulary, first.target_vocabulary
    made = encode_seq2seq(sources({"test": [("a q", "z")]}), WS, vocabularies=given)
    assert made.target_vocabulary is first.target_vocabulary
    assert decoded(made, "test") == [("a <unk>", "z")]
    chars = encode_seq2seq(sources({"train": [("ab", "cd")]}), CHAR)
    given = chars.source_vocabulary, chars.target_vocabulary
    with pytest.raises(DataError, match="'q' is not among the 2 tokens"):
        encode_seq2seq(sources({"test": [("aq", "c")]}), CHAR, vocabularies=given)
    with pytest.raises(UsageError, match="expected <s> and <eos> in the target vocabulary"):
        encode_seq2seq(sources(TEXT), WS, vocabularies=(first.source_vocabulary,) * 2)


def test_blocks_do_not_show(monkeypatch) -> None:
    text = {"train": [(f"{n % 7} {n % 3}", f"{n % 5}") for n in range(50)]}
    whole = encode_seq2seq(sources(text), WORD).splits["train"]
    for size in (1, 7, 50):
        monkeypatch.setattr("seqkit.data.seq2seq._BLOCK", size)
        made = encode_seq2seq(sources(text), WORD).splits["train"]
        assert np.array_equal(made.source, whole.source)
        assert np.array_equal(made.target_offsets, whole.target_offsets)


@pytest.mark.parametrize(
    ("text", "tokenizer", "message"),
    [
        ({"train": []}, WS, "the train split has no pairs"),
        ({"train": [("a", "b")], "valid": []}, WS, "the valid split has no pairs"),
        ({"valid": [("a", "b")]}, WS, "no train split"),
        ({"train": [("a", "b"), ("a", "  ")]}, WS, "a target text without a token, '  '"),
        ({"train": [("a", "b"), ("", "b")]}, CHAR, "a source text without a token, ''"),
        ({"train": [("a", "b\nc")]}, CHAR, r"a target text holds a line end or the token '\\n', 'b\\nc'"),
        ({"train": [("a <eos> b", "c")]}, WS, "a source text holds a line end or the token '<eos>'"),
        ({"train": [("a", "<s> c")]}, WS, "a target text holds the token '<s>', which marks"),
    ],
)
def test_pairs_that_cannot_be_encoded(text, tokenizer, message) -> None:
    with pytest.raises(DataError, match=message):
        encode_seq2seq(sources(text), tokenizer)


def test_vocabularies_that_cannot_be_made() -> None:
    with pytest.raises(DataError, match="a source vocabulary without a word: 3 distinct tokens, min count 9"):
        encode_seq2seq(sources(TEXT), WS, min_count=9)
    with pytest.raises(UsageError, match=r"expected a vocabulary of 3 tokens or more .*, got 2"):
        encode_seq2seq(sources(TEXT), WS, vocab_size=2)
    with pytest.raises(UsageError, match="expected one tokenizer for a shared vocabulary"):
        encode_seq2seq(sources(TEXT), WS, target_tokenizer=CHAR, shared=True)


def test_pairs_are_kept_as_four_bytes_a_token() -> None:
    def pairs():
        return ((f"{n % 90} und {n % 31} sind viele Worte", f"{n % 13} words") for n in range(40_000))

    tracemalloc.start()
    try:
        made = encode_seq2seq({"train": pairs}, WS).splits["train"]
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tokens = len(made.source) + len(made.target)
    assert tokens == 8 * 40_000
    offsets = 2 * 8 * 40_001
    assert kept < 4 * tokens + offsets + 200_000
    assert peak < 3 * 4 * tokens + 2 * offsets + 8_000_000  # one block of texts and its tokens beside


# Batches


def test_a_batch_by_hand() -> None:
    pairs = EncodedSeq2Seq(
        np.array([5, 6, 7, 8, 9, 3], np.int32),
        np.array([0, 3, 4, 6]),
        np.array([11, 12, 13, 14], np.int32),
        np.array([0, 1, 2, 4]),
        start_id=1,
        end_id=2,
    )
    batch = Seq2SeqBatches(pairs, 3, shuffle=False, bucket=False).batch(0, 0)
    assert batch.source.tolist() == [[5, 6, 7], [8, PAD, PAD], [9, 3, PAD]]
    assert batch.source_lengths.tolist() == [3, 1, 2]
    assert batch.target_in.tolist() == [[1, 11, PAD], [1, 12, PAD], [1, 13, 14]]
    assert batch.target_out.tolist() == [[11, 2, IGNORE_INDEX], [12, 2, IGNORE_INDEX], [13, 14, 2]]
    assert batch.rows.tolist() == [0, 1, 2]
    assert len(batch) == 3
    arrays = (batch.source, batch.source_lengths, batch.target_in, batch.target_out)
    assert all(array.dtype == np.int32 for array in arrays)
    turned = Seq2SeqBatches(pairs, 3, shuffle=False, bucket=False, reverse=True).batch(0, 0)
    assert turned.source.tolist() == [[7, 6, 5], [8, PAD, PAD], [3, 9, PAD]]
    assert np.array_equal(turned.target_in, batch.target_in)
    sorted_ = Seq2SeqBatches(pairs, 2, shuffle=False)
    assert [batch.rows.tolist() for batch in sorted_.epoch(0)] == [[1, 2], [0]]
    assert sorted_.batch(0, 0).source.tolist() == [[8, PAD], [9, 3]]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("B", [1, 7, 64, 2000])
def test_every_pair_once_and_whole(reverse, bucket, shuffle, B) -> None:
    pairs = example(301)
    batches = Seq2SeqBatches(pairs, B, reverse=reverse, bucket=bucket, shuffle=shuffle, seed=3)
    assert len(batches) == -(-301 // B)
    seen, predictions = [], 0
    for batch in batches.epoch(1):
        assert batch.source.shape[1] == batch.source_lengths.max()
        for i, row in enumerate(batch.rows):
            S = batch.source_lengths[i]
            source = batch.source[i, :S][:: -1 if reverse else 1]
            assert np.array_equal(source, pairs.source_ids(row))
            assert (batch.source[i, S:] == PAD).all()
            target, T = pairs.target_ids(row), len(pairs.target_ids(row))
            assert batch.target_in[i, : T + 1].tolist() == [1, *target]
            assert batch.target_out[i, : T + 1].tolist() == [*target, 2]
            assert (batch.target_out[i, T + 1 :] == IGNORE_INDEX).all()
        seen += batch.rows.tolist()
        predictions += int((batch.target_out != IGNORE_INDEX).sum())
    assert sorted(seen) == list(range(301))
    assert predictions == batches.predictions
    short = [len(batch) for batch in batches.epoch(1) if len(batch) < B]
    assert short == ([301 % B] if 301 % B else [])


def test_a_batch_is_a_function_of_seed_epoch_and_index() -> None:
    pairs = example(500)
    first = Seq2SeqBatches(pairs, 16, seed=9)
    rows = {(e, i): first.batch(e, i).rows for e in range(3) for i in range(len(first))}
    for e, i in ((2, 5), (0, 31), (1, 0), (2, 4), (0, 0)):  # as a resumed run asks: anywhere, in any order
        again = Seq2SeqBatches(pairs, 16, seed=9)
        assert np.array_equal(again.batch(e, i).rows, rows[e, i])
        assert np.array_equal(first.batch(e, i).rows, rows[e, i])
    orders = [np.concatenate([rows[e, i] for i in range(len(first))]) for e in range(3)]
    assert not np.array_equal(orders[0], orders[1])
    other = np.concatenate([batch.rows for batch in Seq2SeqBatches(pairs, 16, seed=8).epoch(0)])
    assert not np.array_equal(orders[0], other)


def test_buckets_pad_little_and_stay_random() -> None:
    pairs = example(20_000)

    def padding(batches):
        held = sum(int(batch.source_lengths.sum()) for batch in batches.epoch(0))
        return 1 - held / sum(batch.source.size for batch in batches.epoch(0))

    bucketed = Seq2SeqBatches(pairs, 32)
    assert padding(bucketed) < 0.02 < 0.3 < padding(Seq2SeqBatches(pairs, 32, bucket=False))
    widths = [batch.source.shape[1] for batch in bucketed.epoch(0)]
    assert len(set(widths[:20])) > 5  # lengths come in no order
    rows = [set(bucketed.batch(e, i).rows.tolist()) for e in range(2) for i in range(len(bucketed))]
    together = max(len(rows[0] & other) for other in rows[len(bucketed) :])
    assert together < 16  # the next epoch makes other batches


def test_the_arrays_given_are_not_written_to() -> None:
    pairs = example(50)
    copies = pairs.source.copy(), pairs.target.copy()
    for batch in Seq2SeqBatches(pairs, 8, reverse=True).epoch(0):
        for array in (batch.source, batch.source_lengths, batch.target_in, batch.target_out):
            array[...] = 0
    assert np.array_equal(pairs.source, copies[0])
    assert np.array_equal(pairs.target, copies[1])


def test_batches_of_a_budget_of_tokens() -> None:
    pairs = example(500)
    batches = Seq2SeqBatches(pairs, 40, batch_tokens=60, seed=2)
    counts = []
    for epoch in range(3):
        of_epoch = list(batches.epoch(epoch))
        counts.append(len(of_epoch))
        assert sorted(np.concatenate([batch.rows for batch in of_epoch]).tolist()) == list(range(500))
        for batch in of_epoch:
            assert len(batch) == 1 or max(batch.source.size, batch.target_in.size) <= 60
            assert len(batch) <= 40
    assert counts == [len(batches)] * 3  # a resumed run finds its place
    fewest = sum(max(b.source.size, b.target_in.size) for b in of_epoch) / 60
    assert len(batches) < 1.6 * fewest
    orders = [batches.batch(epoch, 0).rows.tolist() for epoch in range(3)]
    assert orders[0] != orders[1]
    long = Seq2SeqBatches(pairs, 40, batch_tokens=1, shuffle=False)
    assert len(long) == 500


def test_what_cannot_be_batched() -> None:
    with pytest.raises(UsageError, match="batch_tokens has no effect here"):
        Seq2SeqBatches(example(3), 2, batch_tokens=9, bucket=False)
    empty = EncodedSeq2Seq(*[np.zeros(n, np.int32) for n in (0, 1, 0, 1)], start_id=0, end_id=1)
    with pytest.raises(DataError, match="no pairs"):
        Seq2SeqBatches(empty, 2)
    with pytest.raises(UsageError, match=r"batch_size .*got .*0"):
        Seq2SeqBatches(example(3), 0)
    with pytest.raises(IndexError, match="batch 2 of 2"):
        Seq2SeqBatches(example(3), 2).batch(0, 2)
    with pytest.raises(UsageError, match="got -1 and 0"):
        Seq2SeqBatches(example(3), 2).batch(-1, 0)
    with pytest.raises(ShapeError, match=r"expected offsets up to the end of the target ids \(3,\)"):
        EncodedSeq2Seq(*[np.zeros(n, np.int32) for n in (0, 1, 3, 1)], start_id=0, end_id=1)
    with pytest.raises(ShapeError, match="expected 0 targets, got 2"):
        EncodedSeq2Seq(*[np.zeros(n, np.int32) for n in (0, 1, 0, 3)], start_id=0, end_id=1)


# Sources alone


def test_sources_to_translate() -> None:
    made = encode_seq2seq(sources(TEXT), WS)
    rows = encode_texts(["c b\n", "a"], WS, made.source_vocabulary)
    ids, lengths = pad_batch(rows)
    assert ids.tolist() == [[1, 2], [0, PAD]]
    assert lengths.tolist() == [2, 1]
    assert ids.dtype == lengths.dtype == np.int32
    assert pad_batch(rows, reverse=True)[0].tolist() == [[2, 1], [0, PAD]]
    with pytest.raises(DataError, match="expected a text with a token"):
        encode_texts([" "], WS, made.source_vocabulary)
    with pytest.raises(DataError, match="no rows"):
        pad_batch([])


def test_a_row_alone_equals_its_row_in_a_batch() -> None:
    pairs = example(20)
    for batch in Seq2SeqBatches(pairs, 6, reverse=True).epoch(0):
        for i, row in enumerate(batch.rows):
            ids, lengths = pad_batch([pairs.source_ids(row)], reverse=True)
            assert ids[0].tolist() == batch.source[i, : lengths[0]].tolist()
