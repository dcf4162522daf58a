"""ONNX Runtime as both encoders use it."""

from pathlib import Path

import onnxruntime


def session(path: Path) -> onnxruntime.InferenceSession:
    """Return what runs a graph; any number of threads may run it at once."""
    options = onnxruntime.SessionOptions()
    # One question is too small to be shared by processors, and several keep them busy; so do the
    # batches of a build, in threads: they are done 1.4 times as fast as one by one on all of them.
    options.intra_op_num_threads = 1
    # What goes wrong is raised; it need not be printed as well.
    options.log_severity_level = 4
    # An arena keeps what the largest batch took, 55 MB or more, to save a sixth on long ones.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
