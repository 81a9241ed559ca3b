"""Every argument of gensim's Word2Vec acts, or is refused with the reason."""

from __future__ import annotations

import inspect
import logging
import re
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.vectors import Word2Vec
from seqkit.vectors.word2vec import model as module

GENSIM: dict[str, dict[str, Any]] = {
    "__init__": {
        "sentences": None, "corpus_file": None, "vector_size": 100, "alpha": 0.025, "window": 5,
        "min_count": 5, "max_vocab_size": None, "sample": 0.001, "seed": 1, "workers": 3,
        "min_alpha": 0.0001, "sg": 0, "hs": 0, "negative": 5, "ns_exponent": 0.75, "cbow_mean": 1,
        "hashfxn": hash, "epochs": 5, "null_word": 0, "trim_rule": None, "sorted_vocab": 1,
        "batch_words": 10_000, "compute_loss": False, "callbacks": (), "comment": None,
        "max_final_vocab": None, "shrink_windows": True,
    },
    "build_vocab": {
        "corpus_iterable": None, "corpus_file": None, "update": False, "progress_per": 10_000,
        "keep_raw_vocab": False, "trim_rule": None,
    },
    "build_vocab_from_freq": {
        "word_freq": inspect.Parameter.empty, "keep_raw_vocab": False, "corpus_count": None,
        "trim_rule": None, "update": False,
    },
    "train": {
        "corpus_iterable": None, "corpus_file": None, "total_examples": None, "total_words": None,
        "epochs": None, "start_alpha": None, "end_alpha": None, "word_count": 0, "queue_factor": 2,
        "report_delay": 1.0, "compute_loss": False, "callbacks": (),
    },
}  # fmt: skip
"""The arguments of gensim 4.4 and their defaults."""
DOCS = Path(__file__).parents[2] / "docs" / "keyed-vectors.md"
TEXT = [["b", "a", "b"], ["c", "a", "b", "d"], ["e", "a"]] * 30
SMALL: dict[str, Any] = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2}


