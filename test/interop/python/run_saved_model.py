"""Loads SavedModels with TensorFlow, runs them, and writes what they give.

Reads from stdin [{"path", "inputs": [{"name", "file", "dtype", "dims"}], "outputs": [{"name", "file"}]}]: inputs are raw
bytes, outputs are written as raw bytes of their own type. Prints [{"path", "verdict", "dtypes"}].
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf


def run(job):
    function = tf.saved_model.load(job["path"]).signatures["serving_default"]
    feeds = {
        port["name"]: tf.constant(np.fromfile(port["file"], dtype=port["dtype"]).reshape(port["dims"]))
        for port in job["inputs"]
    }
    results = function(**feeds)
    for port in job["outputs"]:
        results[port["name"]].numpy().tofile(port["file"])
    return {port["name"]: results[port["name"]].dtype.name for port in job["outputs"]}


verdicts = []
for job in json.load(sys.stdin):
    try:
        verdicts.append({"path": job["path"], "verdict": "ok", "dtypes": run(job)})
    except Exception as error:
        verdicts.append({"path": job["path"], "verdict": str(error)[:1000], "dtypes": {}})
json.dump(verdicts, sys.stdout)
