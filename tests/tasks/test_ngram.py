"""n-gram models by sentence, and ARPA files: by hand, beside Kneser-Ney, and damaged."""

from __future__ import annotations

import copy
import gzip
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, RunError, SeqkitError, UsageError
from seqkit.models import NGramConfig, NGramModel, fit_kneser_ney
from seqkit.models.ngrams.model import LN10
from seqkit.models.ngrams.quantization import QuantizedArray
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.tasks.language_modeling.arpa import read_arpa, write_arpa
from tests.exhaustive import some
from tests.training.tiny import TINY, write_corpus

V, EOS = 7, 3

TOY = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.5
-0.8\t</s>
-0.6\tthe\t-0.3
-0.7\tcat\t-0.2

\\2-grams:
-0.2\t<s> the\t-0.1
-0.4\tthe cat\t-0.25
-0.3\tcat </s>
-0.9\tcat the

\\3-grams:
-0.1\t<s> the cat
-0.15\tthe cat </s>

\\end\\
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.arpa"
    path.write_text(TOY)
    return path


def fitted(order: int = 4, seed: int = 0, size: int = 400) -> NGramModel:
    ids = np.random.default_rng(seed).zipf(1.7, size) % V
    return fit_kneser_ney(ids, NGramConfig(V, order, EOS), dtype=np.float64)


def test_scores_by_hand(toy: Path) -> None:
    model = seqkit.NGram(toy)
    assert model.order == 3
    assert "cat" in model
    assert not {"dog", "<unk>", "<s>"} & {word for word in ("dog", "<unk>", "<s>") if word in model}
    assert list(model.full_scores("the cat")) == [(-0.2, 2, False), (-0.1, 3, False), (-0.15, 3, False)]
    assert model.score("the cat") == pytest.approx(-0.45)
    assert model.score("the cat", eos=False) == pytest.approx(-0.3)
    # Without <s>: the, unigram; the cat, bigram; the cat </s>, trigram.
    assert list(model.full_scores("the cat", bos=False)) == [
        (-0.6, 1, False),
        (-0.4, 2, False),
        (-0.15, 3, False),
    ]
    # cat: <s> has the weight -0.5; the: bigram cat the, and <s> cat is no n-gram, so it weighs nothing;
    # dog: <unk> behind "the" (-0.3), and behind "cat the", which is no context; </s> behind <unk>.
    expected = [-0.5 - 0.7, -0.9, -0.3 - 1.5, -0.8]
    assert [log10 for log10, _, _ in model.full_scores("cat the dog")] == pytest.approx(expected)
    assert [(n, oov) for _, n, oov in model.full_scores("cat the dog")] == [
        (1, False), (2, False), (1, True), (1, False),
    ]  # fmt: skip
    assert model.perplexity("the cat") == pytest.approx(10 ** (0.45 / 3))
    sentences = ["the cat", "", "cat the dog", "dog"]
    for further in ([], ["the\ncat"], ["the <eos> cat"], ["the </s> cat"]):
        lines = [*sentences, *further, "the"]
        np.testing.assert_allclose(model.scores(lines), [model.score(each) for each in lines])
    assert len(model.scores([])) == 0
    assert model.score("") == pytest.approx(-0.5 - 0.8)


@pytest.mark.parametrize("bos", [True, False])
def test_word_by_word_equals_the_sentence(toy: Path, tmp_path: Path, bos: bool) -> None:
    corpus = str(write_corpus(tmp_path / "text.txt"))
    paths = [toy]
    for order in (1, 2, 4):
        settings = LanguageModelSettings(corpus=corpus, model="kneser-ney", order=order, vocab_size=12)
        paths.append(train(settings, tmp_path / f"run-{order}").run.path)
    for path in paths:
        model = seqkit.NGram(path)
        for line in ("the cat", "the cat sat on a zebra", "", "dog dog the"):
            state, after = seqkit.NGramState(), seqkit.NGramState()
            (model.BeginSentenceWrite if bos else model.NullContextWrite)(state)
            for word, expected in zip([*line.split(), "</s>"], model.full_scores(line, bos=bos), strict=True):
                before = copy.copy(state)
                found = model.BaseFullScore(state, word, after)
                assert found == pytest.approx(expected, rel=1e-12)
                assert (state == before, hash(state)) == (True, hash(before))
                assert model.BaseScore(before, word, before) == found.log_prob  # in place
                assert before == after
                state, after = after, state
    large, small = seqkit.NGram(paths[-1]), seqkit.NGram(toy)
    state = seqkit.NGramState()
    large.BeginSentenceWrite(state)
    for other in (seqkit.NGramState(), state):
        with pytest.raises(UsageError, match="expected a state of this model, got another one"):
            small.BaseScore(other, "the", seqkit.NGramState())
    with pytest.raises(UsageError, match="expected a string, got None"):
        large.BaseScore(state, None, state)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="expected a string, got None"):
        seqkit.NGram(toy).score(None)  # type: ignore[arg-type]
    assert all("</s>" in seqkit.NGram(path) for path in paths)


