"""Keys of config.json and files of a checkpoint folder that are not read: harmless, or refused by name.

A key or file that changes the model's outputs and is not read would give wrong numbers without a word. So all
are in one of these tables: what is harmless, and what is refused by name. A key in none of them is reported
by a warning.
"""

import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from seqkit.errors import RunError

_ANOTHER = "give another model"


def _words(table: str) -> list[str]:
    return [word for line in table.splitlines() if not line.startswith("#") for word in line.split()]


HARMLESS_KEYS = frozenset(
    _words("""
# where the model comes from, and how the reference library holds it
model_type architectures transformers_version torch_dtype dtype _name_or_path name_or_path torchscript
use_bfloat16 xla_device _commit_hash _attn_implementation attn_implementation
_attn_implementation_autoset _experts_implementation transformers_weights tf_legacy_loss use_cache
gradient_checkpointing chunk_size_feed_forward return_dict output_attentions output_hidden_states
output_past use_return_dict use_flash_attention use_flash_attn flash_attn _flash_attn_2_enabled use_sdpa
reorder_and_upcast_attn initializer_factor init_std initializer_range model_name license language tags
library_name
# dropout, in training only
attention_dropout attn_pdrop dropout embd_pdrop resid_pdrop hidden_dropout_prob layerdrop
attention_probs_dropout_prob classifier_dropout classifier_dropout_prob seq_classif_dropout qa_dropout
hidden_dropout classif_dropout summary_first_dropout drop_path_rate
# heads, which are passed over, and their losses
num_labels _num_labels id2label label2id problem_type finetuning_task task_specific_params
summary_activation summary_last_dropout summary_proj_to_labels summary_type summary_use_proj num_choices
sentence_transformers custom_pipelines head_type
# never read by the reference library either: left from BERT's first release, from GPT-2's and DistilBERT's
directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head
pooler_type n_ctx sinusoidal_pos_embds tie_weights_ predict_special_tokens max_seq_length
layer_norm_type_vocab
# tokens and generation: the tokenizer's files and the arguments of a call decide
pad_token_id bos_token_id eos_token_id sep_token_id cls_token_id mask_token_id unk_token_id
decoder_start_token_id forced_bos_token_id forced_eos_token_id tokenizer_class prefix max_length
min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p
typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size
bad_words_ids num_return_sequences output_scores return_dict_in_generate remove_invalid_values
exponential_decay_length_penalty suppress_tokens begin_suppress_tokens
# sizes that its tensors show
vocab_size type_vocab_size tie_word_embeddings tie_encoder_decoder
""")
)
"""Keys of config.json that change no output of the models here."""

_CHANGING = """
auto_map custom_code quantization_config compression_config adapters adapter_config adapter_fusion
adapter_reduction_factor adapter_layer_norm ln_before_adapter lang_ids default_language peft_config
lora_config lora_adaptations lora_rank lora_r lora_alpha lora_prompts pruned_heads layers_to_skip
cross_attention_hidden_size is_encoder_decoder is_decoder add_cross_attention use_rotary rotary rope
rope_theta rope_scaling rope_parameters rope_type rotary_pct rotary_emb_base rotary_emb_fraction
rotary_emb_interleaved rotary_emb_scale_base rotary_scaling_factor partial_rotary_factor use_alibi alibi
alibi_starting_size sliding_window use_sliding_window attention_window local_attention local_rope_theta
global_rope_theta global_attn_every_n_layers window_size attention_types layer_types relative_attention
relative_attention_num_buckets relative_attention_max_distance max_relative_positions
position_biased_input pos_att_type num_hidden_groups inner_group_num num_experts num_local_experts
num_experts_per_tok moe_every_n_layers moe_num_experts moe_top_k ffn_every_layer use_rms_norm rms_norm
rms_norm_eps norm_type layer_norm_type normalization layernorm_type prenorm pre_norm normalize_before
do_layer_norm_before parallel_attn use_parallel_residual parallel_block use_glu use_glu_mlp gated_mlp
mlp_type feed_forward_type feed_forward_proj glu hidden_size_per_head attention_head_size head_dim
embedding_size embedding_hidden_size d_embed word_embed_proj_dim num_key_value_heads num_kv_heads
multi_query attention_multiplier embedding_multiplier residual_multiplier logits_scaling logit_scale
scale_embedding embed_scale embeddings_scale attn_scale softmax_scale attn_logit_softcapping
final_logit_softcapping scale_attn_by_inverse_layer_idx mup_rsqrt_output mup_scale_factor qk_layernorm
use_qk_norm qk_norm use_lang_emb n_langs causal is_causal emb_pooler matryoshka_dimensions layer_scale
layer_scale_init_value conv_kernel_size share_layers num_feedforward_networks intra_bottleneck_size
use_bottleneck trigram_input normalization_type true_hidden_size
"""
_TRUE = """
use_bias qkv_bias qkv_proj_bias attention_bias attn_bias mlp_bias mlp_fc1_bias mlp_fc2_bias
add_bias_linear bias absolute_position_embeddings
"""

