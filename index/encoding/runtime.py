"""ONNX Runtime, set up for encoders and late interaction."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from index.cpus import usable_cpus
from index.errors import is_short_of_memory

_MAX_THREADS = 8


def session(path: Path) -> onnxruntime.InferenceSession:
    """Return a session that runs an ONNX graph; any number of threads may use it at once."""
    options = onnxruntime.SessionOptions()
    # One question is too small to be shared by processors, and several keep them busy; so do the
    # batches of a build, in threads: they are done 1.4 times as fast as one by one on all of them.
    options.intra_op_num_threads = 1
    # What goes wrong is raised; it need not be printed as well.
    options.log_severity_level = 4
    # An arena keeps what the largest batch took, to save time on the longest texts alone.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(
    graph: onnxruntime.InferenceSession, inputs: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """Run a graph that has one output and return that output. Raises MemoryError."""
    try:
        (found,) = graph.run(None, dict(inputs))
    except Exception as error:
        if is_short_of_memory(error):
            raise MemoryError(str(error)) from error
        raise
    output: npt.NDArray[Any] = found
    return output


def threads(name: str) -> ThreadPoolExecutor:
    """Return a pool with one thread for each usable processor, at most 8."""
    return ThreadPoolExecutor(min(usable_cpus(), _MAX_THREADS), name)
