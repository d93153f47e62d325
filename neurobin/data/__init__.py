"""Data sets by name, as whole numbers: images [N, H, W, C] and labels. Nothing is downloaded, nothing here needs torch."""

from neurobin.data.dataset import Dataset
from neurobin.data.load import dataset_names, load_dataset

__all__ = ["Dataset", "dataset_names", "load_dataset"]
