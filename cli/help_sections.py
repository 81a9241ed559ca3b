"""Help texts in sections: the commands of a group, and the options of a training command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seqkit.training import Settings

SECTIONS: Mapping[str, Sequence[str]] = {
    "Search": ["space", "trials", "storage", "pruner"],
    "Run": ["out", "resume", "init", "grow_vocabulary", "config", "recipe", "dry_run"],
    "Data": [
        "named_corpus", "target", "text_column", "label_column", "source_column", "target_column",
        "word_column", "tag_column", "feature_columns", "header", "paragraphs", "on_bad_line",
        "input_scheme", "scheme", "on_broken_tags", "tokenizer", "target_tokenizer",
        "unicode_normalization", "lowercase", "target_lowercase", "zero_digits", "vocab_size",
        "target_vocab_size", "min_count", "shared_vocabulary", "vocabulary", "max_length", "reverse",
        "bucket", "image_size", "train_size", "validation", "split_seed", "normalize", "valid_tokens",
    ],
    "Model": [],
    "Optimisation": [
        "optimizer", "lr", "alpha", "min_alpha", "schedule", "warmup", "lr_floor", "momentum", "beta2",
        "averaging_patience", "weight_decay", "clip", "batch_size", "batch_tokens", "bptt", "variable_bptt",
        "accumulate", "lazy_rows", "label_smoothing", "teacher_forcing",
    ],
    "Length of the training": ["epochs", "max_steps", "max_time", "anneal_to_max_time", "patience"],
    "Reports and machine": [
        "eval_batch_size", "max_new_tokens", "examples", "train_accuracy", "test_accuracy", "log_interval",
        "tensorboard", "checkpoint_interval", "seed", "device", "threads", "workers", "quiet", "as_json",
        "help",
    ],
}  # fmt: skip
"""Names of parameters by section; those that are not listed are of the model."""


def section_of(name: str) -> str:
    """Return the section of a parameter of a training command."""
    return next((section for section, names in SECTIONS.items() if name in names), "Model")


class TrainingCommand(click.Command):
    """A command whose options are listed in sections.

    Attributes:
        settings: The settings of its task.
    """

    settings: type[Settings]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        rows: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                is_help = set(parameter.opts) <= set(ctx.help_option_names)
                rows[section_of("help" if is_help else parameter.name or "")].append(record)
        for section, records in rows.items():
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)


def examples(*lines: str) -> str:
    """Return the end of a help text: commands to copy, each on its own line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
