"""
The hand-written ConfigProto is read by TensorFlow's own generated code as it was meant.
"""

import json
import subprocess
import sys

import pytest

from modelserver.runtime.config import Threads, session_config

READ = """if True:
    import json, sys
    from modelserver.compiler import protos
    config = protos._tensorflow("core.protobuf.config_pb2").ConfigProto.FromString(
        bytes.fromhex(sys.argv[1]))
    print(json.dumps([config.intra_op_parallelism_threads, config.inter_op_parallelism_threads,
        config.allow_soft_placement, config.experimental.executor_type,
        len(config.SerializeToString())]))
"""


@pytest.mark.parametrize("threads", [Threads(), Threads(1, 1), Threads(200, -1)])
@pytest.mark.parametrize("executor", ["", "SINGLE_THREADED_EXECUTOR"])
def test_tensorflow_reads_the_config_as_it_was_meant(threads: Threads, executor: str) -> None:
    config = session_config(threads, single_threaded_executor=bool(executor))
    child = subprocess.run(
        [sys.executable, "-c", READ, config.hex()], capture_output=True, text=True, check=True
    )
    expected = [threads.intra_op, threads.inter_op, True, executor, len(config)]
    assert expected == json.loads(child.stdout)