def test_words_are_read_in_the_form_of_the_run(tmp_path: Path) -> None:
    corpus = tmp_path / "text.txt"
    corpus.write_text("The caf\u00e9 closed\nthe caf\u00e9 is open\n" * 30, encoding="utf-8")
    settings = LanguageModelSettings(
        corpus=str(corpus), model="kneser-ney", order=2, tokenizer="whitespace", lowercase=True
    )
    model = seqkit.NGram(train(settings, tmp_path / "run").run.path)
    for line in ("The CAF\u00c9 closed", "the cafe\u0301 is Open"):
        state = seqkit.NGramState()
        model.BeginSentenceWrite(state)
        found = sum(model.BaseScore(state, word, state) for word in [*line.split(), "</s>"])
        assert found == pytest.approx(model.score(line))
        assert all(word in model for word in line.split())
    assert "zebra" not in model
    assert 3 not in model


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_kneser_ney_as_a_file(order: int, tmp_path: Path) -> None:
    model = fitted(order)
    ids = np.append(np.random.default_rng(5).integers(0, V, 300), EOS)
    expected = model.log_probs(ids)
    words = [*"abc", "</s>", *"def"]
    write_arpa(tmp_path / "m.arpa.gz", model, words)
    again, read = read_arpa(tmp_path / "m.arpa.gz")
    assert sorted(read) == sorted([*words, "<unk>"])
    moved = np.array([read.index(word) for word in words])
    np.testing.assert_allclose(again.log_probs(moved[ids]), expected, rtol=1e-7)


def test_decoding_equals_scoring() -> None:
    made = fitted(4)
    state = made.start(1)
    ids = [EOS, *np.random.default_rng(6).integers(0, V, 60).tolist()]
    expected = made.log_probs(np.array(ids[1:]))
    for t, (i, after) in enumerate(itertools.pairwise(ids)):
        log_probs, state = made.step(np.array([i]), state)
        assert np.exp(log_probs).sum() == pytest.approx(1)
        assert log_probs[0, after] == pytest.approx(expected[t])
    found, _ = made.prefill(np.array([ids[:20]]), made.start(1))
    assert found[0, ids[20]] == pytest.approx(expected[19])


def test_a_run_and_its_file(tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "text.txt"))
    run = train(
        LanguageModelSettings(corpus=corpus, model="kneser-ney", order=3, vocab_size=12), tmp_path / "run"
    )
    model = seqkit.NGram(tmp_path / "run")
    model.save_arpa(tmp_path / "m.arpa")
    again = seqkit.NGram(tmp_path / "m.arpa")
    lines = ["the cat sat on a zebra", "", "the dog"]
    for line, score in zip(lines, run.score(lines), strict=True):
        assert model.score(line) * LN10 == pytest.approx(score.log_prob)
        assert again.score(line) == pytest.approx(model.score(line), rel=1e-7)
        assert sum(oov for _, _, oov in again.full_scores(line)) == score.unknown
    assert model.scores(lines) == pytest.approx(again.scores(lines), rel=1e-7)
    for further in ("the\ncat", "the <eos> cat", "the </s> cat"):
        assert model.scores([*lines, further])[-1] == pytest.approx(model.score(further))
    tiny = train(LanguageModelSettings(**{**TINY, "corpus": corpus}), tmp_path / "lstm")
    with pytest.raises(RunError, match="expected a run of Kneser-Ney, got one of lstm"):
        seqkit.NGram(tiny.run.path)
    characters = LanguageModelSettings(corpus=corpus, model="kneser-ney", order=3, tokenizer="char")
    train(characters, tmp_path / "char")
    with pytest.raises(UsageError, match="expected words without blanks, got"):
        seqkit.NGram(tmp_path / "char").save_arpa(tmp_path / "c.arpa")
    assert not (tmp_path / "c.arpa").exists()


