"""The referee: onnxruntime's own quantize_static on a folder of samples, judged by SQNR against the FP32 model.

    quantize_static.py MODEL CALIBRATION [EVALUATION] [--method MinMax] [--activation QInt8] [--weight QInt8]
                       [--per-tensor] [--symmetric] [--keep OUT.onnx]

CALIBRATION and EVALUATION hold one .npz a sample, an array for each graph input; CALIBRATION may also hold JPEG
photographs, which are cropped to 224 × 224 and normalised as torchvision's ImageNet networks want. Prints one JSON object:
    status      "ok", or the stage that failed and its message
    sqnr        dB for each output: 10 log10 of the sums of squares, over all evaluation samples
    agreement   share of samples whose largest value of the first output is at the same place as in FP32
    top1        share of right answers, FP32 and quantized, where EVALUATION.labels.txt exists
    quantized_tensors   DequantizeLinear nodes of the main graph: 0 means that the tool changed nothing
    seconds     of quantize_static alone; peak_mb, the process's peak memory after it
"""

import argparse
import contextlib
import json
import logging
import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from PIL import Image
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    def __init__(self, folder, name):
        self.rest = iter(sorted(f for f in pathlib.Path(folder).iterdir() if f.suffix in (".npz", ".jpg")))
        self.name = name

    def get_next(self):
        file = next(self.rest, None)
        if file is None:
            return None
        return dict(np.load(file)) if file.suffix == ".npz" else {self.name: photograph(file)}


def photograph(file):
    image = Image.open(file).convert("RGB")
    factor = 256 / min(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    normal = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return normal.transpose(2, 0, 1)[None].astype(np.float32)


def prepared(source, folder):
    """Opset 13 at least, as per-channel Q/DQ needs, then the tool's own preparation; each step may fail on its own."""
    notes, model = [], onnx.load(source)
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset < 13:
        try:
            model = version_converter.convert_version(model, 13)
            model.ir_version = max(model.ir_version, 7)
            onnxruntime.InferenceSession(model.SerializeToString())
        except Exception as error:
            notes.append(f"version_converter: {first_line(error)}")
            model = onnx.load(source)
    converted, ready = folder / "converted.onnx", folder / "ready.onnx"
    onnx.save(model, converted)
    for skip in (False, True):
        try:
            quant_pre_process(str(converted), str(ready), skip_symbolic_shape=skip)
            return ready, notes
        except Exception as error:
            notes.append(f"quant_pre_process{' without symbolic shapes' if skip else ''}: {first_line(error)}")
    return converted, notes


def first_line(error):
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300] if str(error).strip() else ''}"


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(model), options)


def judge(source, quantized, folder):
    reference, candidate = session(source), session(quantized)
    names = [o.name for o in reference.get_outputs()]
    signal, noise = np.zeros(len(names)), np.zeros(len(names))
    agree, count, hits = 0, 0, np.zeros(2, int)
    labels = pathlib.Path(f"{folder}.labels.txt")
    expected = np.loadtxt(labels, dtype=int) if labels.exists() else None
    for file in sorted(pathlib.Path(folder).glob("*.npz")):
        feeds = dict(np.load(file))
        a, b = reference.run(names, feeds), candidate.run(names, feeds)
        for i, (x, y) in enumerate(zip(a, b)):
            x, y = x.astype(np.float64), y.astype(np.float64)
            signal[i] += (x * x).sum()
            noise[i] += ((x - y) ** 2).sum()
        first = a[0].argmax(), b[0].argmax()
        agree += first[0] == first[1]
        if expected is not None:
            hits += np.array(first) == expected[count]
        count += 1
    with np.errstate(divide="ignore"):
        decibels = 10 * np.log10(signal / np.maximum(noise, 1e-300))
    verdict = {"sqnr": {n: round(float(min(db, 200)), 2) for n, db in zip(names, decibels)},
               "agreement": round(float(agree / count), 4), "samples": count}
    if expected is not None:
        verdict |= {"top1": [round(float(h / count), 4) for h in hits]}
    return verdict


def run(args):
    result = {"status": "ok", "notes": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ready, result["notes"] = prepared(args.model, folder)
        out, stage = pathlib.Path(args.keep or folder / "out.onnx"), "quantize_static"
        try:
            start = time.time()
            quantize_static(
                str(ready), str(out), Samples(args.calibration, session(ready).get_inputs()[0].name), quant_format=QuantFormat.QDQ,
                per_channel=not args.per_tensor, calibrate_method=CalibrationMethod[args.method],
                activation_type=QuantType[args.activation], weight_type=QuantType[args.weight],
                extra_options={"ActivationSymmetric": args.symmetric})
            result["seconds"] = round(time.time() - start, 2)
            result["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            stage = "checker"
            onnx.checker.check_model(str(out))
            nodes = onnx.load(out).graph.node
            result["quantized_tensors"] = sum(n.op_type == "DequantizeLinear" for n in nodes)
            stage = "run"
            result |= judge(args.model, out, args.evaluation) if args.evaluation else {}
        except Exception as error:
            result["status"] = f"{stage}: {first_line(error)}"
    return result


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "calibration"):
        parser.add_argument(name)
    parser.add_argument("evaluation", nargs="?")
    parser.add_argument("--method", default="MinMax", choices=["MinMax", "Percentile", "Entropy"])
    parser.add_argument("--activation", default="QInt8", choices=["QInt8", "QUInt8"])
    parser.add_argument("--weight", default="QInt8", choices=["QInt8", "QUInt8"])
    parser.add_argument("--per-tensor", action="store_true")
    parser.add_argument("--symmetric", action="store_true")
    parser.add_argument("--keep")
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(4)
    with contextlib.redirect_stdout(sys.stderr):  # The tool chats on stdout; only the verdict belongs there.
        verdict = run(parser.parse_args())
    print(json.dumps(verdict))


main()
