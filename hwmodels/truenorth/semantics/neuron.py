"""The neuron: integrate, leak, then threshold and reset, in integers (Cassidy et al., IJCNN 2013, deterministic part).

    V += sum over connected axons with a spike of s[type]
    V += Omega * leak                     Omega = 1, or sgn(V) with leak reversal
    if   V >= alpha:  spike;  V <- R | V - alpha | V          for gamma = 0 (absolute) | 1 (linear) | 2 (none)
    elif V < -beta:           V <- -R | V + beta | V          with kappa = 0
                              V <- -beta                      with kappa = 1 (negative saturation)

The leak is added with its sign. Stochastic synapses, leaks and thresholds are not modelled and refused.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from neurobin.errors import UnsupportedError


@dataclass(frozen=True, eq=False)
class Neurons:
    """Parameters of many neurons, int32 arrays of one shape. beta is a magnitude: the negative threshold is -beta."""

    leak: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    reset: np.ndarray
    leak_reversal: np.ndarray  # epsilon, 0 or 1: the leak pulls away from 0 (or towards it, by its sign)
    gamma: np.ndarray  # reset mode 0, 1, 2
    kappa: np.ndarray  # 1: saturate at -beta
    stochastic_synapse: np.ndarray
    stochastic_leak: np.ndarray
    threshold_mask: np.ndarray

    def column(self) -> Neurons:
        """The same parameters with an axis for chips at the end. Raises UnsupportedError when any neuron is stochastic."""
        for name in ("stochastic_synapse", "stochastic_leak", "threshold_mask"):
            if getattr(self, name).any():
                count = int((getattr(self, name) != 0).sum())
                raise UnsupportedError(f"{count} neurons use {name}: stochastic behaviour is not modelled")
        return Neurons(*(getattr(self, f.name)[..., None].astype(np.int32) for f in fields(self)))


@dataclass(frozen=True)
class Semantics:
    """Where simulators differ: bits of the saturating potential (None: never saturates), and V <= -beta instead of <."""

    potential_bits: int | None
    negative_inclusive: bool


SEMANTICS = {
    "truenorth": Semantics(potential_bits=20, negative_inclusive=False),
    "ranc": Semantics(potential_bits=None, negative_inclusive=False),  # neuron_reset_type 0, as its Verilog
    "ranc_inclusive": Semantics(potential_bits=None, negative_inclusive=True),  # neuron_reset_type 1
}


def stateless(leak: np.ndarray, alpha: np.ndarray) -> Neurons:
    """Stateless neurons that return to 0 after every tick, whatever happened: R = beta = gamma = kappa = 0."""
    zero = np.zeros_like(leak)
    return Neurons(leak, alpha, *(zero for _ in fields(Neurons)[2:]))


def step(potential: np.ndarray, drive: np.ndarray, neurons: Neurons, semantics: Semantics) -> tuple[np.ndarray, np.ndarray]:
    """(spikes bool, potential int32) after one tick in which `drive` (the weighted spikes) arrived; shapes broadcast."""
    p = neurons
    v = _saturate(potential + drive, semantics)
    pull = p.leak if not p.leak_reversal.any() else np.where(p.leak_reversal == 1, np.sign(v), 1) * p.leak
    v = _saturate(v + pull, semantics)
    spikes = v >= p.alpha
    crossed = (v <= -p.beta if semantics.negative_inclusive else v < -p.beta) & ~spikes
    after = np.where(spikes, _reset(v, p, p.reset, v - p.alpha), v)
    fallen = np.where(p.kappa == 1, -p.beta, _reset(v, p, -p.reset, v + p.beta))
    return spikes, _saturate(np.where(crossed, fallen, after), semantics).astype(np.int32)


def _reset(v: np.ndarray, p: Neurons, absolute: np.ndarray, linear: np.ndarray) -> np.ndarray:
    if not p.gamma.any():
        return np.broadcast_to(absolute, v.shape)
    return np.where(p.gamma == 0, absolute, np.where(p.gamma == 1, linear, v))


def _saturate(v: np.ndarray, semantics: Semantics) -> np.ndarray:
    if semantics.potential_bits is None:
        return v
    top = 1 << (semantics.potential_bits - 1)
    return np.clip(v, -top, top - 1)
