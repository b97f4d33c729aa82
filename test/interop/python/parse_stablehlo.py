"""Parses and verifies StableHLO modules with the dialects that jaxlib has. Arguments: paths of .mlir files.

Prints [{"path", "verdict", "types": [arguments, results]}].
"""

import json
import sys

from jax._src.interpreters import mlir
from jaxlib.mlir import ir


def parse(path):
    with mlir.make_ir_context():
        with open(path) as file:
            module = ir.Module.parse(file.read())
        module.operation.verify()
        function = module.body.operations[0]
        return [[str(t) for t in function.type.inputs], [str(t) for t in function.type.results]]


verdicts = []
for path in sys.argv[1:]:
    try:
        verdicts.append({"path": path, "verdict": "ok", "types": parse(path)})
    except Exception as error:
        verdicts.append({"path": path, "verdict": str(error)[:1000], "types": []})
json.dump(verdicts, sys.stdout)
