"""An independent reader: checks MODEL with onnx and runs it on every .npz of SAMPLES with onnxruntime.

    read_model.py MODEL SAMPLES OUTPUTS

Writes OUTPUTS/<sample>.npz, an array for each output under o0, o1, …, and prints {checker, opset, outputs: [name]}.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime


def main(model, samples, outputs):
    try:
        onnx.checker.check_model(model, full_check=True)
        verdict = "ok"
    except Exception as error:
        verdict = f"{type(error).__name__}: {str(error)[:500]}"
    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(model)
    names = [o.name for o in session.get_outputs()]
    for file in sorted(pathlib.Path(samples).glob("*.npz")):
        values = session.run(names, dict(np.load(file)))
        np.savez(pathlib.Path(outputs) / file.name, **{f"o{i}": v for i, v in enumerate(values)})
    opset = {o.domain: o.version for o in onnx.load(model, load_external_data=False).opset_import}
    print(json.dumps({"checker": verdict, "opset": opset, "outputs": names}))


main(*sys.argv[1:])