CHANGING_KEYS: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(_words(_CHANGING), ()),
    "position_embedding_type": ("absolute",),
    "scale_attn_weights": (True,),
    **dict.fromkeys(_words(_TRUE), (True,)),
}
"""Keys of architectures and of parts that no model here has, with the values that change nothing. Null never
does; for the others, false, zero and empty values do not either."""

_SAME_AS: Mapping[str, str] = {
    "embedding_size": "hidden_size",
    "d_embed": "n_embd",
    "embedding_hidden_size": "hidden_size",
    "true_hidden_size": "hidden_size",
    "word_embed_proj_dim": "hidden_size",
    "num_key_value_heads": "num_attention_heads",
    "num_kv_heads": "num_attention_heads",
}
"""Sizes that change nothing where they equal another."""

_WEIGHTS = re.compile(r"\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|npz|npy|gguf|ot|pkl|pickle)$")
_COPIES = re.compile(
    r"pytorch_model(-\d+-of-\d+)?\.bin|tf_model(-\d+-of-\d+)?\.h5|flax_model(-\d+-of-\d+)?\.msgpack|rust_model\.ot"
    r"|model\.(fp16|fp32|bf16|float16|float32|bfloat16)\.safetensors|openvino_model.*\.bin|.*\.gguf"
    r"|(bert_)?model\.ckpt.*|coreml.*"
    r"|training_args\.bin|optimizer\.(pt|bin)|scheduler\.(pt|bin)|scaler\.pt|rng_state.*\.pth|events\..*"
)
"""The same weights in other formats, and the state of a training."""
_OTHER_FILES = re.compile(
    r"adapter_config\.json|adapters?\.json|.*lora.*\.json|quantize_config\.json|quant_config\.json"
)


def check_keys(config: Mapping[str, object], read: Collection[str], source: Path) -> None:
    """Refuse keys that change what a model computes and are not read; warn of unknown ones.

    Args:
        config: The content of config.json.
        read: The keys that are read.
        source: The file, for messages.

    Raises:
        RunError: With the key's name.
    """
    unknown = []
    for key, value in config.items():
        if key in read or key in HARMLESS_KEYS or value is None:
            continue
        neutral = CHANGING_KEYS.get(key, ())
        if key in _SAME_AS and _SAME_AS[key] in config:
            neutral = (config[_SAME_AS[key]],)
        if value in neutral or not (neutral or value):
            continue
        if key not in CHANGING_KEYS:
            unknown.append(key)
            continue
        expected = " or ".join(map(repr, neutral)) or "null or false"
        raise RunError(
            f"{source}: expected {key} to be {expected}, got {str(value)[:60]!r}, which changes the outputs",
            remedy=_ANOTHER,
        )
    if unknown:
        keys = ", ".join(map(repr, unknown[:5]))
        warnings.warn(
            f"{source}: unknown keys are not read: {keys}; if they change what the model computes, its "
            "outputs here are not those of the reference library",
            stacklevel=2,
        )


def check_files(folder: Path, read: Collection[str]) -> None:
    """Refuse a folder with files of weights that are not read.

    Args:
        folder: The folder.
        read: The names of the files that are read.

    Raises:
        RunError: With the file's name.
    """
    for name in _names(folder):
        weights = _WEIGHTS.search(name) and not _COPIES.fullmatch(name)
        if name not in read and (weights or _OTHER_FILES.fullmatch(name)):
            raise RunError(
                f"{folder / name} may be a part of the model and is not read: expected weights in "
                f"{', '.join(sorted(read)[:3])} only",
                remedy="merge it into the model with the library that wrote it; or delete the file if it is "
                "left from another model",
            )


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise RunError(f"cannot read {folder} ({error.strerror or error})") from error
