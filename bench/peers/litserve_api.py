"""
A LitServe API around `tf.saved_model.load`.

    python -m bench.peers.litserve_api PORT

MODEL is the SavedModel's directory.
"""

import os
import sys
from typing import Any

import litserve


class Sample(litserve.LitAPI):  # type: ignore[misc] # LitServe is installed for measuring alone
    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        import tensorflow as tf

        self._model = tf.saved_model.load(os.environ["MODEL"])
        self._predict = self._model.signatures["serving_default"]
        (self._input,) = self._predict.structured_input_signature[1]

    def decode_request(self, request: dict[str, Any]) -> Any:  # noqa: ANN401 - a tensor
        import tensorflow as tf

        return tf.constant(request["instances"], tf.float32)

    def predict(self, given: Any) -> Any:  # noqa: ANN401 - a tensor
        (output,) = self._predict(**{self._input: given}).values()
        return output

    def encode_response(self, output: Any) -> dict[str, Any]:  # noqa: ANN401 - a tensor
        return {"predictions": output.numpy().tolist()}


if __name__ == "__main__":
    api: litserve.LitAPI = Sample(api_path="/v1/models/sample:predict")
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
