"""Checkpoint folders: outputs derived by hand, both directions of the names, and what is refused."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator
from seqkit.decoding import greedy
from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.models import (
    MaskedLanguageModel,
    TransformerEncoder,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    bert,
    gpt2,
)
from seqkit.models.checkpoints import TensorFile
from tests.models.folders import (
    BERT,
    FED,
    GPT2,
    TURNED_TWICE,
    VECTORS,
    U,
    V,
    W,
    bert_arrays,
    gpt2_arrays,
    hidden_of,
    unit,
    write,
    write_bert,
)

CLS, SEP, UP = 2, 3, 4


def weights(folder: Path) -> Path:
    return folder / "model.safetensors"


# By hand


def test_hidden_states_by_hand(tmp_path: Path) -> None:
    """[CLS] up, that is u and v. The mean of what they carry, turned twice, is (w + u)/2, so attention makes
    them (3u + w)/√10 and (u + 2v + w)/√6; then v is added.
    """
    model = bert.load(write_bert(tmp_path / "bert"))
    hidden = model([[CLS, UP]])
    second = np.array([1, 2 + 6**0.5, 1]) / (12 + 4 * 6**0.5) ** 0.5
    expected = np.stack(((3 * U + W) / 20**0.5 + V / 2**0.5, second @ np.stack((U, V, W))))
    np.testing.assert_allclose(hidden.data[0], expected, atol=1e-6)
    np.testing.assert_allclose(hidden_of(VECTORS[[CLS, UP]]), expected, atol=1e-6)
    np.testing.assert_allclose(model.pooled(hidden).data[0], np.tanh(expected[0]), atol=1e-6)
    assert not model.training


def test_padding_and_token_types_by_hand(tmp_path: Path, gpu: str) -> None:
    folder = write_bert(tmp_path / "bert")
    ids, lengths = np.array([[CLS, UP, SEP], [CLS, 0, 0]]), np.array([3, 1])
    types = np.array([[0, 0, 1], [0, 0, 0]])
    for model in (bert.load(folder), bert.load(folder, device=gpu)):
        hidden = to_numpy(model(ids, lengths, types).data)
        np.testing.assert_allclose(
            hidden[0], hidden_of(np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1]])), atol=1e-6
        )
        np.testing.assert_allclose(hidden[1, :1], hidden_of(VECTORS[[CLS]]), atol=1e-6)
        assert (hidden[1, 1:] == 0).all()


def causal_by_hand(x: np.ndarray) -> np.ndarray:
    """Scores (T, V) of a GPT-2 with embeddings x (T, 3) in u, v and w; u·u is 4."""
    means = np.cumsum(unit(x) @ TURNED_TWICE, axis=0) / np.arange(1, len(x) + 1)[:, None]
    return 4 * unit(x + means + FED) @ VECTORS.T


def test_gpt2_by_hand(tmp_path: Path) -> None:
    """[CLS] is u: attention adds w and the rest v, so the last LayerNorm gives (u + v + w)/√3."""
    model = gpt2.load(write(tmp_path / "gpt2", GPT2, gpt2_arrays()))
    scores = model([[CLS, UP, SEP]]).data[0]
    np.testing.assert_allclose(scores[0, [CLS, UP, SEP]], 4 / 3**0.5, atol=1e-5)
    np.testing.assert_allclose(scores, causal_by_hand(VECTORS[[CLS, UP, SEP]]), atol=1e-5)
    [found] = greedy(model, batch=1, max_new_tokens=3, start_id=CLS)
    text = [CLS]
    for _ in range(3):
        text.append(int(causal_by_hand(VECTORS[text])[-1].argmax()))
    assert found.ids == text[1:]


# Names


def test_prefixes_old_names_and_what_is_passed_over(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for name, array in bert_arrays().items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        arrays[f"bert.{name}"] = array
    arrays["bert.embeddings.position_ids"] = np.arange(11)[None]
    arrays["cls.seq_relationship.weight"] = np.ones((2, 4), np.float32)
    arrays["cls.predictions.bias"] = np.ones(7, np.float32)
    model = bert.load(write(tmp_path / "bert", BERT, arrays))
    plain = bert.load(write_bert(tmp_path / "plain"))
    np.testing.assert_array_equal(model([[CLS, UP]]).data, plain([[CLS, UP]]).data)


def test_half_precision_is_read(tmp_path: Path) -> None:
    """float16 by the format's library; bfloat16, the upper half of float32, by hand."""
    halves = {name: array.astype(np.float16) for name, array in bert_arrays().items()}
    found = bert.load(write(tmp_path / "half", BERT, halves))([[CLS, UP]]).data
    np.testing.assert_allclose(found[0], hidden_of(VECTORS[[CLS, UP]]), atol=2e-3)
    header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    values = np.array([1.5, -2.0, 0.0078125], np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + upper)
    np.testing.assert_array_equal(TensorFile(path).read("x"), values)


