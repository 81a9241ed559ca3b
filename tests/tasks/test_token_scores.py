"""Scores of tokens, of a run and of a GPT-2's folder, against the whole distribution read anew."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.models import LanguageModel, LanguageModelConfig, NGramConfig, fit_kneser_ney
from seqkit.tasks.causal_checkpoints import CausalCheckpoint, _paragraphs, load
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.tasks.language_modeling.scoring import token_scores
from tests.tasks.test_causal_checkpoints import END, LONGEST, TOKENS, folder  # noqa: F401
from tests.text.test_checkpoint_tokenizers import merges_folder
from tests.training.tiny import TINY, write_corpus

V = 11


def by_hand(model: Any, row: np.ndarray, start: int) -> list[tuple[float, int]]:
    """Each row alone, and ranks by sorting."""
    state, before, found = model.start(1), start, []
    for i in row.tolist():
        log_probs, state = model.step(np.array([before]), state)
        more = [p for p in log_probs[0].tolist() if p > log_probs[0, i]]
        found.append((float(log_probs[0, i]), 1 + len(more)))
        before = i
    return found


@pytest.mark.parametrize("name", ["lstm", "kneser-ney"])
def test_rows_of_any_length_score_as_alone(name: str) -> None:
    random = np.random.default_rng(0)
    if name == "lstm":
        config = LanguageModelConfig(V, embedding_size=5, hidden_size=7, init_range=1.0)
        model: Any = LanguageModel(config, generator=0).eval()
    else:
        model = fit_kneser_ney(random.integers(0, V, 300), NGramConfig(V, eos_id=0, order=3))
    rows = [random.integers(0, V, n) for n in (3, 0, 7, 1, 7, 2)]
    starts = [0, 0, 3, 4, 0, 1]
    found = token_scores(model, rows, starts)
    for row, start, scores in zip(rows, starts, found, strict=True):
        expected = by_hand(model, row, start)
        assert [each.rank for each in scores] == [rank for _, rank in expected]
        assert [each.log_prob for each in scores] == pytest.approx([x for x, _ in expected], rel=1e-4)
    assert token_scores(model, [], []) == []


@pytest.mark.parametrize("model", ["lstm", "transformer", "kneser-ney"])
def test_tokens_of_a_run(model: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"vocab_size": 10}
    if model == "lstm":
        settings |= TINY
    elif model == "transformer":
        settings |= {
            "max_steps": 3,
            "embedding_size": 8,
            "num_heads": 2,
            "num_layers": 1,
            "context_length": 6,
        }
    corpus = str(write_corpus(tmp_path / "text.txt"))
    run = train(LanguageModelSettings(corpus=corpus, model=model, **settings), tmp_path / "run")
    lines = ["the cat sat on a zebra", "", "dog", "the big red dog ran to the house and the cat sat"] * 20
    unk = run.vocabulary.unk_id
    for line, whole, tokens in zip(lines, run.score(lines), run.score_tokens(lines), strict=True):
        texts = [*run.tokenizer.tokenize(line), run.tokenizer.end_of_line]
        assert [each.token for each in tokens] == texts
        assert sum(each.log_prob for each in tokens) == pytest.approx(whole.log_prob, rel=1e-4)
        assert sum(each.unknown for each in tokens) == whole.unknown
        assert [each.unknown for each in tokens] == [run.vocabulary.id(text) == unk for text in texts]
        for each in tokens:
            assert 2**-each.surprisal == pytest.approx(math.exp(each.log_prob))
    with pytest.raises(UsageError):
        run.score_tokens("the cat")


def test_lines_of_kneser_ney_score_as_alone() -> None:
    """They are concatenated, since each ends where the next begins."""
    from seqkit.tasks.language_modeling.evaluation import line_losses

    random = np.random.default_rng(1)
    model = fit_kneser_ney(random.integers(0, V, 300), NGramConfig(V, eos_id=0, order=3))
    lines = [np.append(random.integers(1, V, n), 0) for n in (4, 0, 1, 9)]
    for line, losses in zip(lines, line_losses(model, lines, 0), strict=True):
        np.testing.assert_array_equal(losses, -model.log_probs(line))


# A folder of a GPT-2


def losses_of(made: CausalCheckpoint, ids: list[int]) -> list[float]:
    """-log P of each id but the first, with the whole text before it."""
    scores = made.model([ids[:-1]]).data[0].astype(np.float64)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return [-float(scores[t, i]) for t, i in enumerate(ids[1:])]


def test_lines_of_a_folder(folder: Path) -> None:  # noqa: F811
    made = load(folder)
    lines = ["low lower", "low", "wool low"]
    for line, whole, tokens in zip(lines, made.score(lines), made.score_tokens(lines), strict=True):
        expected = losses_of(made, [END, *made.tokenizer.encode([line])[0]])
        assert whole.log_prob == pytest.approx(-sum(expected), rel=1e-4)
        assert (whole.tokens, whole.unknown) == (len(expected), 0)
        assert whole.perplexity == pytest.approx(math.exp(sum(expected) / len(expected)), rel=1e-4)
        assert [-each.log_prob for each in tokens] == pytest.approx(expected, rel=1e-4)
        assert "".join(each.token for each in tokens) == line
    merges_folder(folder, *TOKENS[:-1])  # no token that begins a text
    made = load(folder)
    ids = made.tokenizer.encode(["low lower"])[0]
    [whole], [tokens] = made.score(["low lower"]), made.score_tokens(["low lower"])
    assert whole.log_prob == pytest.approx(-sum(losses_of(made, ids)), rel=1e-4)
    assert whole.tokens == len(tokens) == len(ids) - 1
    [short], [none] = made.score(["low"]), made.score_tokens(["low"])
    assert (short.log_prob, short.tokens, none) == (0, 0, [])


def test_the_perplexity_of_a_folder(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    made = load(folder)
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text("low lower\n\n woo\nlow")
    text = "low lower\n\n woo\nlow\n"
    ids = made.tokenizer.encode([text], special_tokens=False)[0]
    assert len(ids) > LONGEST
    blocks = [ids[i : i + LONGEST] for i in range(0, len(ids), LONGEST)]
    firsts = [END, *(ids[i - 1] for i in range(LONGEST, len(ids), LONGEST))]
    total = sum(sum(losses_of(made, [f, *block])) for f, block in zip(firsts, blocks, strict=True))
    found = made.evaluate("valid", corpus=str(tmp_path), protocol="blocks")
    assert found.predictions == len(ids)
    assert found.loss == pytest.approx(total / len(ids), rel=1e-4)
    assert found.bits_per_character == pytest.approx(total / math.log(2) / len(text), rel=1e-4)
    exact = made.evaluate("valid", corpus=str(tmp_path))
    half = LONGEST // 2
    assert len(ids) <= LONGEST + half
    head = losses_of(made, [END, *ids[:LONGEST]])
    rest = losses_of(made, ids[half - 1 :])  # the second window begins with the last half of the first
    expected = sum(head) + sum(rest[half:])
    assert exact.loss * len(ids) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(DataError):
        made.evaluate("dev", corpus=str(tmp_path))


def test_pieces_of_a_text_are_cut_as_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    tokenizer = load(folder).tokenizer
    source = np.random.default_rng(2)
    lines = ["".join(source.choice(list("lower  "), n)) for n in source.integers(0, 9, 400)]
    monkeypatch.setattr("seqkit.tasks.causal_checkpoints._PIECE", 30)
    pieces = list(_paragraphs(lines))
    assert len(pieces) > 20
    assert "".join(pieces) == "".join(line + "\n" for line in lines)
    whole = tokenizer.encode(["".join(pieces)], special_tokens=False)[0]
    assert [i for ids in tokenizer.encode(pieces, special_tokens=False) for i in ids] == whole


def test_lines_that_hold_the_end_of_line(tmp_path: Path) -> None:
    """Lines of n-grams are scored as one stream unless one of them would end it."""
    corpus = str(write_corpus(tmp_path / "text.txt"))
    settings = LanguageModelSettings(corpus=corpus, model="kneser-ney", order=3, tokenizer="whitespace")
    run = train(settings, tmp_path / "run")
    lines = ["the cat sat", "the <eos> cat", "a dog\nran", "", "dog"]
    for line, score in zip(lines, run.score(lines), strict=True):
        tokens = next(iter(run.score_tokens([line])))
        assert score.log_prob == pytest.approx(sum(each.log_prob for each in tokens))
        assert score.tokens == len(tokens)
        alone = next(iter(run.score([line])))
        assert score.log_prob == pytest.approx(alone.log_prob, rel=1e-14)
        assert (score.tokens, score.unknown) == (alone.tokens, alone.unknown)
