"""An independent reader: checks each MODEL with onnx, types and shapes included, and opens it in onnxruntime.

    open_models.py LEVEL:MODEL...

LEVEL is one of onnxruntime's levels of optimisation: all or basic. Prints [{checker, opened}]: "ok" or what was said.
"""

import json
import sys

import onnx
import onnxruntime

LEVELS = onnxruntime.GraphOptimizationLevel


def said(work):
    try:
        work()
        return "ok"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"


def check(argument):
    level, path = argument.split(":", 1)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = LEVELS.ORT_ENABLE_ALL if level == "all" else LEVELS.ORT_ENABLE_BASIC
    return {
        "checker": said(lambda: onnx.checker.check_model(path, full_check=True)),
        "opened": said(lambda: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])),
    }


print(json.dumps([check(argument) for argument in sys.argv[1:]]))
