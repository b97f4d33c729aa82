"""Codes and values of number formats by ml_dtypes and NumPy, independent of ours.

    encode_formats.py < cases

stdin: a JSON list of {id, x: [uint32 bits of float32]}; stdout: a list of {codes, values: [uint32 bits]}: the value that
each x rounds to, and its code where the format has one of at most 16 bits. Nothing saturates.
"""

import json
import sys

import ml_dtypes
import numpy as np

TYPES = {
    "fp8": "float8_e4m3fn",
    "fp8e5m2": "float8_e5m2",
    "fp8fnuz": "float8_e4m3fnuz",
    "fp8e5m2fnuz": "float8_e5m2fnuz",
    "fp4": "float4_e2m1fn",
    "fp6e2m3": "float6_e2m3fn",
    "fp6e3m2": "float6_e3m2fn",
    "bf16": "bfloat16",
}


def tensor_float(x, how):
    """11 significant bits by arithmetic in float64 (float32 has no subnormal that matters: steps stay 2^-136)."""
    wide = x.astype(np.float64)
    _, exponent = np.frexp(wide)
    step = np.ldexp(1.0, np.maximum(exponent, -125) - 11)
    steps = wide / step
    away = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
    rounded = {"tf32": np.rint(steps), "tf32rna": away, "tf32rz": np.trunc(steps)}[how]
    return (rounded * step).astype(np.float32)


def encode(name, x):
    if name.startswith("tf32"):
        return [], tensor_float(x, name)
    dtype = np.float16 if name == "fp16" else np.dtype(getattr(ml_dtypes, TYPES[name]))
    low = x.astype(dtype)
    return low.view(np.uint16 if np.dtype(dtype).itemsize == 2 else np.uint8).tolist(), low.astype(np.float32)


results = []
for case in json.load(sys.stdin):
    x = np.array(case["x"], np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        codes, values = encode(case["id"], x)
    results.append({"codes": codes, "values": values.view(np.uint32).tolist()})
print(json.dumps(results))
