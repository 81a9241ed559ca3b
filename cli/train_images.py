"""seqkit train-images."""

from __future__ import annotations

import sys
from pathlib import Path

from seqkit.cli.common import echo, print_json, threads_before_numpy

threads_before_numpy(sys.argv)

from seqkit.cli.training import Request, epoch_scores, training_command  # noqa: E402
from seqkit.data import NORMALIZATIONS  # noqa: E402
from seqkit.models.images.config import ACTIVATIONS  # noqa: E402
from seqkit.tasks.image_classification import ImageClassificationSettings, train  # noqa: E402
from seqkit.tasks.image_classification.settings import MODELS  # noqa: E402
from seqkit.tasks.image_classification.task import make_task, open_corpus  # noqa: E402

HELP = {
    "image_size": "Resize the images of a folder to so many pixels a side.",
    "train_size": "Use only the first so many training images.",
    "validation": "Share of the training images that validates, where the set has no such part; 0: none.",
    "split_seed": "Seed by which those are drawn.",
    "normalize": "Pixels stay 0 to 255, become 0 to 1, or get mean 0 and deviation 1 by channel.",
    "model": "Kind of network.",
    "hidden": "Sizes of the hidden layers, such as 100,100.  [default: 50; simple-cnn 100]",
    "activation": "Activation of mlp.  [default: relu]",
    "weight_init": "Start of the weights: he, xavier, std (0.01), or a deviation.",
    "batch_norm": "Batch normalisation before each activation of mlp.  [default: no]",
    "dropout": "Dropout of mlp and deep-cnn.  [default: 0; deep-cnn 0.5]",
    "filters": "Filters of simple-cnn, or of deep-cnn's three pairs.  [default: 30; 16,32,64]",
    "filter_size": "Side of simple-cnn's filters.  [default: 5]",
    "padding": "Zeros around simple-cnn's images.  [default: 0]",
    "stride": "Step of simple-cnn's filters.  [default: 1]",
    "batch_size": "Images of a batch.",
    "eval_batch_size": "Images of a batch in validation.",
    "weight_decay": "Weight decay; not of biases and of batch normalisation.",
    "train_accuracy": "Also the accuracy on the training images after each epoch.",
    "test_accuracy": "Also the accuracy on the test images after each epoch.",
}
CHOICES = {"model": MODELS, "normalize": NORMALIZATIONS, "activation": ACTIVATIONS}


@training_command("train-images", ImageClassificationSettings, HELP, CHOICES)
def command(request: Request[ImageClassificationSettings]) -> None:
    """Train an image classifier on DATASET: digits (the default), mnist, fashion-mnist, or a folder with one
    sub-folder of images a class.

    The model kept is the best by validation loss; with --validation 0 it is the last. Flags win over
    --config, --config over --recipe. Ctrl-C saves and stops; the same command with --resume goes on, with the
    same bits as if it had never stopped.
    """
    if request.dry_run:
        request.print_dry_run(open_corpus, make_task)
        return
    settings = request.settings
    out, trained, progress = request.train(
        train,
        name=f"{Path(settings.corpus).name}-{settings.model}",
        evaluate="eval-images RUN",
        unit="images",
    )
    progress.on_message(f"evaluate: seqkit eval-images {out}\nclassify: seqkit classify {out} FILE")
    epochs = epoch_scores(trained.run)
    result = {
        "run": out,
        "model": repr(trained),
        "parameters": trained.model.parameter_count(),
        "epochs": epochs,
        "settings": trained.settings.to_dict(),
    }
    if request.as_json:
        print_json(result)
        return
    last = epochs[-1]
    scores = [f"{k.replace('_', ' ')} {v:.2%}" for k, v in last.items() if k.endswith("accuracy")]
    echo(f"{out}: {', '.join(scores) or 'trained without validation'} after epoch {last['epoch']}")
