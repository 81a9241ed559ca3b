"""Encoders of the BERT family from and to checkpoint folders of Hugging Face.

BERT (Devlin et al. 2019), DistilBERT (Sanh et al. 2019), RoBERTa (Liu et al. 2019), MiniLM and other sentence
encoders, which are BERTs; and Megatron's BERT (Shoeybi et al. 2019), whose layers are pre-norm as those of
``train-lm --objective masked`` are.
"""

from seqkit.models.bert.checkpoint import BertEncoder, load, load_masked, open_encoder, save

__all__ = ["BertEncoder", "load", "load_masked", "open_encoder", "save"]
