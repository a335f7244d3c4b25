"""
TensorFlow, as this project sees it: a SavedModel is loaded and run, arrays in, arrays out.

library     the C library of the TensorFlow wheel, through ctypes
dtypes      one table of TensorFlow's types
tensors     numpy array to TF_Tensor and back
config      the ConfigProto of a session
session     one graph in memory: tensors by graph name
savedmodel  one published version: tensors by signature

Nothing here imports `tensorflow`: that takes seconds and half a gigabyte.
"""

from .config import Threads
from .savedmodel import SavedModel

__all__ = ["SavedModel", "Threads"]
