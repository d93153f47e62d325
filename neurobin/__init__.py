"""neurobin: what a binary or ternary network really costs on real hardware, and proof that the number is true."""

__version__ = "0.1.0"
