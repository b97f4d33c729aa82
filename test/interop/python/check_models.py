"""An independent reader: checks each MODEL with onnx, types and shapes included.

    check_models.py MODEL...

Prints [{verdict, opset, types: [name]}], the element types of the initializers.
"""

import json
import sys

import onnx


def check(path):
    try:
        onnx.checker.check_model(path, full_check=True)
        verdict = "ok"
    except Exception as error:
        verdict = f"{type(error).__name__}: {str(error)[:500]}"
    model = onnx.load(path)
    types = {onnx.TensorProto.DataType.Name(t.data_type) for t in model.graph.initializer}
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    return {"verdict": verdict, "opset": opset, "types": sorted(types)}


print(json.dumps([check(path) for path in sys.argv[1:]]))