def signature(cls: type, name: str) -> dict[str, Any]:
    parameters = list(inspect.signature(getattr(cls, name)).parameters.values())[1:]
    return {p.name: p.default for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize("name", GENSIM)
def test_arguments_their_order_and_defaults(name: str) -> None:
    ours = signature(Word2Vec, name)
    assert list(ours.items())[: len(GENSIM[name])] == list(GENSIM[name].items())


@pytest.mark.skipif(find_spec("gensim") is None, reason="gensim is not installed: its arguments are from 4.4")
@pytest.mark.parametrize("name", GENSIM)
def test_the_list_is_gensims(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gensim.models import Word2Vec as Theirs
    assert list(signature(Theirs, name).items()) == list(GENSIM[name].items())


@pytest.mark.parametrize("name", module._IDLE)
def test_what_has_no_effect_is_refused_and_in_the_table(name: str) -> None:
    default, reason, _ = module._IDLE[name]
    assert re.search(rf"`{name}`.*{re.escape(reason)}", DOCS.read_text(encoding="utf-8"))
    for value in (7, abs):
        with pytest.raises(UsageError, match=f"{name}=.* has no effect"):
            give(name, value)
    give(name, default)


def give(name: str, value: object) -> None:
    if name in GENSIM["train"]:
        Word2Vec(TEXT, **SMALL).train(TEXT, **{name: value})
    else:
        Word2Vec(**{name: value})


def only(word: str, decision: int | None) -> Any:
    return lambda each, count, min_count: decision if each == word else 0


def test_trim_rule() -> None:
    settings = SMALL | {"min_count": 31}
    kept = ["a", "b"]
    assert Word2Vec(TEXT, **settings).wv.index_to_key == kept
    assert Word2Vec(TEXT, **settings, trim_rule=only("d", 2)).wv.index_to_key == [*kept, "d"]
    assert Word2Vec(TEXT, **settings, trim_rule=only("d", None)).wv.index_to_key == kept
    assert Word2Vec(TEXT, **SMALL, trim_rule=only("a", 1)).wv.index_to_key == ["b", "c", "d", "e"]
    first = Word2Vec(TEXT, **SMALL, max_final_vocab=2, trim_rule=only("e", 2))
    assert first.wv.index_to_key == ["a", "e"]  # of a and b, as frequent, the first by name
    bounded = Word2Vec(TEXT, **SMALL, max_vocab_size=3, trim_rule=only("e", 2))
    assert bounded.wv.get_vecattr("e", "count") == 30
    counted = Word2Vec(**SMALL)
    counted.build_vocab_from_freq({"x": 3, "y": 2, "z": 1}, trim_rule=only("y", 1))
    assert counted.wv.index_to_key == ["x", "z"]
    with pytest.raises(UsageError, match=r"expected trim_rule to return 0 .*, got 'yes' for the word 'a'"):
        Word2Vec(TEXT, **SMALL, trim_rule=lambda *given: "yes" if given[0] == "a" else 0)


def test_the_rule_sees_word_count_and_min_count() -> None:
    seen = set()
    Word2Vec(TEXT, **SMALL, trim_rule=lambda *given: seen.add(given))
    assert seen == {("a", 90, 1), ("b", 90, 1), ("c", 30, 1), ("d", 30, 1), ("e", 30, 1)}


def test_sorted_vocab_comment_and_raw_vocab(tmp_path: Path) -> None:
    text = [["rare", "often", "often"], ["once", "often", "rare"]]
    assert Word2Vec(text, **SMALL).wv.index_to_key == ["often", "rare", "once"]
    model = Word2Vec(text, **SMALL, sorted_vocab=0, comment="of two lines")
    assert model.wv.index_to_key == ["rare", "often", "once"]
    model.save(tmp_path / "model.kv")
    again = Word2Vec.load(tmp_path / "model.kv")
    assert (again.comment, again.sorted_vocab) == ("of two lines", 0)
    assert again.wv.index_to_key == model.wv.index_to_key
    model = Word2Vec(**SMALL | {"min_count": 2})
    model.build_vocab(text, keep_raw_vocab=True)
    assert model.raw_vocab == {"rare": 2, "often": 3, "once": 1}
    assert model.wv.index_to_key == ["often", "rare"]


def test_a_file_of_another_program_is_named(tmp_path: Path) -> None:
    """gensim's save() writes a pickle: its first bytes are those of any pickle."""
    path = tmp_path / "gensim.model"
    path.write_bytes(b"\x80\x04\x95" + bytes(30))
    with pytest.raises(DataError, match=r"(?s)a Python pickle, .*export it once .*save_word2vec_format"):
        Word2Vec.load(path)
    path.write_text("2 3\neast 1 0 0\nnorth 0 1 0\n")
    with pytest.raises(DataError, match="expected a model, got vectors in the format word2vec, which cannot"):
        Word2Vec.load(path)


class Recorder:
    """A callback with gensim's methods."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda model: self.seen.append((name, len(model.epoch_losses)))


class Begin:
    """One that has a single method."""

    begun = 0

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self.begun += 1


def test_callbacks_with_gensims_methods() -> None:
    recorder, begin = Recorder(), Begin()
    expected = [("on_train_begin", 0)]
    for epoch in range(2):
        expected += [("on_epoch_begin", epoch), ("on_epoch_end", epoch + 1)]
    expected += [("on_train_end", 2)]
    model = Word2Vec(TEXT, **SMALL, callbacks=[recorder, begin])
    assert recorder.seen == expected
    assert begin.begun == 2
    losses: list[float] = []
    model.train(TEXT, epochs=1, callbacks=[lambda model, epoch, loss: losses.append(loss)])
    assert recorder.seen == expected  # those of the call take the place of the attribute's
    assert losses == model.epoch_losses[-1:]
    for wrong in (object(), None):
        with pytest.raises(UsageError, match="expected callbacks to be functions"):
            model.train(TEXT, callbacks=[wrong])
    with pytest.raises(UsageError, match="expected callbacks to be a list or tuple of callbacks, got 5"):
        model.train(TEXT, callbacks=5)  # type: ignore[arg-type]


def test_progress_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    text = [[f"w{i % 7}", f"w{i % 11}"] for i in range(30_000)]
    with caplog.at_level(logging.INFO, "seqkit"):
        model = Word2Vec(**SMALL)
        model.build_vocab(text, progress_per=10_000)
        model.train(text, report_delay=0.0)
    lines = caplog.messages
    assert [line for line in lines if "sentences" in line][:1] == ["counting words: 10,000 sentences"]
    assert sum("learning rate" in line for line in lines) >= 2
    assert [line.partition(":")[0] for line in lines if "mean loss" in line] == [
        "epoch 1 of 2",
        "epoch 2 of 2",
    ]


def test_a_logged_training_has_the_same_bits(caplog: pytest.LogCaptureFixture) -> None:
    quiet = Word2Vec(TEXT, **SMALL)
    with caplog.at_level(logging.INFO, "seqkit"):
        np.testing.assert_array_equal(Word2Vec(TEXT, **SMALL).wv.vectors, quiet.wv.vectors)
