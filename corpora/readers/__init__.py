"""Readers, one module for each format. What they give is registered in `seqkit.corpora.registry`."""
