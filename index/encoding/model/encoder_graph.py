"""Writer of the encoder as an ONNX graph, made from the 4-bit blocks of the packed weights.

The word embedding keeps its values: ONNX Runtime reads the same 4-bit blocks
(`GatherBlockQuantized`). The layers are requantised to 8 bits in blocks twice as long
(`MatMulNBits`): a question takes an eighth less time and a build a fifth less, and the new
rounding changes the fourth decimal of a cosine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save_model

from index.arrays import Floats
from index.encoding.model.container import BLOCK, Bytes, Container
from index.encoding.model.model_files import GRAPH, STATE_LAYERS, TABLE

FUSED = "com.microsoft"
OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid(FUSED, 1))
IR_VERSION = 10
_WORD_BITS = 4
_LAYER_BITS = 8
_LAYER_BLOCK = 64
# Inputs of a product are rounded to 8 bits too, at a cosine of 0.9994 and more to what single
# precision gives, which takes seven times as long.
INT8_INPUTS = 4
# Where a mapped tensor may start on every system.
_ALIGNMENT = 65536


def write(container: Container, folder: Path) -> None:
    """Write `model.onnx` and the word embedding beside it.

    Inputs: input_ids, attention_mask, int64 (batch, length).
    Output: states, float32 (batch, length, hidden times STATE_LAYERS), the hidden states of those
    layers side by side.
    Large arrays stand in a file of their own, which is mapped and not loaded: a query touches only
    a few of the 250,037 rows of the word embedding, and ONNX Runtime copies the layers into the
    order that its products need.
    """
    with (folder / TABLE).open("wb") as table:
        model = _Graph(container, table).build()
    save_model(model, str(folder / GRAPH))


def repack(nibbles: Bytes) -> Bytes:
    """Return the container's blocks in the order of ONNX Runtime, uint8 (n, 16).

    Byte i of a result holds value 2i in its low half and value 2i + 1 in its high half; byte i of
    the container holds values i and i + 16.
    """
    return paired(np.concatenate([nibbles & 0xF, nibbles >> 4], axis=1))


def paired(values: Bytes) -> Bytes:
    """Return 4-bit values packed in pairs along the last axis, the first in the low half."""
    packed: Bytes = values[..., 0::2] | (values[..., 1::2] << np.uint8(4))
    return packed


def quantised(matrix: Floats, bits: int, block: int) -> tuple[Bytes, Floats]:
    """Return a matrix quantised in blocks: values uint8 (rows, blocks, block), and scales.

    The scales are float32 (rows, blocks). A value stands for `(value - middle) * scale`, where
    `middle` is half of the range of the bits, e.g. 8 for 4 bits.
    """
    middle = 1 << (bits - 1)
    blocks = matrix.reshape(len(matrix), -1, block)
    scales: Floats = np.maximum(np.abs(blocks).max(axis=2), 1e-12) / np.float32(middle - 1)
    values = np.rint(blocks / scales[:, :, None]) + middle
    return values.astype(np.uint8), scales.astype(np.float32)


def mapped(name: str, array: npt.NDArray[np.generic], table: BinaryIO) -> TensorProto:
    """Write the values of a constant into the file beside the graph and return the constant."""
    table.write(b"\0" * (-table.tell() % _ALIGNMENT))
    place = {"location": Path(table.name).name, "offset": table.tell(), "length": array.nbytes}
    table.write(np.ascontiguousarray(array).tobytes())
    tensor = TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
        dims=array.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


class _Graph:
    """A builder of nodes and constants; methods that return a name give that of their result."""

    def __init__(self, container: Container, table: BinaryIO) -> None:
        self.container = container
        self.sizes = container.sizes
        self.table = table
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def build(self) -> ModelProto:
        """Return the ONNX model of the whole encoder."""
        self._node("Cast", ["attention_mask"], "mask", domain="", to=TensorProto.INT32)
        state = self._embedding()
        kept = []
        for layer in range(self.sizes.layers):
            state = self._layer(state, f"l{layer}")
            if layer + 1 in STATE_LAYERS:
                kept.append(state)
        self._node("Concat", kept, "states", domain="", axis=-1)
        shape = ["batch", "length"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info(
            "states", TensorProto.FLOAT, [*shape, len(STATE_LAYERS) * self.sizes.hidden]
        )
        graph = helper.make_graph(self.nodes, "encoder", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)

    def _embedding(self) -> str:
        words = self._words()
        hidden = self.sizes.hidden
        # Only the first token type is used, so it is part of the position.
        types = self.container.floats("emb.type").reshape(-1, hidden)
        positions = self.container.floats("emb.pos").reshape(-1, hidden) + types[0]
        self._constant("emb.pos", positions)
        self._constant("zero", np.array([0], dtype=np.int64))
        self._node("Shape", ["input_ids"], "length", domain="", start=1, end=2)
        self._node("Slice", ["emb.pos", "zero", "length", "zero"], "position", domain="")
        return self._norm(words, "position", "emb.ln")

    def _words(self) -> str:
        scales, nibbles = self.container.blocks("emb.word")
        rows = self.sizes.vocabulary
        self._mapped("emb.word.blocks", repack(nibbles).reshape(rows, -1))
        self._mapped("emb.word.scales", scales.reshape(rows, -1))
        return self._node(
            "GatherBlockQuantized",
            ["emb.word.blocks", "input_ids", "emb.word.scales"],
            "word",
            bits=_WORD_BITS,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def _layer(self, state: str, layer: str) -> str:
        hidden, inner = self.sizes.hidden, self.sizes.intermediate
        parts = [f"{layer}.{part}" for part in "qkv"]
        thirds = [f"{part}.third" for part in parts]
        # As one product they are done faster than as three.
        joined = self._linear(state, f"{layer}.qkv", hidden, hidden, parts)
        self.nodes.append(helper.make_node("Split", [joined], thirds, axis=-1, num_outputs=3))
        mixed = self._node(
            "MultiHeadAttention",
            [*thirds, "", "mask"],
            f"{layer}.attention",
            num_heads=self.sizes.heads,
        )
        attended = self._linear(mixed, f"{layer}.ao", hidden, hidden)
        state = self._norm(attended, state, f"{layer}.aln")
        wide = self._linear(state, f"{layer}.fi", hidden, inner)
        bent = self._node("Gelu", [wide], f"{layer}.gelu")
        return self._norm(self._linear(bent, f"{layer}.fo", inner, hidden), state, f"{layer}.oln")

    def _linear(
        self, source: str, name: str, columns: int, rows: int, parts: Sequence[str] = ()
    ) -> str:
        """Add the product with a matrix, or with several of the same size joined; return its name.

        parts: the names of the joined matrices, empty if `name` is the only one.
        """
        parts = parts or [name]
        matrix = np.concatenate(
            [self.container.dequantise(f"{part}.w").reshape(rows, columns) for part in parts]
        )
        bias = np.concatenate([self.container.floats(f"{part}.b") for part in parts])
        blocks, scales = quantised(matrix, _LAYER_BITS, _LAYER_BLOCK)
        return self._node(
            "MatMulNBits",
            [
                source,
                self._mapped(f"{name}.blocks", blocks),
                self._constant(f"{name}.scales", scales.reshape(-1)),
                "",  # zero points: 128 is implied
                "",
                self._constant(f"{name}.bias", bias),
            ],
            name,
            K=columns,
            N=len(matrix),
            bits=_LAYER_BITS,
            block_size=_LAYER_BLOCK,
            accuracy_level=INT8_INPUTS,
        )

    def _norm(self, source: str, skip: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self.container.floats(f"{name}.w"))
        bias = self._constant(f"{name}.bias", self.container.floats(f"{name}.b"))
        # Both at once, as SkipLayerNormalization, takes three times as long.
        summed = self._node("Add", [source, skip], f"{name}.sum", domain="")
        return self._node(
            "LayerNormalization",
            [summed, weight, bias],
            name,
            domain="",
            axis=-1,
            epsilon=self.sizes.epsilon,
        )

    def _node(
        self,
        operator: str,
        inputs: list[str],
        output: str,
        domain: str = FUSED,
        **attributes: Any,
    ) -> str:
        node = helper.make_node(
            operator, inputs, [output], name=output, domain=domain, **attributes
        )
        self.nodes.append(node)
        return output

    def _constant(self, name: str, array: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _mapped(self, name: str, array: npt.NDArray[np.generic]) -> str:
        self.constants.append(mapped(name, array, self.table))
        return name