def test_weights_in_several_files(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    folder = write_bert(tmp_path / "bert")
    weights(folder).unlink()
    arrays = bert_arrays()
    places = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(arrays)}
    for place in set(places.values()):
        save_file({name: a for name, a in arrays.items() if places[name] == place}, folder / place)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    found = bert.load(folder)([[CLS, UP]]).data[0]
    np.testing.assert_allclose(found, hidden_of(VECTORS[[CLS, UP]]), atol=1e-6)
    for name, said in (("../x.safetensors", "no file of the folder"), ("absent.safetensors", "cannot read")):
        index.write_text(json.dumps({"weight_map": {**places, "pooler.dense.bias": name}}))
        with pytest.raises(RunError, match=said):
            bert.load(folder)
    first = next(iter(places))
    for there in ({**places, first: "model-1.safetensors"}, {n: p for n, p in places.items() if n != first}):
        index.write_text(json.dumps({"weight_map": there}))
        with pytest.raises(DamagedFileError, match=f"lacks {first}|expected {first} to be in model-0"):
            bert.load(folder)
    for wrong in ([], {"a": 3}, "x"):
        index.write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(DamagedFileError, match=r"index\.json is damaged: expected weight_map.* to be"):
            bert.load(folder)
    index.write_text(json.dumps({"weight_map": {**places, "more": "model-0.safetensors"}}))
    with pytest.raises(DamagedFileError, match="lacks more"):
        bert.load(folder)


def test_a_folder_without_pooler(tmp_path: Path) -> None:
    arrays = {name: a for name, a in bert_arrays().items() if not name.startswith("pooler")}
    model = bert.load(write(tmp_path / "bert", BERT, arrays))
    with pytest.raises(UsageError, match="no pooler"):
        model.pooled(model([[CLS]]))


# Both directions

ENCODERS = {
    "distilbert": {},
    "bert": {"token_types": 3},
    "roberta": {"position_offset": 2, "token_types": 1},
    "megatron-bert": {"norm": "pre", "embedding_norm": False, "token_types": 2, "epsilon": 1e-5},
}


def encoder_config(**settings: Any) -> TransformerEncoderConfig:
    return TransformerEncoderConfig(
        13, embedding_size=12, hidden_size=7, num_layers=2, num_heads=3, max_length=5, **settings
    )


def shaken(model: Any) -> Any:
    """Every parameter random, biases and LayerNorms too."""
    generator = Generator(5)
    for parameter in model.parameters():
        parameter.data[...] = generator.normal(parameter.shape)
    return model.eval()


