"""Engines: `reference` defines what a deployed graph means, `packed` computes it on words, `compare` finds differences."""
