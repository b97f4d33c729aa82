"""Gradients of a network by an independent autograd: torch where it is installed, else JAX.

Usage: autograd.py JOB.json
The job names an ONNX file with every size a number, its one input and the shares of classes as raw float32, the scores
that cross-entropy reads, and our gradients of its constants as raw float32. Prints {framework, version, whole, norms}: of the
whole gradient and of each constant's, the norm and that of the difference to ours. With "steps" it times so many training steps (forward,
backward, SGD with momentum on two threads) of the same network instead: {framework, version, milliseconds}.
"""
import json
import pathlib
import sys
import time

import numpy as np
import onnx
from onnx import numpy_helper

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None


def run(nodes, values, ops):
    """Runs the nodes in order; `values` holds inputs and constants and takes what is computed."""
    for node in nodes:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] if name else None for name in node.input]
        values[node.output[0]] = ops[node.op_type](*inputs, **attributes)
    return values


def shape_of(x, dims):
    return [x.shape[i] if d == 0 else int(d) for i, d in enumerate(dims)]


def flat_dims(x, axis=1):
    return int(np.prod(x.shape[:axis])), -1


def gemm(a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0):
    product = alpha * ((a.T if transA else a) @ (b.T if transB else b))
    return product if c is None else product + beta * c


def batch_norm(x, scale, bias, mean, var, epsilon=1e-5, momentum=0.9):
    column = (1, -1) + (1,) * (len(x.shape) - 2)
    factor = scale / (var + epsilon) ** 0.5
    return x * factor.reshape(column) + (bias - mean * factor).reshape(column)


def even(pads):
    half = len(pads) // 2
    assert pads[:half] == pads[half:], pads
    return tuple(pads[:half])


SHARED = {
    "Add": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "MatMul": lambda a, b: a @ b,
    "Gemm": gemm,
    "BatchNormalization": batch_norm,
    "Flatten": lambda x, axis=1: x.reshape(flat_dims(x, axis)),
    "GlobalAveragePool": lambda x: x.mean(tuple(range(2, len(x.shape))), keepdims=True),
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(tuple(int(a) for a in axes), keepdims=bool(keepdims)),
    "Reshape": lambda x, dims: x.reshape(shape_of(x, dims)),
}

if torch:
    FRAMEWORK, VERSION = "torch", torch.__version__
    torch.set_num_threads(2)
    OPS = {
        **SHARED,
        "Conv": lambda x, w, b=None, group=1, strides=1, dilations=1, pads=(0, 0, 0, 0), **_: F.conv2d(
            x, w, b, stride=strides, padding=even(pads), dilation=dilations, groups=group),
        "MaxPool": lambda x, kernel_shape, strides, **_: F.max_pool2d(x, kernel_shape, strides),
        "Relu": torch.relu,
        "Clip": lambda x, low, high: torch.clamp(x, float(low), float(high)),
        "Softmax": lambda x, axis=-1: torch.softmax(x, axis),
        "Transpose": lambda x, perm: x.permute(perm),
        "Concat": lambda *parts, axis: torch.cat(parts, axis),
    }

    def tensor(array):
        return torch.from_numpy(np.array(array))

    def loss_of(scores, shares):
        return -(shares * torch.log_softmax(scores, -1)).sum() / scores.shape[0]

    def gradients(forward, parameters, shares):
        leaves = {name: tensor(value).requires_grad_() for name, value in parameters.items()}
        loss_of(forward(leaves), shares).backward()
        return {name: leaf.grad.numpy() for name, leaf in leaves.items()}

    def stepper(forward, parameters, shares):
        leaves = {name: tensor(value).requires_grad_() for name, value in parameters.items()}
        optimiser = torch.optim.SGD(leaves.values(), lr=1e-6, momentum=0.9)

        def step():
            optimiser.zero_grad()
            loss_of(forward(leaves), shares).backward()
            optimiser.step()

        return step
else:
    import jax
    import jax.numpy as jnp

    FRAMEWORK, VERSION = "jax", jax.__version__

    def conv(x, w, b=None, group=1, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), **_):
        padding = [(p, p) for p in even(pads)]
        y = jax.lax.conv_general_dilated(x, w, tuple(strides), padding, rhs_dilation=tuple(dilations),
                                         dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=group)
        return y if b is None else y + b.reshape(1, -1, 1, 1)

    OPS = {
        **SHARED,
        "Conv": conv,
        "MaxPool": lambda x, kernel_shape, strides, **_: jax.lax.reduce_window(
            x, -jnp.inf, jax.lax.max, (1, 1, *kernel_shape), (1, 1, *strides), "VALID"),
        "Relu": jax.nn.relu,
        "Clip": lambda x, low, high: jnp.clip(x, float(low), float(high)),
        "Softmax": lambda x, axis=-1: jax.nn.softmax(x, axis),
        "Transpose": lambda x, perm: x.transpose(perm),
        "Concat": lambda *parts, axis: jnp.concatenate(parts, axis),
    }
    tensor = jnp.asarray

    def loss_of(scores, shares):
        return -(shares * jax.nn.log_softmax(scores, -1)).sum() / scores.shape[0]

    def gradients(forward, parameters, shares):
        leaves = {name: tensor(value) for name, value in parameters.items()}
        return jax.tree.map(np.asarray, jax.jit(jax.grad(lambda p: loss_of(forward(p), shares)))(leaves))

    def stepper(forward, parameters, shares):
        leaves = {name: tensor(value) for name, value in parameters.items()}
        step = jax.jit(jax.grad(lambda p: loss_of(forward(p), shares)))
        return lambda: jax.block_until_ready(step(leaves))


def main(file):
    job = json.loads(pathlib.Path(file).read_text())
    graph = onnx.load(job["model"]).graph
    raw = lambda name: np.fromfile(job[name], np.float32)
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    parameters = {p["name"]: constants[p["name"]] for p in job["parameters"]}
    # Shapes and axes stay numbers of Python; all else goes through the framework.
    fixed = {name: value if value.dtype == np.int64 else tensor(value) for name, value in constants.items()
             if name not in parameters}
    image = tensor(raw("input").reshape(job["inputDims"]))
    shares = tensor(raw("shares").reshape(job["sharesDims"]))
    forward = lambda leaves: run(graph.node, {**fixed, **leaves, graph.input[0].name: image}, OPS)[job["scores"]]
    said = {"framework": FRAMEWORK, "version": VERSION}
    if "steps" in job:
        step = stepper(forward, parameters, shares)
        times = []
        for _ in range(job["steps"] + 1):
            start = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - start))
        print(json.dumps({**said, "milliseconds": sorted(times[1:])[len(times[1:]) // 2]}))
        return
    ours, wanted = raw("gradients"), gradients(forward, parameters, shares)
    theirs = np.concatenate([wanted[p["name"]].ravel() for p in job["parameters"]])
    norms = {}
    for p in job["parameters"]:
        part = slice(p["offset"], p["offset"] + p["size"])
        norms[p["name"]] = [float(np.linalg.norm(v[part])) for v in (theirs, ours - theirs)]
    whole = [float(np.linalg.norm(v)) for v in (theirs, ours - theirs)]
    print(json.dumps({**said, "whole": whole, "norms": norms}))


if __name__ == "__main__":
    main(sys.argv[1])
