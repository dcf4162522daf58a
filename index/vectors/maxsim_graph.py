"""Writer of the ONNX graph for late interaction: `python -m index.vectors.maxsim_graph`.

The graph multiplies token embeddings. Its file ships with the program, because installations that
import an exported model do without the package `onnx`.
"""

from onnx import ModelProto, TensorProto, helper, save_model

from index.encoding.model.encoder_graph import IR_VERSION, OPSETS
from index.vectors.token_embeddings import PRODUCTS


def build() -> ModelProto:
    """Return the graph, which computes inner products of passage tokens and question tokens.

    Inputs: low, high, uint8 (tokens, n), the even and the odd components of the passages' tokens;
    even, odd, int8 (n, question tokens), the even and the odd components of the question's tokens.
    Output: products, int32 (tokens, question tokens).
    """
    value = helper.make_tensor_value_info
    stated = [value(name, TensorProto.UINT8, ["t", "n"]) for name in ("low", "high")]
    asked = [value(name, TensorProto.INT8, ["n", "q"]) for name in ("even", "odd")]
    products = value("products", TensorProto.INT32, ["t", "q"])
    nodes = [
        helper.make_node("MatMulInteger", ["low", "even"], ["first"]),
        helper.make_node("MatMulInteger", ["high", "odd"], ["second"]),
        helper.make_node("Add", ["first", "second"], ["products"]),
    ]
    graph = helper.make_graph(nodes, "products", [*stated, *asked], [products])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)


if __name__ == "__main__":
    save_model(build(), str(PRODUCTS))
