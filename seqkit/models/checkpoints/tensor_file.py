"""A safetensors file of any origin as float32 arrays."""

from pathlib import Path

import numpy as np

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import SafetensorsData
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.platforms import map_file

_FLOATS = ("F16", "BF16", "F32", "F64")


class TensorFile:
    """The tensors of a file, mapped into memory; its header is checked before anything is believed.

    Raises RunError for a file that cannot be read, DamagedFileError, naming the tensor, for a header that
    does not fit the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = map_file(path)
        except OSError as error:
            raise RunError(
                f"cannot read {path} ({error.strerror or error})", remedy="copy or download it again"
            ) from error
        refuse_substitute(path, data[:HEAD], error=DamagedFileError)
        self._tensors = SafetensorsData(data, self._damaged, unknown_dtype=self._unreadable)

    def _damaged(self, why: str, byte: int) -> DamagedFileError:
        return DamagedFileError(f"{self.path} is damaged: {why}", remedy="copy or download it again")

    def _unreadable(self, name: str, dtype: object) -> RunError:
        return RunError(
            f"{self.path}: expected {name} of a floating-point type, got {dtype!r}",
            remedy="give weights that are not quantised",
        )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by name."""
        return {name: entry.shape for name, entry in self._tensors.entries.items()}

    def read(self, name: str) -> np.ndarray:
        """Return a tensor of floating-point numbers as float32, read-only; float32 stays in the file.

        Raises:
            RunError: For a tensor of integers.
            DamagedFileError: For a value that is not finite, also as float32.
        """
        dtype = self._tensors.entries[name].dtype
        if dtype not in _FLOATS:
            raise self._unreadable(name, dtype)
        array = self._tensors.array(name)
        if dtype == "BF16":  # the upper half of a float32
            array = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            array = array.astype(np.float32, copy=False)
            finite = (
                np.isfinite(array.sum()) or np.isfinite(array).all()
            )  # a sum of finite numbers may overflow
        if not finite:
            at = np.argmin(np.isfinite(array).ravel())
            place = ", ".join(map(str, np.unravel_index(at, array.shape)))
            raise self._damaged(f"expected finite values in {name}, got {array.flat[at]} at ({place})", 0)
        return array
