"""What a neuron does in one tick, and where simulators disagree."""
