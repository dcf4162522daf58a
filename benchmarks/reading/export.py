"""Writes what was learned as the program has it: the projection's arrays, the readers' graph."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor

from assistant.retrieval.passage_reader import READER
from benchmarks.reading.model import COMPONENTS, Projection, Reader, Served
from index.encoding.model.encoder_graph import FUSED, INT8_INPUTS, quantised
from index.vectors.token_embeddings import LEARNED

_BLOCK = 32


def write_projection(
    projection: Projection, means: Sequence[Tensor], scales: Sequence[Tensor]
) -> None:
    """Put the projection where the program has it.

    means, scales: those of questions' and of passages' states, which become part of the projection.
    """
    sides = {"question": (projection.questions, 0), "passage": (projection.passages, 1)}
    arrays = {}
    for name, (linear, side) in sides.items():
        matrix = (linear.weight / scales[side].to(linear.weight.device)).T
        shift = linear.bias - means[side].to(linear.weight.device) @ matrix
        arrays |= {f"{name}s": matrix, f"{name}_shift": shift}
    arrays |= {
        "deviations": projection.deviations,
        "weights": projection.weights.weight[0],
    }
    kept = {name: each.detach().cpu().numpy() for name, each in arrays.items()}
    halves = {name: each.astype(np.float16) for name, each in kept.items() if each.ndim == 2}
    np.savez_compressed(str(LEARNED), **(kept | halves))


def write_readers(readers: Sequence[Reader]) -> None:
    """Put the readers where the program has them, as one graph."""
    example = (
        torch.randn(7, COMPONENTS),
        torch.randn(3, 11, COMPONENTS),
        torch.ones(3, 4, 11),
        torch.randn(3, 7, 4),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Served(readers).cpu().eval(),
            example,
            str(READER),
            input_names=["question", "passages", "members", "met"],
            output_names=["answered", "lines"],
            dynamic_axes={
                "question": {0: "asked"},
                "passages": {0: "n", 1: "stated"},
                "members": {0: "n", 1: "lines", 2: "stated"},
                "met": {0: "n", 1: "asked", 2: "lines"},
                "answered": {0: "n"},
                "lines": {0: "n", 1: "lines"},
            },
            dynamo=False,
            opset_version=18,
        )
    _pack(Path(str(READER)))


def _pack(path: Path) -> None:
    """Keep a graph's matrices in 8 bits, and multiply by them as the encoder's are."""
    model = onnx.load(str(path))
    graph = model.graph
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    packed = set()
    for node in list(graph.node):
        matrix = constants.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or matrix.ndim != 2:
            continue
        rows, columns = matrix.shape
        padded = np.pad(matrix.T, ((0, 0), (0, -rows % _BLOCK)))
        blocks, scales = quantised(padded, 8, _BLOCK)
        names = [f"{node.input[1]}.{part}" for part in ("blocks", "scales")]
        for name, array in zip(names, (blocks, scales.reshape(-1)), strict=True):
            if name not in packed:
                graph.initializer.append(numpy_helper.from_array(array, name))
                packed.add(name)
        sizes = {"K": rows, "N": columns, "bits": 8, "block_size": _BLOCK}
        product = helper.make_node(
            "MatMulNBits",
            [node.input[0], *names],
            node.output,
            domain=FUSED,
            accuracy_level=INT8_INPUTS,
            **sizes,
        )
        at = list(graph.node).index(node)
        graph.node.remove(node)
        graph.node.insert(at, product)
    used = {name for node in graph.node for name in node.input}
    for constant in list(graph.initializer):
        if constant.name not in used:
            graph.initializer.remove(constant)
    model.opset_import.append(helper.make_opsetid(FUSED, 1))
    onnx.save_model(model, str(path))
