"""seqkit train-images."""

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
    "image_size": "Resize the images of a folder to this width and height.  [default: do not resize]",
    "train_size": "Use only the first N training images.  [default: all]",
    "validation": "Fraction of the training images to validate on if the corpus has no validation split.",
    "split_seed": "Random seed for drawing these validation images.",
    "normalize": "Leave pixels at 0 to 255 (none), scale them to 0 to 1 (unit), or standardise channels.",
    "model": "Type of model.",
    "hidden": "Sizes of the hidden layers, such as 100,100.  [default: 50; simple-cnn 100]",
    "activation": "Activation function of mlp.  [default: relu]",
    "weight_init": "Weight initialisation: he, xavier, std (deviation 0.01), or a standard deviation.",
    "batch_norm": "Use batch normalisation before each activation of mlp.  [default: no]",
    "dropout": "Dropout of mlp and deep-cnn.  [default: 0; deep-cnn 0.5]",
    "filters": "Filters of simple-cnn, or of each block of deep-cnn.  [default: 30; 16,32,64]",
    "filter_size": "Filter size of simple-cnn.  [default: 5]",
    "padding": "Padding of simple-cnn.  [default: 0]",
    "stride": "Stride of simple-cnn.  [default: 1]",
    "batch_size": "Batch size.",
    "eval_batch_size": "Batch size of the validation.",
    "weight_decay": "Coefficient of the weight decay; biases and batch normalisation are exempt.",
    "clip": "Scale the gradient down to this global norm if it is larger.  [default: no clipping]",
    "train_accuracy": "Report the accuracy on the training images after each epoch.",
    "test_accuracy": "Report the accuracy on the test images after each epoch.",
}
CHOICES = {"model": MODELS, "normalize": NORMALIZATIONS, "activation": ACTIVATIONS}


@training_command(
    "train-images",
    ImageClassificationSettings,
    HELP,
    CHOICES,
    "seqkit train-images mnist --model simple-cnn --out runs/mnist",
    "seqkit train-images my-folder --image-size 32 --max-time 10m",
    "seqkit classify runs/mnist picture.png",
)
def command(request: Request[ImageClassificationSettings]) -> None:
    """Train an image classifier on CORPUS.

    The weights with the best validation loss are kept; with --validation 0 the last ones.
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
