"""How networks are trained: losses, schedules, optimizers, and the techniques that papers add to the loop, one file each."""

from neurobin.recipes.recipe import Recipe

__all__ = ["Recipe"]
