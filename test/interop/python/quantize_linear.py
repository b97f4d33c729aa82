"""QuantizeLinear and DequantizeLinear by the reference evaluator of onnx, the standard's own definition in NumPy.

    quantize_linear.py < cases

stdin: a JSON list of {x: [uint32 bits of float32], scale: bits, zero_point, dtype: "int8"|"uint8"};
stdout: a list of {q: [codes], y: [uint32 bits]}, y = DequantizeLinear(q).
"""

import json
import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def evaluator(dtype):
    kind = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8}[dtype]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
         helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])],
        "pair",
        [value("x", TensorProto.FLOAT, [None]), value("s", TensorProto.FLOAT, []), value("z", kind, [])],
        [value("q", kind, [None]), value("y", TensorProto.FLOAT, [None])])
    return ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]))


def bits(values):
    return np.array(values, np.uint32).view(np.float32)


results = []
for case in json.load(sys.stdin):
    feeds = {"x": bits(case["x"]), "s": bits([case["scale"]])[0], "z": np.array(case["zero_point"], case["dtype"])}
    feeds["s"] = np.array(feeds["s"], np.float32)
    with np.errstate(all="ignore"):
        q, y = evaluator(case["dtype"]).run(None, feeds)
    results.append({"q": q.tolist(), "y": np.asarray(y, np.float32).view(np.uint32).tolist()})
print(json.dumps(results))
