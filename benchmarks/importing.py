"""`python -m benchmarks.importing`: seconds and memory to import and lower the CNV network of FINN (arXiv 1612.07119).

Six 3x3 convolutions without padding (64, 64, 128, 128, 256, 256 filters), two pools and three dense layers (512, 512, 10),
binary weights and activations on 8-bit pixels of [3, 32, 32]: 1.5 million parameters, random here, as a QONNX file.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from neurobin.exec import packed, reference
from neurobin.frontend.load import load
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import read_model
from neurobin.passes import lower

QONNX = "qonnx.custom_op.general"
LIMIT_S = 3.0
FILTERS = (64, 64, 128, 128, 256, 256)
POOLED = (1, 3)  # the convolutions that a pool follows
DENSE = (512, 512, 10)


class Net:
    """Nodes and constants so far; each layer reads `last`."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[object] = []
        self.constants: list[TensorProto] = []
        self.parameters = 0
        self.last = "image"

    def constant(self, values: object) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def weights(self, *shape: int) -> str:
        """Real numbers behind a quantizer, as Brevitas exports them."""
        self.parameters += int(np.prod(shape))
        return self.add("BipolarQuant", self.constant(self.rng.normal(size=shape)), self.constant(1.0), domain=QONNX)

    def activation(self, channels: int) -> None:
        """Batch norm, then a sign."""
        gamma, beta, mean = (self.rng.normal(size=channels) for _ in range(3))
        variance = self.rng.uniform(0.5, 2, channels)
        parts = [self.constant(values) for values in (gamma, beta, 8 * mean, 64 * variance)]
        normed = self.add("BatchNormalization", self.last, *parts)
        self.last = self.add("BipolarQuant", normed, self.constant(1.0), domain=QONNX)


def cnv(seed: int = 0) -> tuple[ModelProto, int]:
    """(the model, how many weights it has)."""
    net = Net(seed)
    pixels = [net.constant(value) for value in (1 / 128, 0.0, 8.0)]
    net.last = net.add("Quant", net.last, *pixels, domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND")
    channels = 3
    for index, filters in enumerate(FILTERS):
        net.last = net.add("Conv", net.last, net.weights(filters, channels, 3, 3), kernel_shape=[3, 3])
        net.activation(filters)
        if index in POOLED:
            net.last = net.add("MaxPool", net.last, kernel_shape=[2, 2], strides=[2, 2])
        channels = filters
    net.last = net.add("Flatten", net.last)
    for index, features in enumerate(DENSE):
        net.last = net.add("Gemm", net.last, net.weights(features, channels), transB=1)
        if index < len(DENSE) - 1:
            net.activation(features)
        channels = features
    ports = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("image", [1, 3, 32, 32]), (net.last, [1, DENSE[-1]]))
    ]
    graph = helper.make_graph(net.nodes, "cnv", *ports, net.constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), net.parameters


def peak_mib() -> float:
    """The most memory that this process ever held."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def main() -> None:
    model, parameters = cnv()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cnv.onnx"
        path.write_bytes(model.SerializeToString())
        del model
        images = np.random.default_rng(1).integers(0, 256, (16, 32, 32, 3))
        before = peak_mib()
        start = time.perf_counter()
        graph = load(path)
        imported = time.perf_counter()
        deployed = lower(graph, images)
        done = time.perf_counter()
        after = peak_mib()
        shape = (1, 3, 32, 32)
        floats = (images[:4] / np.float32(255)).astype(np.float32).transpose(0, 3, 1, 2)
        checked = read_model(path)
        wanted = np.concatenate([evaluate(checked, {"image": x.reshape(shape)})[checked.outputs[0]] for x in floats])
    if not np.array_equal(reference.run(graph, images[:4]), wanted):
        raise SystemExit("the graph does not compute what the file says")
    if not np.array_equal(packed.run(deployed, images[:4]), wanted):
        raise SystemExit("the deployed graph does not compute what the file says")
    total = done - start
    print(f"CNV 1W1A, {parameters:,} parameters, {len(graph.nodes)} ops -> {len(deployed.nodes)} integer ops")
    print(f"import {imported - start:.2f} s, lower {done - imported:.2f} s, together {total:.2f} s (limit {LIMIT_S} s)")
    print(f"peak {after:.0f} MiB, of which {after - before:.0f} MiB for this")
    if total > LIMIT_S:
        raise SystemExit(f"took {total:.2f} s, expected less than {LIMIT_S} s")


if __name__ == "__main__":
    main()
