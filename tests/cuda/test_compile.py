"""The CUDA sources compile without a GPU, with the compilers that a GPU's machine would use."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seqkit.backend.kernels import cuda
from tests.cuda.emulator import KERNEL
from tests.exhaustive import some

FAMILIES = sorted(path.parent.name for path in Path(cuda.__file__).parent.glob("*/gpu.cu"))

ARCHITECTURES = some((75, 90), 2)
"""Turing, the oldest that CUDA 13 takes, and Hopper."""


@pytest.mark.skipif(
    shutil.which("nvcc") is None, reason="nvcc is not installed: CUDA sources are not compiled"
)
@pytest.mark.parametrize("family", FAMILIES)
def test_nvcc(family: str, tmp_path: Path) -> None:
    """To machine code for each architecture; a warning, spilled registers or a stack in memory fail."""
    code, binary = tmp_path / f"{family}.cu", tmp_path / f"{family}.fatbin"
    code.write_text(cuda.source(family))
    targets = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in ARCHITECTURES]
    strict = ["--Werror", "all-warnings", "-Xptxas", "--warn-on-spills,--warn-on-local-memory-usage"]
    done = subprocess.run(
        ["nvcc", "-fatbin", *cuda.OPTIONS, *strict, *targets, "-o", binary, code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    compiled = binary.read_bytes()
    for name in KERNEL.findall(cuda.source(family)):
        assert name.encode() in compiled


@pytest.mark.skipif(
    shutil.which("nvcc") is None, reason="nvcc is not installed: CUDA sources are not compiled"
)
def test_nvcc_refuses_a_warning(tmp_path: Path) -> None:
    """The strictness of the test above is real."""
    code = tmp_path / "unused.cu"
    code.write_text('extern "C" __global__ void kernel(int* x) { int unused; x[0] = 1; }\n')
    done = subprocess.run(
        ["nvcc", "-fatbin", "--Werror", "all-warnings", "-o", tmp_path / "unused.fatbin", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "unused" in done.stdout + done.stderr


def _nvrtc() -> ctypes.CDLL | None:
    """The library of NVIDIA's wheels (nvidia-cuda-nvrtc, which CuPy can bring), or the toolkit's."""
    wheels = [path for entry in sys.path if entry for path in Path(entry).glob("nvidia/*/lib/libnvrtc.so.*")]
    beside = Path(shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc").resolve().parents[1]
    toolkit = [*beside.glob("lib64/libnvrtc.so"), *Path("/usr/local/cuda").glob("lib64/libnvrtc.so")]
    for name in (*wheels, *toolkit, ctypes.util.find_library("nvrtc")):
        if name is not None:
            try:
                return ctypes.CDLL(str(name))
            except OSError:
                continue
    return None


@pytest.mark.parametrize("family", FAMILIES)
def test_nvrtc(family: str) -> None:
    """As CuPy compiles them: no headers at hand, and its -ftz=true."""
    nvrtc = _nvrtc()
    if nvrtc is None:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc): not compiled as CuPy does")
    program = ctypes.c_void_p()
    source = cuda.source(family).encode()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"gpu.cu", 0, None, None) == 0
    for architecture in ARCHITECTURES:
        options = [*cuda.OPTIONS, "-ftz=true", f"--gpu-architecture=sm_{architecture}"]
        outcome = nvrtc.nvrtcCompileProgram(
            program, len(options), (ctypes.c_char_p * len(options))(*(x.encode() for x in options))
        )
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        assert (outcome, log.value.decode()) == (0, "")
        assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
        cubin = ctypes.create_string_buffer(size.value)
        assert nvrtc.nvrtcGetCUBIN(program, cubin) == 0
        for name in KERNEL.findall(source.decode()):
            assert name.encode() in cubin.raw
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