@pytest.mark.parametrize("kind", ENCODERS)
def test_encoders_go_out_and_come_back(kind: str, tmp_path: Path) -> None:
    model = shaken(TransformerEncoder(encoder_config(**ENCODERS[kind]), generator=0))
    bert.save(model, tmp_path / "encoder")
    assert json.loads((tmp_path / "encoder" / "config.json").read_text())["model_type"] == kind
    again = bert.load(tmp_path / "encoder")
    assert again.config.to_dict() == {**model.config.to_dict(), "attention_dropout": 0.0}
    ids = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
    np.testing.assert_array_equal(again(ids, [5, 3]).data, model(ids, [5, 3]).data)
    masked = shaken(MaskedLanguageModel(encoder_config(**ENCODERS[kind]), generator=0))
    bert.save(masked, tmp_path / "masked")
    np.testing.assert_array_equal(
        bert.load_masked(tmp_path / "masked")(ids, [5, 3]).data, masked(ids, [5, 3]).data
    )
    np.testing.assert_array_equal(
        bert.load(tmp_path / "masked")(ids).data, masked.encoder(ids).data
    )  # its head is passed over


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_zeros_stand_for_token_types_that_a_model_has_not(norm: str, tmp_path: Path) -> None:
    model = shaken(
        TransformerEncoder(
            encoder_config(norm=norm, embedding_norm=norm == "post", epsilon=1e-6), generator=0
        )
    )
    bert.save(model, tmp_path / "encoder")
    again = bert.load(tmp_path / "encoder")
    assert again.config.token_types == 1
    assert (again.embedding.types.weight.data == 0).all()
    np.testing.assert_array_equal(again([[1, 2]]).data, model([[1, 2]]).data)


@pytest.mark.parametrize("tied", [True, False])
def test_language_models_go_out_and_come_back(tied: bool, tmp_path: Path) -> None:
    config = TransformerLanguageModelConfig(
        13, embedding_size=12, hidden_size=7, num_layers=2, num_heads=3, max_length=5, tied=tied
    )
    model = shaken(TransformerLanguageModel(config, generator=0))
    gpt2.save(model, tmp_path / "model")
    again = gpt2.load(tmp_path / "model")
    assert again.config.to_dict() == {**config.to_dict(), "attention_dropout": 0.0}
    np.testing.assert_array_equal(again([[3, 1, 4]]).data, model([[3, 1, 4]]).data)


