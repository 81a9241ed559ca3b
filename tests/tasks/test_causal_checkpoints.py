"""Text from a GPT-2's folder: by hand, as the model says step by step, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import RunError, UsageError
from seqkit.models import TransformerLanguageModel, TransformerLanguageModelConfig, gpt2
from seqkit.tasks.causal_checkpoints import load
from tests.models.folders import write_bert
from tests.text.test_checkpoint_tokenizers import LETTERS, PAIRS, merges_folder

pytest.importorskip("tokenizers")

TOKENS = [*LETTERS, *map("".join, PAIRS), "<|endoftext|>"]
END = len(TOKENS) - 1
LONGEST = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A GPT-2 of random weights, with two vectors more than there are tokens."""
    config = TransformerLanguageModelConfig(
        len(TOKENS) + 2, embedding_size=12, num_layers=1, num_heads=3, max_length=LONGEST, init_std=1.0
    )
    gpt2.save(TransformerLanguageModel(config, generator=Generator(2)), tmp_path / "gpt2")
    return merges_folder(tmp_path / "gpt2")


def greedily(folder: Path, ids: list[int], count: int) -> list[int]:
    """The likeliest ids one after another, the whole text read anew for each; vectors without a token left
    out.
    """
    model = gpt2.load(folder)
    for _ in range(count):
        ids = [*ids, int(model([ids]).data[0, -1, : len(TOKENS)].argmax())]
    return ids


def test_the_likeliest_text(folder: Path) -> None:
    made = load(folder)
    ids = made.tokenizer.encode(["low lower"])[0]
    [found] = made.generate("low lower", max_new_tokens=4, temperature=0, stop=[])
    assert found.text == made.tokenizer.decode(greedily(folder, ids, 4), special_tokens=True)
    assert found.text.startswith("low lower")
    [found] = made.generate(max_new_tokens=4, temperature=0, stop=[])  # from nothing
    assert found.text == made.tokenizer.decode(greedily(folder, [END], 4)[1:], special_tokens=True)
    model = gpt2.load(folder)
    scores = model([ids]).data[0, -1].astype(np.float64)
    [one] = made.generate("low lower", max_new_tokens=1, temperature=0, stop=[])
    assert one.log_prob == pytest.approx(scores[: len(TOKENS)].max() - np.log(np.exp(scores).sum()), abs=1e-4)


def test_a_text_ends_where_it_is_told(folder: Path) -> None:
    made = load(folder)
    [free] = made.generate("low", max_new_tokens=1, temperature=0, stop=[])
    likeliest = made.tokenizer.decode(greedily(folder, [TOKENS.index("low")], 1)[1:], special_tokens=True)
    for stop in (likeliest, TOKENS[greedily(folder, [TOKENS.index("low")], 1)[1]]):
        [found] = made.generate("low", max_new_tokens=3, temperature=0, stop=[stop])
        assert (found.stopped, found.text) == (True, "low")
    assert not free.stopped
    config = json.loads((folder / "config.json").read_text())
    assert made.end_id == END
    for said, end in ((3, 3), (99, END), ([3], 3), ([5, 3], 5)):
        (folder / "config.json").write_text(json.dumps({**config, "eos_token_id": said}))
        assert load(folder).end_id == end


def test_seeds_samples_and_long_texts(folder: Path) -> None:
    made = load(folder)
    settings = {"max_new_tokens": 3 * LONGEST, "num_samples": 3, "top_k": 5, "stop": []}
    texts = [one.text for one in made.generate("low " * LONGEST, seed=1, **settings)]
    assert texts == [one.text for one in made.generate("low " * LONGEST, seed=1, **settings)]
    assert texts != [one.text for one in made.generate("low " * LONGEST, seed=2, **settings)]
    assert len(set(texts)) == 3
    assert all(text.startswith("low " * LONGEST) for text in texts)


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    made = load(folder)
    with pytest.raises(UsageError, match=r"expected stop to be single tokens of this model, got 'low low'"):
        made.generate("low", stop=["low low"])
    with pytest.raises(RunError, match="bert has no causal head"):
        load(write_bert(tmp_path / "bert"))
    merges_folder(folder, *TOKENS, "a", "b", "c")
    with pytest.raises(RunError, match=r"expected a tokenizer with at most 15 tokens, .* got 16"):
        load(folder)
    merges_folder(folder, *TOKENS[:-1])
    with pytest.raises(
        UsageError, match="expected a prompt, since the model has no token to begin a text with"
    ):
        load(folder).generate()
    (folder / "merges.txt").unlink()
    with pytest.raises(RunError, match=r"merges.txt is missing"):
        load(folder)
