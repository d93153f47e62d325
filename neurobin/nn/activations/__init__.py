"""Activation quantizers and the learned activations of binary networks, one file each.

Every one is a torch module made from the number of channels, so that `Activation = Callable[[int], nn.Module]` is all that
a network has to know; a method names a class, or a `functools.partial` of one.
"""
