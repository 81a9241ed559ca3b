"""Checkpoint folders whose outputs can be derived by hand.

u, v, w are orthogonal, each of mean 0 and variance 1, so LayerNorm of a·u + b·v + c·w is the same over
√(a² + b² + c²). Queries and keys are zero: attention is the mean over what a token may see. Values and output
both turn u to v, v to w and w to u. The feed-forward network adds v, whatever it reads.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

BASIS = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], np.float32)
U, V, W = BASIS
TURN = (np.outer(V, U) + np.outer(W, V) + np.outer(U, W)) / 4
TURNED_TWICE = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # of u, v, w: w, u, v
FED = np.array([0, 1, 0])
FEED = 3

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "up", "down", "##s")
VECTORS = np.array(
    [[1, 1, 1], [2, 0, -1], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, -1, 0], [1, 1, 0]], np.float32
)
"""Of the tokens, in u, v and w."""
POSITIONS, TYPES = 11, 2

BERT = {
    "model_type": "bert",
    "vocab_size": len(TOKENS),
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": FEED,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": TYPES,
}
GPT2 = {
    "model_type": "gpt2",
    "vocab_size": len(TOKENS),
    "n_embd": 4,
    "n_layer": 1,
    "n_head": 2,
    "n_inner": FEED,
    "n_positions": POSITIONS,
    "layer_norm_epsilon": 1e-12,
}


def unit(x: np.ndarray) -> np.ndarray:
    """LayerNorm in u, v and w."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def hidden_of(x: np.ndarray) -> np.ndarray:
    """The encoder's hidden states (T, E) of embeddings (T, 3) in u, v and w."""
    x = unit(x)
    x = unit(x + (x @ TURNED_TWICE).mean(axis=0))
    return unit(x + FED) @ BASIS


def bert_arrays() -> dict[str, np.ndarray]:
    """The tensors of a BERT of one layer, with a pooler that only squashes."""
    layer = "encoder.layer.0."
    arrays = {
        "embeddings.word_embeddings.weight": VECTORS @ BASIS,
        "embeddings.position_embeddings.weight": np.zeros((POSITIONS, 4)),
        "embeddings.token_type_embeddings.weight": np.stack((np.zeros(4), V)),
        f"{layer}attention.self.value.weight": TURN,
        f"{layer}attention.output.dense.weight": TURN,
        f"{layer}intermediate.dense.weight": np.zeros((FEED, 4)),
        f"{layer}intermediate.dense.bias": np.array([10, 0, 0]),  # gelu(10) is 10 to the last bit
        f"{layer}output.dense.weight": np.stack((V / 10, U, W), axis=1),
        f"{layer}output.dense.bias": np.zeros(4),
        "pooler.dense.weight": np.eye(4),
        "pooler.dense.bias": np.zeros(4),
    }
    for name in ("query", "key"):
        arrays[f"{layer}attention.self.{name}.weight"] = np.zeros((4, 4))
    for name in ("self.query", "self.key", "self.value", "output.dense"):
        arrays[f"{layer}attention.{name}.bias"] = np.zeros(4)
    for norm in ("embeddings.", f"{layer}attention.output.", f"{layer}output."):
        arrays |= {f"{norm}LayerNorm.weight": np.ones(4), f"{norm}LayerNorm.bias": np.zeros(4)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def gpt2_arrays() -> dict[str, np.ndarray]:
    """The tensors of a GPT-2 of one layer; its matrices are stored (in, out)."""
    c_attn = np.concatenate((np.zeros((4, 8)), TURN.T), axis=1)
    arrays = {
        "wte.weight": VECTORS @ BASIS,
        "wpe.weight": np.zeros((POSITIONS, 4)),
        "h.0.attn.c_attn.weight": c_attn,
        "h.0.attn.c_attn.bias": np.zeros(12),
        "h.0.attn.c_proj.weight": TURN.T,
        "h.0.attn.c_proj.bias": np.zeros(4),
        "h.0.mlp.c_fc.weight": np.zeros((4, FEED)),
        "h.0.mlp.c_fc.bias": np.array([10, 0, 0]),
        "h.0.mlp.c_proj.weight": np.stack((V / 10, U, W)),
        "h.0.mlp.c_proj.bias": np.zeros(4),
    }
    for norm in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
        arrays |= {f"{norm}.weight": np.ones(4), f"{norm}.bias": np.zeros(4)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def write(folder: Path, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
    """A folder with these settings and tensors, written by the format's own library."""
    from safetensors.numpy import save_file

    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(plain, folder / "model.safetensors")
    return folder


def write_bert(folder: Path, **config: Any) -> Path:
    """The BERT above, with its vocab.txt."""
    write(folder, {**BERT, **config}, bert_arrays())
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS))
    return folder


def write_modules(
    folder: Path, *poolings: str, normalize: bool = False, dimensions: int = 4, **limits: Any
) -> Path:
    """Make it a sentence encoder's folder."""
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    paths = ["", "1_Pooling", "2_Normalize"]
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(zip(kinds, paths, strict=False))
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    flags = {name: name in poolings for name in ("cls_token", "mean_tokens", "max_tokens", "lasttoken")}
    settings: dict[str, Any] = {f"pooling_mode_{name}": value for name, value in flags.items()}
    settings["word_embedding_dimension"] = dimensions
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    if limits:
        (folder / "sentence_bert_config.json").write_text(json.dumps(limits))
    return folder