@pytest.mark.parametrize(
    "settings",
    [{"positions": "rotary"}, {"positions": "sinusoidal"}, {"norm": "pre"}, {"embedding_norm": False}],
)
def test_what_no_folder_can_hold(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no architecture of a checkpoint folder"):
        bert.save(TransformerEncoder(encoder_config(**settings), generator=0), tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()
    config = TransformerLanguageModelConfig(
        13, embedding_size=12, num_layers=1, num_heads=3, max_length=5, positions="rotary"
    )
    with pytest.raises(UsageError, match="learned positions, pre-norm and no output bias"):
        gpt2.save(TransformerLanguageModel(config, generator=0), tmp_path / "model")


# What is refused


def changed(name: str, array: Any) -> dict[str, np.ndarray]:
    """The tensors with one more, another, or (None) one less."""
    arrays = bert_arrays()
    arrays.pop(name, None)
    return arrays if array is None else {**arrays, name: array}


QUERY = "encoder.layer.0.attention.self.query.weight"


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        (QUERY, None, rf"the tensor {QUERY} is missing, expected with shape \(4, 4\)"),
        ("pooler.dense.bias", None, r"the tensor pooler.dense.bias is missing, expected with shape \(4,\)"),
        (QUERY, np.zeros((4, 5), np.float32), rf"{QUERY} has shape \(4, 5\), expected \(4, 4\)"),
        (QUERY, np.zeros((4, 4), np.int64), f"expected {QUERY} of a floating-point type, got 'I64'"),
        ("adapter.weight", np.zeros(3, np.float32), "does not have: adapter.weight"),
        ("encoder.layer.1.output.dense.bias", np.zeros(4, np.float32), "does not have: encoder.layer.1"),
        ("bert." + QUERY, np.zeros((4, 4), np.float32), "which are the same"),
    ],
)
def test_tensors_that_do_not_fit(name: str, array: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=said) as caught:
        bert.load(write(tmp_path / "bert", BERT, changed(name, array)))
    assert str(tmp_path / "bert") in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "t5"}, "of type 't5', expected one of distilbert, bert, roberta"),
        ({"model_type": "gpt2"}, "models.gpt2.load and `seqkit generate` open this one"),
        ({"model_type": None}, "expected model_type to be a string, got null"),
        ({"hidden_size": None}, r"expected hidden_size to be an integer from 1 to \d+, got nothing"),
        ({"hidden_size": "4"}, r"expected hidden_size to be an integer from 1 to \d+, got the string '4'"),
        ({"hidden_size": 0}, r"expected hidden_size to be an integer from 1 to \d+, got the number 0"),
        ({"num_attention_heads": 3}, "expected num_attention_heads to divide hidden_size, got 3 and 4"),
        ({"hidden_act": "silu"}, "expected hidden_act to be 'gelu' or .*, got the string 'silu'"),
        (
            {"position_embedding_type": "relative_key"},
            "expected .*_type to be 'absolute', got 'relative_key'",
        ),
        ({"is_decoder": True}, "expected is_decoder to be null or false, got 'True'"),
        (
            {"layer_norm_eps": 0},
            "expected layer_norm_eps to be a number above 0 and at most 1, got the number 0",
        ),
        ({"layer_norm_eps": -1e-5}, "expected layer_norm_eps to be a number above 0"),
        ({"layer_norm_eps": float("nan")}, "expected a finite number at 'layer_norm_eps', got nan"),
        ({"hidden_dropout_prob": 1.5}, "expected hidden_dropout_prob to be a number from 0 to 1, got"),
        ({"rope_theta": 1e4}, "expected rope_theta to be null or false, got '10000.0'"),
        ({"quantization_config": {"bits": 4}}, "expected quantization_config to be null or false"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "expected auto_map to be null or false"),
        ({"qkv_bias": False}, "expected qkv_bias to be True, got 'False'"),
        ({"embedding_size": 8}, "expected embedding_size to be 4, got '8'"),
        ({"pruned_heads": {"0": [1]}}, "expected pruned_heads to be null or false"),
        ({"vocab_size": 10**12}, r"has shape \(7, 4\), expected \(1000000000000, 4\)"),
        ({"num_hidden_layers": 10**9}, r"encoder.layer.1.attention.self.query.weight is missing"),
        ({"model_type": "roberta", "pad_token_id": 10}, "expected more than 11 positions"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    """Sizes beyond the tensors are refused before anything is allocated."""
    folder = write_bert(tmp_path / "bert", **settings)
    for opened in (bert.load, bert.open_encoder):
        with pytest.raises(RunError, match=said) as caught:
            opened(folder)
        assert caught.value.remedy


def test_keys_that_change_nothing(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    harmless = {
        "architectures": ["BertModel"], "transformers_version": "5.0.0", "dtype": "float32",
        "pruned_heads": {},
        "is_decoder": False, "add_cross_attention": False, "use_cache": True, "classifier_dropout": None,
        "position_embedding_type": "absolute", "embedding_size": 4, "qkv_bias": True, "my_own_note": None,
    }  # fmt: skip
    bert.load(write_bert(tmp_path / "bert", **harmless))
    assert not recwarn.list
    unknown = {"my_own_note": "1", "temperature_of_attention": 2}
    folder = write_bert(tmp_path / "other", **{**harmless, **unknown})
    with pytest.warns(
        UserWarning, match=r"unknown keys are not read: 'my_own_note', 'temperature_of_attention'"
    ):
        bert.load(folder)


@pytest.mark.parametrize(
    "name",
    [
        "adapter_model.safetensors",
        "adapter_model.bin",
        "adapter_config.json",
        "model-00001-of-00002.safetensors",
        "model2.safetensors",
        "projection.pt",
        "head.npz",
    ],
)
def test_files_of_weights_that_are_not_read(name: str, tmp_path: Path) -> None:
    folder = write_bert(tmp_path / "bert")
    for harmless in ("pytorch_model.bin", "tf_model.h5", "training_args.bin", "model.onnx", "README.md"):
        (folder / harmless).write_text("{}")
    bert.load(folder)
    (folder / name).write_text("{}")
    with pytest.raises(
        RunError, match=rf"{name} may be a part of the model and is not read: expected weights in"
    ):
        bert.load(folder)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_weights_that_are_not_finite(dtype: Any, value: float, tmp_path: Path) -> None:
    array = np.zeros((4, 4), np.float64)
    array[2, 3] = value
    with np.errstate(over="ignore"):
        folder = write(tmp_path / "bert", BERT, changed(QUERY, array.astype(dtype)))
    with pytest.raises(
        DamagedFileError, match=rf"expected finite values in {QUERY}, got -?(nan|inf) at \(2, 3\)"
    ):
        bert.load(folder)


def test_finite_weights_whose_sum_is_not(tmp_path: Path) -> None:
    large = np.full((4, 4), 3e38, np.float32)
    bert.load(write(tmp_path / "bert", BERT, changed(QUERY, large)))


def test_tied_tensors_must_be_equal(tmp_path: Path) -> None:
    head = {"lm_head.weight": gpt2_arrays()["wte.weight"]}
    gpt2.load(write(tmp_path / "equal", GPT2, gpt2_arrays() | head))
    head["lm_head.weight"] = head["lm_head.weight"] + 1
    with pytest.raises(RunError, match=r"lm_head.weight differs from wte.weight"):
        gpt2.load(write(tmp_path / "other", GPT2, gpt2_arrays() | head))
    with pytest.raises(
        RunError, match=r"of type 'bert', expected 'gpt2': bert has no causal head; open it with models.bert"
    ):
        gpt2.load(write_bert(tmp_path / "bert"))
    with pytest.raises(RunError, match="of type 'llama', expected 'gpt2'; give a folder of a GPT-2"):
        gpt2.load(write(tmp_path / "llama", {**GPT2, "model_type": "llama"}, gpt2_arrays()))
    with pytest.raises(RunError, match="no head that finds masked tokens"):
        bert.load_masked(tmp_path / "bert")


def test_files_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no checkpoint folder"):
        bert.load(tmp_path / "absent")
    folder = write_bert(tmp_path / "bert")
    weights(folder).rename(folder / "pytorch_model.bin")
    with pytest.raises(RunError, match=r"pickle can run any code.*save_pretrained"):
        bert.load(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(RunError, match=r"model.safetensors is missing"):
        bert.load(folder)
    for text, said in (("{", "no JSON"), ("[]", "expected an object, got a list")):
        (folder / "config.json").write_text(text)
        with pytest.raises(DamagedFileError, match=said):
            bert.load(folder)


def reheaded(data: bytes, change: Any) -> bytes:
    """The file with its header changed and made to fit its length field."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h[QUERY].update(shape=[4, 2**60]), f"{QUERY} of type F32 and shape .* takes"),
        (lambda h: h[QUERY].update(shape=[4, -4]), f"invalid header entry for {QUERY}"),
        (lambda h: h[QUERY].update(shape="44"), f"invalid header entry for {QUERY}"),
        (lambda h: h[QUERY].pop("data_offsets"), f"invalid header entry for {QUERY}"),
        (lambda h: h[QUERY].update(dtype="F4"), f"expected {QUERY} of a floating-point type, got 'F4'"),
        (lambda h: h[QUERY].update(data_offsets=[10**9, 10**9 + 64]), f"{QUERY} should end at byte"),
        (lambda h: h[QUERY].update(data_offsets=[0, 64]), "should begin at byte"),
        (lambda h: h.pop(QUERY), "should begin at byte|its tensors take"),
    ],
)
def test_headers_that_lie(change: Any, said: str, tmp_path: Path) -> None:
    folder = write_bert(tmp_path / "bert")
    weights(folder).write_bytes(reheaded(weights(folder).read_bytes(), change))
    with pytest.raises(RunError, match=said):
        bert.load(folder)


def test_half_a_file_and_flipped_bytes_are_noticed(tmp_path: Path) -> None:
    """Cut anywhere it is refused, naming the file; a byte of the header may at worst change a name."""
    folder = write_bert(tmp_path / "bert")
    data = weights(folder).read_bytes()
    for size in range(0, len(data), 131):
        weights(folder).write_bytes(data[:size])
        with pytest.raises(DamagedFileError, match=r"model\.safetensors is damaged"):
            bert.load(folder)
    weights(folder).write_bytes(data + b"\0")
    with pytest.raises(DamagedFileError, match="its tensors take"):
        bert.load(folder)
    length = struct.unpack("<Q", data[:8])[0]
    for place in [*range(8), *range(8, 8 + length, 23)]:
        flipped = bytearray(data)
        flipped[place] ^= 0x55
        weights(folder).write_bytes(flipped)
        with pytest.raises(RunError):
            bert.load(folder)
