"""Golden vectors of the narrow float formats, from ml_dtypes:

    golden_formats.py > test/kernels/golden/formats.json

{inputs, formats: {id: {decode: value of every code, encode: code of every input, saturated: the same with |x| held to
the largest value}}}. JSON has no NaN, Infinity and -0: they are strings. NaN becomes the largest value where a format
has none (ONNX, float4e2m1); the sign of NaN is dropped.
"""

import json
import sys

import ml_dtypes
import numpy as np

FORMATS = {
    "fp8": "float8_e4m3fn",
    "fp8fnuz": "float8_e4m3fnuz",
    "fp8e5m2": "float8_e5m2",
    "fp8e5m2fnuz": "float8_e5m2fnuz",
    "fp4": "float4_e2m1fn",
    "fp6e2m3": "float6_e2m3fn",
    "fp6e3m2": "float6_e3m2fn",
}
# Powers, ties of several formats and their neighbours, the edges of each, subnormals.
INPUTS = [
    0, "-0", "NaN", "Infinity", "-Infinity", 1, -1, 0.1, 0.2, 0.3, 0.25, 0.5, 0.75, 1.0625, 1.1875, 1.25, 1.75, 2.5,
    3.5, 5, -5, 6, 7, 7.5, 7.75, 26, 28, 30, 100, 208, 216, 224, 232, 240, 248, 256, 416, 432, 448, 464, 464.00003, 480,
    496, 57344, 61439.996, 61440, 65536, -65536, 1e9, 1e-3, 0.015625, 0.01171875, 2**-9, 2**-10, 1.0001 * 2**-10,
    3 * 2**-10, 2**-14, 2**-15, 2**-16, 2**-17, 1.001 * 2**-17, 2**-18, 1e-10, 3.4e38, -3.4e38,
]


def plain(values):
    def one(v):
        if np.isnan(v):
            return "NaN"
        if np.isinf(v):
            return "Infinity" if v > 0 else "-Infinity"
        return "-0" if v == 0 and np.signbit(v) else float(v)

    return [one(v) for v in values]


def encode(x, dtype, nan):
    with np.errstate(all="ignore"):
        codes = x.astype(dtype).view(np.uint8).astype(int)
    return np.where(np.isnan(x), nan, codes).tolist()


x = np.array([float(v) for v in INPUTS], np.float32)
formats = {}
for name, spec in FORMATS.items():
    dtype = getattr(ml_dtypes, spec)
    info = ml_dtypes.finfo(dtype)
    codes = np.arange(2**info.bits, dtype=np.uint8)
    with np.errstate(all="ignore"):
        decode = codes.view(dtype).astype(np.float32)
        nan = np.array([np.nan], np.float32).astype(dtype).view(np.uint8)[0]
    top = np.float32(info.max)
    nan = int(nan) if np.isnan(decode).any() else int(np.where(decode == top)[0][0])
    formats[name] = {
        "decode": plain(decode),
        "encode": encode(x, dtype, nan),
        "saturated": encode(np.clip(x, -top, top), dtype, nan),
    }
json.dump({"inputs": plain(x), "formats": formats}, sys.stdout, separators=(",", ":"))
print()
