"""Writes what multiplies for late interaction: `python -m index.model.products`.

The file ships with the program, since `onnx` is not kept where models were exported beforehand.
"""

from importlib.resources import files
from pathlib import Path

from onnx import ModelProto, TensorProto, helper, save_model

from index.model.graph import IR_VERSION, OPSETS

FILE = Path(str(files("index.data") / "products.onnx"))
_HALVES = ("low", "high")


def build() -> ModelProto:
    """Return the graph.

    Inputs: low, high, uint8 (tokens, n), the even and the odd components of passages' tokens;
    even, odd, int8 (n, question's tokens), those of the question's.
    Output: products, int32 (tokens, question's tokens).
    """
    stated = [helper.make_tensor_value_info(x, TensorProto.UINT8, ["t", "n"]) for x in _HALVES]
    asked = [
        helper.make_tensor_value_info(x, TensorProto.INT8, ["n", "q"]) for x in ("even", "odd")
    ]
    products = helper.make_tensor_value_info("products", TensorProto.INT32, ["t", "q"])
    nodes = [
        helper.make_node("MatMulInteger", ["low", "even"], ["first"]),
        helper.make_node("MatMulInteger", ["high", "odd"], ["second"]),
        helper.make_node("Add", ["first", "second"], ["products"]),
    ]
    graph = helper.make_graph(nodes, "products", [*stated, *asked], [products])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)


if __name__ == "__main__":
    save_model(build(), str(FILE))
