"""
The artifact store: TensorFlow Serving's directory of models and versions.

`store` is what a store must promise, `directory` keeps it on a local disk.
"""
