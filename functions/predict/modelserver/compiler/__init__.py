"""
Publishing's compile step: load a SavedModel, run every signature, write the plan.

supervisor  what the registry is given; starts a process and outlives what happens to it
__main__    that process
protos      the wheel's generated protobuf modules, without `import tensorflow`
export      the files: what has to be there, and what must not
effects     which signatures change what the model keeps
metagraph   the signatures, as the plan and the metadata document want them
rehearsal   running the requests that were recorded to warm the model up
trial       loading and running, and what a failure means
"""

from .supervisor import SubprocessCompiler

__all__ = ["SubprocessCompiler"]
