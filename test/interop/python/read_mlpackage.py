"""An independent reader of Core ML packages: coremltools loads each, type-checks its program, and works out what its
compressed constants stand for.

    read_mlpackage.py CONSTANTS PACKAGE…

Writes CONSTANTS/<package>/<name>.bin, the values of each constexpr operation as float32, and prints for each package
{name, verdict, operations: {type: count}, constants: {name: shape}, inputs: {name: kind}}.
"""

import json
import logging
import pathlib
import sys

logging.disable(logging.CRITICAL)

import coremltools as ct  # noqa: E402
import numpy as np  # noqa: E402
from coremltools.converters.mil.frontend.milproto.load import load  # noqa: E402


def read(path, constants):
    model = ct.models.MLModel(str(path), skip_model_load=True)
    spec = model.get_spec()
    program = load(
        spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir
    )
    operations, shapes = {}, {}
    folder = constants / path.name
    folder.mkdir(parents=True, exist_ok=True)
    for op in program.functions["main"].operations:
        operations[op.op_type] = operations.get(op.op_type, 0) + 1
        if op.op_type.startswith("constexpr_"):
            values = op.materialized_val_inference()
            if isinstance(values, tuple):
                continue
            name = op.outputs[0].name
            values = np.asarray(values)
            shapes[name] = list(values.shape)
            values.astype(np.float32).tofile(folder / f"{name}.bin")
    inputs = {i.name: i.type.WhichOneof("Type") for i in spec.description.input}
    return {"verdict": "ok", "operations": operations, "constants": shapes, "inputs": inputs}


def main(constants, *packages):
    results = []
    for package in map(pathlib.Path, packages):
        try:
            result = read(package, pathlib.Path(constants))
        except Exception as error:
            result = {"verdict": f"{type(error).__name__}: {str(error)[:500]}"}
        results.append({"name": package.name, **result})
    print(json.dumps(results))


main(*sys.argv[1:])
