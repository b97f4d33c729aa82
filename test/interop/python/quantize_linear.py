"""QuantizeLinear and DequantizeLinear by the reference evaluator of onnx, the standard's own definition in NumPy.

    quantize_linear.py < cases

stdin: a JSON list of {x: [uint32 bits of float32], scale: bits, zero_point, dtype: an ONNX element type};
stdout: a list of {q: [codes], y: [uint32 bits]}, y = DequantizeLinear(q). Codes of floats are their bits.
"""

import json
import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


KINDS = {name.lower(): number for name, number in TensorProto.DataType.items()}


def evaluator(kind):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
         helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])],
        "pair",
        [value("x", TensorProto.FLOAT, [None]), value("s", TensorProto.FLOAT, []), value("z", kind, [])],
        [value("q", kind, [None]), value("y", TensorProto.FLOAT, [None])])
    return ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)]))


def bits(values):
    return np.array(values, np.uint32).view(np.float32)


def codes(q):
    """Numbers of integers (those of 2 and 4 bits are ml_dtypes' own), bits of floats."""
    if "float" in q.dtype.name:
        return q.view(np.uint8).tolist()
    return q.astype(np.int32).tolist()


results = []
for case in json.load(sys.stdin):
    kind = KINDS[case["dtype"]]
    zero_point = np.array(case["zero_point"]).astype(helper.tensor_dtype_to_np_dtype(kind))
    scale = np.array(bits([case["scale"]])[0], np.float32)
    feeds = {"x": bits(case["x"]), "s": scale, "z": zero_point}
    with np.errstate(all="ignore"):
        q, y = evaluator(kind).run(None, feeds)
    results.append({"q": codes(q), "y": np.asarray(y, np.float32).view(np.uint32).tolist()})
print(json.dumps(results))
