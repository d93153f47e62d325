"""What this CPU can do at most, how much of it the kernels reach, and how fast a network runs.

host        processor, instruction sets, back ends
timing      CPU time of loops, alone and in turns
loops       loops of nothing but arithmetic on registers
rates       the limits, from the measured speed of such loops
kernels     micro-kernels against their limits
layers      whole layers against theirs
machine     all of that in one answer
network     a network on each back end
"""
