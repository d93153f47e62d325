"""Larq Compute Engine: Keras models with Larq's layers, converted, and run by its interpreter.

A matrix product is a 1x1 convolution over m pixels, as the engine has no binary dense layer. The interpreter takes one
example at a time, so a batch is run example by example. `tuned` asks for both options of the interpreter that are off by
default: the indirect BGEMM for binary convolutions, and XNNPACK for real layers.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from types import ModuleType, SimpleNamespace

import numpy as np

from benchmarks.servers.serving import Served, serve

SEED = 0
KERNELS = {True: "indirect BGEMM (always on one thread) and XNNPACK", False: "default options"}


@cache
def libraries() -> SimpleNamespace:
    """Imported on the first build, as they take seconds; larq-zoo asks for tensorflow_datasets, and uses two names of it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    stub = ModuleType("tensorflow_datasets")
    stub.decode = SimpleNamespace(Decoder=object, SkipDecoding=object)  # type: ignore[attr-defined]
    sys.modules["tensorflow_datasets"] = stub
    return SimpleNamespace(
        keras=import_module("tensorflow").keras,
        layers=import_module("larq").layers,
        convert=import_module("larq_compute_engine").convert_keras_model,
        interpreter=import_module("larq_compute_engine.tflite.python.interpreter").Interpreter,
        zoo=import_module("larq_zoo.literature"),
    )


def conv(x: np.ndarray, w: np.ndarray, threads: int, tuned: bool) -> Served:
    """x [N, H, W, C] and w [O, kernel, kernel, C], both +-1; zero padding to the same size."""
    what = "float32 in and out, binarising and packing the input included"
    return served(_binary_conv(x, w), x, what, lambda y: y.astype(np.int32), threads, tuned)


def gemm(a: np.ndarray, b: np.ndarray, threads: int, tuned: bool) -> Served:
    """a [m, k] times b [n, k] transposed."""
    x = a[None, :, None]
    what = "as a 1x1 convolution, float32 in and out, binarising and packing the input included"
    return served(_binary_conv(x, b[:, None, None]), x, what, lambda y: y[0, :, 0].astype(np.int32), threads, tuned)


def network(image: np.ndarray, threads: int, tuned: bool) -> Served:
    """Bi-Real Net 18 as larq-zoo builds it, weights random; image float32 [1, 224, 224, 3] -> softmax of logits."""
    lib = libraries()
    lib.keras.utils.set_random_seed(SEED)
    what = f"BiRealNet of larq-zoo {version('larq-zoo')}, random weights"
    return served(lib.zoo.BiRealNet(weights=None), image, what, lambda y: y[0], threads, tuned)


def _binary_conv(x: np.ndarray, w: np.ndarray) -> object:
    lib = libraries()
    options = {"padding": "same", "pad_values": 0.0, "use_bias": False}
    quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    layer = lib.layers.QuantConv2D(len(w), w.shape[1], **options, **quantizers)
    model = lib.keras.Sequential([lib.keras.layers.Input(x.shape[1:], batch_size=1), layer])
    layer.set_weights([w.transpose(1, 2, 3, 0).astype(np.float32)])
    return model


def served(
    model: object, x: np.ndarray, what: str, convert: Callable[[np.ndarray], np.ndarray], threads: int, tuned: bool
) -> Served:
    """The model, converted, on every example of x; `convert` makes the output of its float32 result for all of them."""
    lib = libraries()
    options = {"num_threads": threads, "use_indirect_bgemm": tuned, "use_xnnpack": tuned}
    interpreter = lib.interpreter(lib.convert(model), **options).interpreter  # without the wrapper, which copies outputs
    examples = [[example[None]] for example in x.astype(np.float32)]

    def run() -> list[np.ndarray]:
        return [interpreter.predict(example)[0] for example in examples]

    return Served(_description(what, threads, tuned), run, lambda: convert(np.concatenate(run())))


def _description(what: str, threads: int, tuned: bool) -> str:
    """The interpreter's documentation and select_kernel.h: hand-written kernels exist for ARM64 and nothing else."""
    machine = platform.machine()
    path = (
        "its ARM64 kernels" if machine in ("aarch64", "arm64") else "a portable C++ reference kernel, as its target is ARM"
    )
    versions = f"Larq Compute Engine {version('larq-compute-engine')} (tensorflow {version('tensorflow-cpu')})"
    return f"{versions} on {machine}: {path}; {KERNELS[tuned]}, {what}, {threads} thread{'s' * (threads > 1)}"


if __name__ == "__main__":
    serve({"conv": conv, "gemm": gemm, "network": network})
