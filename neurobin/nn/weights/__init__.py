"""Weight quantizers, one file each: real weights in, codes and scales out, with a gradient for training."""
