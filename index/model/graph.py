"""Writes the encoder as an ONNX graph, straight from the 4-bit blocks.

The blocks stay as they are: ONNX Runtime multiplies (`MatMulNBits`) and looks up
(`GatherBlockQuantized`) on the same grid, so nothing is rounded twice.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save_model

from index.model.container import BLOCK, Bytes, Container
from index.model.files import GRAPH, TABLE

FUSED = "com.microsoft"
OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid(FUSED, 1))
IR_VERSION = 10
_BITS = 4
# Inputs of a product are rounded to 8 bits: 0.9 ms of 3.3 less for a short query on two cores,
# at a cosine of 0.9996 and more.
INT8_INPUTS = 4
# Where a mapped tensor may start on every system.
_ALIGNMENT = 65536


def write(container: Container, folder: Path) -> None:
    """Write `model.onnx` and the word embedding beside it.

    Inputs: input_ids, attention_mask, int64 (batch, length).
    Output: last_hidden_state, float32 (batch, length, hidden).
    The word embedding stands in a file of its own so that it is mapped, not loaded: a query
    touches a few rows of 250,037.
    """
    with (folder / TABLE).open("wb") as table:
        model = _Graph(container, table).build()
    save_model(model, str(folder / GRAPH))


def repack(nibbles: Bytes) -> Bytes:
    """Return blocks, uint8 (n, 16), whose byte i holds value 2i in its low and 2i + 1 in its
    high half, from the container's order of value i and value i + 16."""
    return paired(np.concatenate([nibbles & 0xF, nibbles >> 4], axis=1))


def paired(values: Bytes) -> Bytes:
    """Return 4-bit values two to a byte, the first of each pair in its low half; along the last
    axis."""
    packed: Bytes = values[..., 0::2] | (values[..., 1::2] << np.uint8(4))
    return packed


def mapped(name: str, array: npt.NDArray[np.generic], table: BinaryIO) -> TensorProto:
    """Return a constant of a graph whose values stand in the file beside it, written there."""
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
    """Collects nodes and constants; every method returns the name of what it computes."""

    def __init__(self, container: Container, table: BinaryIO) -> None:
        self.container = container
        self.sizes = container.sizes
        self.table = table
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def build(self) -> ModelProto:
        """Return the whole encoder."""
        self._node("Cast", ["attention_mask"], "mask", domain="", to=TensorProto.INT32)
        state = self._embedding()
        for layer in range(self.sizes.layers):
            state = self._layer(state, f"l{layer}")
        self._node("Identity", [state], "last_hidden_state", domain="")
        shape = ["batch", "length"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info(
            "last_hidden_state", TensorProto.FLOAT, [*shape, self.sizes.hidden]
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
            bits=_BITS,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def _layer(self, state: str, layer: str) -> str:
        hidden, inner = self.sizes.hidden, self.sizes.intermediate
        query, key, value = (self._linear(state, f"{layer}.{x}", hidden, hidden) for x in "qkv")
        mixed = self._node(
            "MultiHeadAttention",
            [query, key, value, "", "mask"],
            f"{layer}.attention",
            num_heads=self.sizes.heads,
        )
        attended = self._linear(mixed, f"{layer}.ao", hidden, hidden)
        state = self._norm(attended, state, f"{layer}.aln")
        wide = self._linear(state, f"{layer}.fi", hidden, inner)
        bent = self._node("Gelu", [wide], f"{layer}.gelu")
        return self._norm(self._linear(bent, f"{layer}.fo", inner, hidden), state, f"{layer}.oln")

    def _linear(self, source: str, name: str, columns: int, rows: int) -> str:
        scales, nibbles = self.container.blocks(f"{name}.w")
        blocks = repack(nibbles).reshape(rows, columns // BLOCK, BLOCK // 2)
        return self._node(
            "MatMulNBits",
            [
                source,
                self._constant(f"{name}.blocks", blocks),
                self._constant(f"{name}.scales", scales),
                "",  # zero points: 8 is implied
                "",
                self._constant(f"{name}.bias", self.container.floats(f"{name}.b")),
            ],
            name,
            K=columns,
            N=rows,
            bits=_BITS,
            block_size=BLOCK,
            accuracy_level=INT8_INPUTS,
        )

    def _norm(self, source: str, skip: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self.container.floats(f"{name}.w"))
        bias = self._constant(f"{name}.bias", self.container.floats(f"{name}.b"))
        return self._node(
            "SkipLayerNormalization",
            [source, skip, weight, bias],
            name,
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
