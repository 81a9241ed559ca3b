"""Sentence vectors: pooling by hand, order, batches, and what a folder may say."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.tasks.sentence_encoding import SentenceEncoder, load
from tests.models.folders import TOKENS, VECTORS, hidden_of, write_bert, write_modules

pytest.importorskip("tokenizers")

TEXTS = ["up down up", "", "down", "Ups up", "down down down up"]


def by_hand(*tokens: str) -> np.ndarray:
    """The hidden states (T, E) of a text, special tokens around it."""
    return hidden_of(VECTORS[[TOKENS.index(token) for token in ("[CLS]", *tokens, "[SEP]")]])


HIDDEN = [
    by_hand("up", "down", "up"),
    by_hand(),
    by_hand("down"),
    by_hand("up", "##s", "up"),
    by_hand("down", "down", "down", "up"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert")


def test_the_mean_over_tokens_by_hand(folder: Path, gpu: str) -> None:
    expected = [hidden.mean(axis=0) for hidden in HIDDEN]
    for device in (None, gpu):
        encoder = load(folder, device=device)
        assert (encoder.dimensions, encoder.max_length) == (4, 11)
        for batch_size in (1, 2, 32):
            found = encoder.encode(TEXTS, batch_size=batch_size)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert encoder.encode([]).shape == (0, 4)


@pytest.mark.parametrize(
    ("poolings", "expected"),
    [
        (["cls_token"], lambda h: h[0]),
        (["max_tokens"], lambda h: h.max(axis=0)),
        (["mean_tokens", "cls_token"], lambda h: np.concatenate((h[0], h.mean(axis=0)))),
    ],
)
def test_pooling_as_the_folder_says(folder: Path, gpu: str, poolings: list[str], expected: Any) -> None:
    write_modules(folder, *poolings)
    for device in (None, gpu):
        found = load(folder, device=device).encode(TEXTS)
        np.testing.assert_allclose(found, [expected(hidden) for hidden in HIDDEN], atol=1e-6)


def test_normalisation_as_the_folder_says(folder: Path) -> None:
    plain = load(folder).encode(TEXTS)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    encoder = load(write_modules(folder, "mean_tokens", normalize=True))
    assert "mean pooling, normalised, 11 tokens" in repr(encoder)
    np.testing.assert_allclose(encoder.encode(TEXTS), plain / lengths, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS, normalize=False), plain, atol=1e-6)


def test_long_texts_are_cut_and_letters_made_small(folder: Path) -> None:
    write_modules(folder, "mean_tokens", max_seq_length=4, do_lower_case=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    found = load(folder).encode(["UP down up", "up down"])
    np.testing.assert_array_equal(found[0], found[1])
    assert load(write_modules(folder, "cls_token", max_seq_length=10_000)).max_length == 11


def test_parts_in_folders_of_their_own(folder: Path) -> None:
    own = folder / "0_Transformer"
    own.mkdir()
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (folder / name).rename(own / name)
    listed = json.loads((write_modules(folder, "mean_tokens") / "modules.json").read_text())
    listed[0]["path"] = own.name
    (folder / "modules.json").write_text(json.dumps(listed))
    np.testing.assert_allclose(load(folder).encode(["down"])[0], HIDDEN[2].mean(axis=0), atol=1e-6)


def test_the_nearest_texts(folder: Path) -> None:
    encoder = load(folder)
    vectors = encoder.encode(TEXTS, normalize=True).astype(np.float64)
    cosines = vectors @ vectors.T
    found = encoder.nearest(TEXTS, TEXTS, count=3)
    for row, near in enumerate(found):
        assert near[0].index == row
        assert near[0].similarity == pytest.approx(1, abs=1e-6)
        assert [one.text for one in near] == [TEXTS[one.index] for one in near]
        best = sorted(cosines[row], reverse=True)[:3]
        np.testing.assert_allclose([one.similarity for one in near], best, atol=1e-6)
    for copies in range(2, 20):  # the products of equal vectors may differ by rounding
        equal = encoder.nearest(["down"], ["up", *["down"] * copies], count=copies + 1)[0]
        assert [one.index for one in equal] == [*range(1, copies + 1), 0]


def test_one_text_has_one_vector(folder: Path) -> None:
    encoder = load(folder)
    one = encoder.encode("up down")
    assert one.shape == (encoder.dimensions,)
    np.testing.assert_array_equal(one, encoder.encode(["up down"])[0])


def test_what_is_asked_wrongly(folder: Path) -> None:
    encoder = load(folder)
    for call, said in (
        (lambda: encoder.encode(b"up"), "expected texts to be a list of strings"),
        (lambda: encoder.nearest("up", ["down"]), "expected texts to be a list of strings"),
        (lambda: encoder.encode(["up"], batch_size=0), "expected batch_size to be at least 1"),
        (lambda: encoder.nearest(["up"], []), "expected texts to search, got none"),
        (lambda: encoder.nearest(["up"], ["up"], 0), "expected count to be at least 1"),
    ):
        with pytest.raises(UsageError, match=said):
            call()


def test_folders_that_do_not_fit(folder: Path) -> None:
    with pytest.raises(RunError, match="pooling lasttoken, expected one of cls, mean, max"):
        load(write_modules(folder, "lasttoken"))
    with pytest.raises(RunError, match="pooling not given"):
        load(write_modules(folder))
    with pytest.raises(
        RunError,
        match="expected max_seq_length to be an integer of at least 1 or null, got the string 'many'",
    ):
        load(write_modules(folder, "mean_tokens", max_seq_length="many"))
    (folder / "sentence_bert_config.json").unlink()
    listed = json.loads((folder / "modules.json").read_text())
    for part, error, said in (
        ({"path": "2_Dense", "type": "sentence_transformers.models.Dense"}, RunError, "part 2 is .*Dense"),
        ({"path": "../x", "type": "models.Normalize"}, DamagedFileError, "leads out of the folder"),
        ({"path": ""}, DamagedFileError, r"expected \[2\]\.type to be a string, got nothing"),
    ):
        (folder / "modules.json").write_text(json.dumps([*listed, part]))
        with pytest.raises(error, match=said):
            load(folder)
    (folder / "modules.json").unlink()
    shutil.rmtree(folder / "1_Pooling")
    with (folder / "vocab.txt").open("a") as file:
        file.write("more\n")
    with pytest.raises(RunError, match=r"expected a tokenizer with at most 7 tokens, .* got 8"):
        load(folder)


# Every file that changes the vectors


@pytest.mark.parametrize(
    ("limit", "there", "expected"),
    [
        (None, 6, 6),
        (4, 6, 4),
        (8, 6, 6),
        (None, 1e30, 11),
        (None, 10**30, 11),
        (10, None, 10),
        (None, None, 11),
    ],
)
def test_the_smallest_limit_counts(folder: Path, limit: int | None, there: Any, expected: int) -> None:
    write_modules(folder, "mean_tokens", **({} if limit is None else {"max_seq_length": limit}))
    for key in ("model_max_length", "max_len"):
        (folder / "tokenizer_config.json").write_text(json.dumps({key: there}))
        encoder = load(folder)
        assert encoder.max_length == expected
        long = "up down " * 6
        cut = " ".join(long.split()[: expected - 2])
        np.testing.assert_array_equal(*encoder.encode([long, cut]))


PROMPTS = {"prompts": {"query": "down up ", "document": ""}, "default_prompt_name": None}


def write_prompts(folder: Path, **settings: Any) -> Path:
    (folder / "config_sentence_transformers.json").write_text(json.dumps({**PROMPTS, **settings}))
    return folder


def test_prompts_stand_before_texts(folder: Path) -> None:
    plain = load(folder)
    encoder = load(write_prompts(folder))
    before = plain.encode(["down up " + text for text in TEXTS])
    for settings in ({"prompt_name": "query"}, {"prompt": "down up "}):
        np.testing.assert_array_equal(encoder.encode(TEXTS, **settings), before)
    for settings in ({}, {"prompt_name": "document"}, {"prompt": ""}):
        np.testing.assert_array_equal(encoder.encode(TEXTS, **settings), plain.encode(TEXTS))
    encoder = load(write_prompts(folder, default_prompt_name="query"))
    np.testing.assert_array_equal(encoder.encode(TEXTS), before)
    np.testing.assert_array_equal(encoder.encode(TEXTS, prompt=""), plain.encode(TEXTS))
    [near] = encoder.nearest(["up"], ["down up up", "up"], 1, among_prompt_name="document")
    assert (near[0].text, round(near[0].similarity, 6)) == ("down up up", 1)
    for settings, said in (
        ({"prompt_name": "no"}, r"prompts \('query', 'document'\), got 'no'"),
        ({"prompt_name": "query", "prompt": "x"}, "expected prompt_name or prompt, got both"),
    ):
        with pytest.raises(UsageError, match=said):
            encoder.encode(TEXTS, **settings)
    with pytest.raises(DamagedFileError, match="expected default_prompt_name to be one of"):
        load(write_prompts(folder, default_prompt_name="no"))


def test_a_prompt_that_is_not_pooled(folder: Path) -> None:
    write_modules(write_prompts(folder), "mean_tokens")
    path = folder / "1_Pooling" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "include_prompt": False}))
    encoder = load(folder)
    expected = [by_hand("down", "up", "down")[3:].mean(axis=0), by_hand("down", "up")[3:].mean(axis=0)]
    np.testing.assert_allclose(encoder.encode(["down", ""], prompt_name="query"), expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(["down"]), [HIDDEN[2].mean(axis=0)], atol=1e-6)


def test_the_similarity_that_the_folder_says(folder: Path) -> None:
    encoder = load(write_prompts(folder, similarity_fn_name="dot"))
    vectors = encoder.encode(TEXTS)
    for row, near in enumerate(encoder.nearest(TEXTS, TEXTS, 1)):
        assert near[0].similarity == pytest.approx((vectors @ vectors[row]).max(), rel=1e-6)
    encoder = load(write_prompts(folder, similarity_fn_name="euclidean"))
    with pytest.raises(
        UsageError, match="expected a similarity of cosine or dot, the encoder has 'euclidean'"
    ):
        encoder.nearest(TEXTS, TEXTS)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("config_sentence_transformers.json", {"prompts": []}, "expected prompts to be an object"),
        ("config_sentence_transformers.json", {"prompts": {"a": 1}}, "expected prompts.a to be a string"),
        ("tokenizer_config.json", {"padding_side": "left"}, "expected padding_side to be 'right'"),
        ("config_sentence_transformers.json", {"truncate_dim": 2}, "expected no truncate_dim"),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "expected no model_type"),
        ("sentence_bert_config.json", {"max_seq_length": [1]}, "expected max_seq_length to be an integer"),
        ("sentence_bert_config.json", {"do_lower_case": "x"}, "expected do_lower_case to be true or false"),
        ("sentence_bert_config.json", {"query_expansion": {"length": 3}}, "expected no query_expansion"),
        ("sentence_bert_config.json", {"query_length": 3}, "expected no query_length"),
        ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "expected no transformer_task"),
        ("sentence_bert_config.json", {"module_output_name": "scores"}, "expected no module_output_name"),
        ("1_Pooling/config.json", {"pooling_mode_new_tokens": True}, "expected no pooling_mode_new_tokens"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_cls_token": "x"},
            "pooling_mode_cls_token to be true or false",
        ),
        (
            "1_Pooling/config.json",
            {"pooling_mode": {"a": 1}},
            "expected pooling_mode to be a string or a list",
        ),
        (
            "1_Pooling/config.json",
            {"word_embedding_dimension": 5},
            "expected a pooling of vectors of 4 numbers",
        ),
    ],
)
def test_keys_that_change_the_vectors(folder: Path, file: str, change: dict[str, Any], said: str) -> None:
    write_modules(write_prompts(folder), "mean_tokens", max_seq_length=8, unpad_inputs=True)
    load(folder)
    path = folder / file
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **change}))
    with pytest.raises(RunError, match=said):
        load(folder)


def test_parts_that_modules_json_does_not_list(folder: Path) -> None:
    write_modules(folder, "mean_tokens")
    (folder / "2_Dense").mkdir()
    with pytest.raises(
        RunError, match=r"2_Dense may be a part of the model: expected it in modules.json, got 1_P"
    ):
        load(folder)
    (folder / "2_Dense").rmdir()
    load(folder)
    (folder / "modules.json").unlink()
    with pytest.raises(
        RunError, match=r"1_Pooling may be a part of the model: expected .*, got no such file"
    ):
        load(folder)


@pytest.mark.parametrize(
    "content",
    ["x", {}, [[]], [3], [{"type": 3}], [{"type": "Transformer", "path": 3}],
     [{"type": "a", "path": "\0"}], [{"type": "Transformer", "path": "x" * 5000}],
     [{"type": "Transformer", "path": "", "kwargs": ["task"]}]],
    ids=range(9),
)  # fmt: skip
def test_a_modules_json_of_other_types(folder: Path, content: Any) -> None:
    (folder / "modules.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"modules\.json"):
        load(folder)


def test_lower_case_goes_into_a_classifier_too(folder: Path) -> None:
    from seqkit.tasks.initial_encoder import initial_encoder

    write_modules(folder, "mean_tokens", do_lower_case=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    tokens = initial_encoder(folder, 8, "train-classifier").tokenizer.tokenize("UP Down")
    assert tokens == ["[CLS]", "up", "down", "[SEP]"]


def test_threads_share_an_encoder(folder: Path) -> None:
    """Eight threads, each with texts of its own and one with another limit, get what one thread gets."""
    from concurrent.futures import ThreadPoolExecutor

    encoder = load(write_modules(folder, "mean_tokens", max_seq_length=5))
    longer = SentenceEncoder(encoder.model, encoder.tokenizer)
    texts = [["up down " * (i + j) for j in range(6)] for i in range(8)]
    encoders = [longer if i % 2 else encoder for i in range(8)]
    tokens = [
        row.tokenizer.encode(text, max_length=row.max_length)
        for row, text in zip(encoders, texts, strict=True)
    ]
    expected = [row.encode(text) for row, text in zip(encoders, texts, strict=True)]

    def work(i: int) -> None:
        for _ in range(20):
            rows = encoders[i].tokenizer.encode(texts[i], max_length=encoders[i].max_length)
            assert rows == tokens[i]
            encoder.tokenizer.for_model(4).tokenize(texts[i][-1])
            np.testing.assert_allclose(encoders[i].encode(texts[i]), expected[i], atol=1e-6)

    with ThreadPoolExecutor(8) as pool:
        for finished in [pool.submit(work, i) for i in range(8)]:
            finished.result()
