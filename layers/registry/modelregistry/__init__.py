"""
The model registry: immutable versions, and aliases that point to them.

Standard library only: this package is the layer of the small functions and the
part of `deploy` that a build agent without TensorFlow runs.
"""
