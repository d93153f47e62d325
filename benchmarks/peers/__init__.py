"""The libraries that neurobin's executor is measured against, one file each; this table is all that knows them."""

from __future__ import annotations

from benchmarks.contender import Peer
from benchmarks.peers.bnn_lab import BnnLab
from benchmarks.peers.larq import Larq, LarqDefault
from benchmarks.peers.onnxruntime_fp32 import OnnxRuntimeFp32
from benchmarks.peers.onnxruntime_int8 import OnnxRuntimeInt8
from benchmarks.peers.torch_fp32 import TorchFp32
from benchmarks.peers.torch_int8 import TorchInt8

PEERS: tuple[type[Peer], ...] = (TorchFp32, TorchInt8, OnnxRuntimeFp32, OnnxRuntimeInt8, BnnLab, LarqDefault, Larq)
