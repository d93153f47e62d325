"""Random networks through the qonnx package's executor, our evaluator and the graph made of them.

    python -m tests.frontend.onnx.fuzz 0 1000

Exact networks (even seeds) must agree in every number. In the others a value may fall on either side of a threshold that it
all but meets, since executors add in different orders: such images are found by their distance to a threshold, and counted.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterable

import numpy as np
from onnx import ModelProto

from neurobin.exec import packed, reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import from_proto
from neurobin.passes import lower
from tests.frontend.onnx.generate import network, pixel
from tests.near_ties import unexplained

CLOSE = 1e-4


def judge(seed: int) -> str:
    """ "exact", "equal" or "near tie". Raises AssertionError where a difference is not one."""
    exact = seed % 2 == 0
    model, pixels = network(seed, exact)
    images = (pixels / np.float32(pixel(exact))).astype(np.float32)[:, None]  # one example at a time: the batch is 1
    wanted = oracle(model, images)
    checked = from_proto(model)
    own = np.concatenate([evaluate(checked, {"image": image})[checked.outputs[0]] for image in images])
    graph = to_graph(checked, Images(scale=1 / pixel(exact)))
    whole = pixels.transpose(0, 2, 3, 1) if pixels.ndim == 4 else pixels
    found = reference.run(graph, whole)
    found = (found.transpose(0, 3, 1, 2) if found.ndim == 4 else found).reshape(wanted.shape)
    deployed = lower(graph, whole)
    assert np.array_equal(packed.run(deployed, whole), reference.run(deployed, whole)), "the engines differ"
    if exact:
        assert np.array_equal(own, wanted), "the evaluator differs"
        assert np.array_equal(found, wanted), "the graph differs"
        return "exact"
    alike = np.isclose(own, wanted, rtol=CLOSE, atol=CLOSE) & np.isclose(found, wanted, rtol=CLOSE, atol=CLOSE)
    if alike.all():
        return "equal"
    images_apart = unexplained(graph, whole, ~alike.reshape(len(whole), -1).all(1))
    assert not images_apart, f"images {images_apart} differ, and no value in them is near a threshold"
    return "near tie"


def oracle(model: ModelProto, images: np.ndarray) -> np.ndarray:
    """What qonnx computes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnxruntime
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.transformation.infer_shapes import InferShapes

        onnxruntime.set_default_logger_severity(4)
        wrapped = ModelWrapper(model).transform(InferShapes())
        name = model.graph.output[0].name
        return np.concatenate([execute_onnx(wrapped, {"image": image})[name] for image in images])


def summary(seeds: Iterable[int]) -> Counter[str]:
    """How many cases came out which way."""
    return Counter(judge(seed) for seed in seeds)


if __name__ == "__main__":
    first, last = (int(argument) for argument in sys.argv[1:3])
    print(", ".join(f"{count} {what}" for what, count in summary(range(first, last)).most_common()))
