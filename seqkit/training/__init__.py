"""Training: settings, tasks, the training loop, callbacks, run directories and checkpoints."""

from seqkit.training.base_settings import Settings
from seqkit.training.callbacks import Callback, CallbackList, Record
from seqkit.training.progress import Progress
from seqkit.training.run_directory import RunDirectory
from seqkit.training.settings import ResolvedTrainingSettings, TrainingSettings
from seqkit.training.stopping import StoppingRules
from seqkit.training.task import SinglePassTask, Task
from seqkit.training.tensorboard import TensorBoard
from seqkit.training.trainer import Trainer

__all__ = [
    "Callback",
    "CallbackList",
    "Progress",
    "Record",
    "ResolvedTrainingSettings",
    "RunDirectory",
    "Settings",
    "SinglePassTask",
    "StoppingRules",
    "Task",
    "TensorBoard",
    "Trainer",
    "TrainingSettings",
]
