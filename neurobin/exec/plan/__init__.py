"""Plans: a deployed graph compiled once into a few native steps over one block of memory, run again and again.

steps       which nodes run together
layouts     how their results lie in memory
build       the kernels of every step
memory      where in the block each tensor lives, and when
plan        what a caller holds
"""
