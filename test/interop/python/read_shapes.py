"""Infers the shapes of each model strictly, without its weights: prints {path: nodes}. Usage: read_shapes.py MODEL..."""
import json
import sys

import onnx

nodes = {}
for path in sys.argv[1:]:
    model = onnx.load(path, load_external_data=False)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    nodes[path] = len(inferred.graph.node)
print(json.dumps(nodes))
