"""Counts from graphs: parameters, operations, what is fused, and the tables they must reproduce."""
