"""Objects whose docstrings say that threads may share them: eight threads get the answers of one."""

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit import nn, text
from seqkit.models.ngrams import NGramModel
from seqkit.tasks import (
    causal_checkpoints,
    embeddings,
    image_classification,
    language_modeling,
    masked_language_modeling,
    sentence_encoding,
    seq2seq,
    text_classification,
)
from seqkit.vectors import load_vectors, save_vectors
from seqkit.vectors.approximate import ApproximateIndex
from seqkit.vectors.fasttext import SubwordVectors
from tests.tasks.test_image_classification import trained as trained_images
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import trained as trained_seq2seq
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_text_classification import trained as trained_classifier
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import TINY, write_corpus

THREADS, ROUNDS = 8, 6

SHARED = [
    seqkit.KeyedVectors, SubwordVectors, ApproximateIndex, seqkit.Vocabulary, NGramModel, nn.Module,
    text.Tokenizer, text.WordTokenizer, text.CharTokenizer, text.WhitespaceTokenizer,
    text.SubwordTokenizer, text.BpeTokenizer, text.WordPieceTokenizer,
    sentence_encoding.SentenceEncoder, causal_checkpoints.CausalCheckpoint,
    embeddings.TrainedEmbeddings, image_classification.TrainedImageClassifier,
    language_modeling.TrainedLanguageModel, masked_language_modeling.TrainedMaskedLanguageModel,
    seq2seq.TrainedSeq2Seq, text_classification.TrainedTextClassifier,
]  # fmt: skip
NOT_SHARED = [seqkit.Word2Vec, seqkit.Generator]


@pytest.mark.parametrize("shared", SHARED, ids=lambda shared: shared.__name__)
def test_docstrings_say_that_threads_may_share(shared: type) -> None:
    assert "Threads may share" in " ".join((inspect.getdoc(shared) or "").split())


@pytest.mark.parametrize("single", NOT_SHARED, ids=lambda single: single.__name__)
def test_docstrings_say_that_threads_may_not_share(single: type) -> None:
    assert "Threads may not share" in " ".join((inspect.getdoc(single) or "").split())


def in_threads(call: Callable[[int], Any]) -> None:
    """Compare what eight threads get, each with arguments of its own, to what one gets."""
    expected = [call(i) for i in range(THREADS)]

    def work(i: int) -> None:
        for _ in range(ROUNDS):
            found = call(i)
            if isinstance(found, np.ndarray):  # sums of another order, where the pool of threads is taken
                np.testing.assert_allclose(found, expected[i], rtol=1e-4, atol=1e-5)
            else:
                assert found == expected[i]

    with ThreadPoolExecutor(THREADS) as pool:
        for finished in [pool.submit(work, i) for i in range(THREADS)]:
            finished.result()


@pytest.mark.parametrize("mapped", [False, True], ids=["in memory", "mapped file"])
def test_vectors(mapped: bool, tmp_path: Path) -> None:
    vectors = seqkit.KeyedVectors(16)
    keys = [f"w{i}" for i in range(3000)]
    vectors.add_vectors(keys, np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32))
    expected = [vectors.most_similar(keys[i], topn=5) for i in range(THREADS)]
    if mapped:
        save_vectors(vectors, tmp_path / "v.safetensors")
        vectors = load_vectors(tmp_path / "v.safetensors")  # keys and norms are made by whoever comes first

    def work(i: int) -> None:
        for _ in range(ROUNDS):
            found = vectors.most_similar(keys[i], topn=5)
            assert [key for key, _ in found] == [key for key, _ in expected[i]]
            assert keys[i] in vectors
            assert vectors.key_to_index[keys[i]] == i

    with ThreadPoolExecutor(THREADS) as pool:
        for finished in [pool.submit(work, i) for i in range(THREADS)]:
            finished.result()


@pytest.mark.parametrize("name", ["word", "char", "whitespace", "bpe", "wordpiece"])
def test_tokenizers(name: str, tmp_path: Path) -> None:
    if name in ("bpe", "wordpiece"):
        pytest.importorskip("tokenizers")
    lines = write_corpus(tmp_path / "text.txt").read_text().splitlines()
    learned_from: Any = {"lines": lambda: lines} if name in ("bpe", "wordpiece") else {}
    tokenizer: Any = text.get_tokenizer(name, **learned_from)
    in_threads(lambda i: [tokenizer.tokenize(line) for line in lines[i::THREADS]])
    if name in ("bpe", "wordpiece"):
        in_threads(lambda i: tokenizer.encode(lines[i::THREADS], max_length=2 + i))
        in_threads(lambda i: tokenizer.for_model(2 + i).tokenize_block("\n".join(lines[i::THREADS])))


@pytest.mark.parametrize("model", ["lstm", "transformer", "kneser-ney"])
def test_language_models(model: str, tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "text.txt"))
    options: dict[str, Any] = {"tokenizer": "word"} if model == "kneser-ney" else {**TINY, "epochs": 1}
    if model == "transformer":
        options = {name: value for name, value in options.items() if name not in ("bptt", "hidden_size")}
        options |= {"num_heads": 2, "num_layers": 1, "context_length": 8}
    settings = language_modeling.LanguageModelSettings(corpus=corpus, model=model, **options)
    run = language_modeling.train(settings, tmp_path / "run")
    lines = ["the cat sat", "a dog ran on the mat", "big red house"]
    in_threads(lambda i: np.array([score.log_prob for score in run.score(lines[i % 3 :])]))
    in_threads(lambda i: [sample.text for sample in run.generate("the", max_new_tokens=6, seed=i)])


def test_classifiers_and_translators(tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.tsv", 60)
    classifier = trained_classifier(reviews, tmp_path / "classifier", epochs=1)
    texts = ["the film is good", "bad plot", "a great actor with the awful film"]
    in_threads(lambda i: classifier.log_probs(texts[i % 3 :]))
    translator = trained_seq2seq(write_pairs(tmp_path / "pairs.tsv"), tmp_path / "translator", epochs=1)
    words = ["abc", "de", "bade"]
    in_threads(lambda i: [each[0].text for each in translator.translate(words[i % 3 :], beam=1 + i % 2)])
    images = trained_images(write_stripes(tmp_path / "stripes", 30), tmp_path / "images", epochs=1)
    data = np.random.default_rng(1).integers(0, 255, (4, 10, 10, 1), np.uint8)
    in_threads(lambda i: images.log_probs(data[i % 3 :]))
