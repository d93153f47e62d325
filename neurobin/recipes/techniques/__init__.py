"""What papers add to the training loop, one file each: a frozen dataclass with the hooks it needs.

A technique holds no state: what must outlive an epoch is a buffer or parameter of a module, so that a checkpoint is whole.
"""

from neurobin.recipes.techniques.technique import (
    Batch,
    Context,
    Technique,
    batch_norms,
    latent_layers,
    one_bit_layers,
)

__all__ = ["Batch", "Context", "Technique", "batch_norms", "latent_layers", "one_bit_layers"]
