"""Torch building blocks of binary and ternary networks: weight quantizers, estimators, activations, layers.

Every module here has `emit(builder, *inputs) -> str`: it appends its meaning at inference to an IR graph. Each block is
imported from the file that holds it, so that a new one touches no other file.
"""