def test_settings_of_counts_reach_the_model(tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "text.txt"))

    def fit(name: str, **settings: Any) -> NGramModel:
        chosen = LanguageModelSettings(
            corpus=corpus, model="kneser-ney", order=3, tokenizer="whitespace", **settings
        )
        model = train(chosen, tmp_path / name).model
        assert isinstance(model, NGramModel)
        return model

    plain = fit("plain")
    assert plain.log10_probs[1].dtype == np.float32
    assert fit("double", bits=64).log10_probs[1].dtype == np.float64
    assert isinstance(fit("small", bits=8).log10_probs[2], QuantizedArray)
    pruned = fit("pruned", prune="0 0 2", memory="1M")
    assert pruned.trie.size(2) == plain.trie.size(2)
    assert pruned.trie.size(3) < plain.trie.size(3)
    fallback = fit("fallback", discount_fallback="0.1, 0.2, 0.3")
    assert not np.array_equal(fallback.log10_probs[0], plain.log10_probs[0], equal_nan=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bits": 1}, "expected bits from 2 to 16, 32 or 64, got 1"),
        ({"bits": 17}, "expected bits from 2 to 16, 32 or 64, got 17"),
        ({"prune": "x"}, "expected prune to be whole numbers such as '0 0 1', got 'x'"),
        ({"prune": "0 2 1"}, "that do not fall"),
        ({"prune": "0 0 0 1", "order": 3}, "expected at most 3 numbers to prune by"),
        ({"prune": "1 1"}, "for single words, to be 0"),
        ({"discount_fallback": "0.5 1"}, "to fall back to"),
        ({"discount_fallback": "a b c"}, "expected discount_fallback to be numbers"),
        ({"memory": "100"}, "expected memory to be a size of at least 1M, such as 2G, got '100'"),
        ({"memory": "-2G"}, "expected memory to be a size"),
        ({"memory": "2 apples"}, "expected memory to be a size"),
    ],
)
def test_settings_of_counts_out_of_range(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LanguageModelSettings(model="kneser-ney", **settings)


def test_pruned_contexts_and_files_of_other_tools(tmp_path: Path) -> None:
    """Without the bigram "<s> the", whose weight is 0 then; without <unk>; blanks for tabs; gzip; CRLF."""
    text = TOY.replace("-0.2\t<s> the\t-0.1\n", "").replace("ngram 2=4", "ngram 2=3")
    text = text.replace("-1.5\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4").replace("\t", " ")
    path = tmp_path / "pruned.arpa.gz"
    path.write_bytes(gzip.compress(text.replace("\n", "\r\n").encode()))
    model = seqkit.NGram(path)
    # the: <s> -0.5, unigram -0.6; cat: the trigram is still there.
    assert list(model.full_scores("the cat")) == [(-0.5 - 0.6, 1, False), (-0.1, 3, False), (-0.15, 3, False)]
    assert model.score("dog", bos=False, eos=False) == -100
    other = tmp_path / "upper.arpa"
    other.write_text(TOY.replace("<unk>", "<UNK>"))
    assert seqkit.NGram(other).score("dog", bos=False, eos=False) == -1.5
    rewritten = tmp_path / "again.arpa"
    model.save_arpa(rewritten)
    assert seqkit.NGram(rewritten).score("the cat cat") == pytest.approx(model.score("the cat cat"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("\\data\\", "\\date\\"), r"line 1: expected \\data\\"),
        (("ngram 1=5", "ngram 1=6"), "expected 6 1-grams, got 5"),
        (("ngram 2=4", "ngram 2=3"), r"expected \\3-grams:, got '-0.9"),
        (("ngram 3=2", "ngram 4=2"), "expected the number of 3-grams"),
        (("ngram 1=5", "ngram 1=999999999999"), "expected at most"),
        (("-0.6\tthe", "-0.6\tcat"), "the word 'cat' stands there twice"),
        (("-0.4\tthe cat", "-0.4\tthe dog"), "line 15: expected a word of the 1-grams, got 'dog'"),
        (("-0.4\tthe cat", "0.4\tthe cat"), "expected a log10 probability of at most 0"),
        (("-0.4\tthe cat", "nan\tthe cat"), "expected a log10 probability of at most 0"),
        (("-0.4\tthe cat", "x\tthe cat"), "expected numbers"),
        (("-0.1\t<s> the cat", "-0.1\t<s> the"), "expected a probability, 3 word"),
        (("-0.1\t<s> the cat", "-0.1\t<s> the cat\t-1"), "expected a probability, 3 word"),
        (("the cat </s>", "<s> the cat"), "the 3-gram '<s> the cat' stands there twice"),
        (("cat the\n", "cat <s>\n"), "expected a word of the 1-grams, got '<s>'"),
        (("-99\t<s>\t-0.5\n", "-99\tx\n"), "expected the 1-grams <s> and </s>"),
        (("\\end\\", ""), r"expected \\end\\, got the end"),
    ],
)
def test_damaged_files(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.arpa"
    assert TOY.count(change[0]) >= 1
    path.write_text(TOY.replace(*change, 1))
    with pytest.raises(SeqkitError, match=said):
        seqkit.NGram(path)


def test_every_cut_and_flip_is_an_error_or_a_model(tmp_path: Path) -> None:
    path = tmp_path / "bad.arpa"
    data = TOY.encode()
    for cut in some(range(len(data) - 6), 5):
        path.write_bytes(data[:cut])
        with pytest.raises((DamagedFileError, SeqkitError)):
            seqkit.NGram(path)
    for place in some(range(len(data)), 5):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            score = seqkit.NGram(path).score("the cat")
        except SeqkitError:
            continue
        assert math.isfinite(score)
        assert score <= 10  # weights may exceed 1, so that sums may
