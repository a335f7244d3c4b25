"""
The status and metadata documents, as TensorFlow Serving writes them.

`GetModelStatusResponse` and `GetModelMetadataResponse` through protobuf's JSON:
int64 as text, every default field printed.
"""

from collections.abc import Sequence
from typing import Any

from modelregistry.names import ModelId
from modelregistry.plan import Plan
from modelserver.errors import ServingError


def status(versions: Sequence[tuple[int, ServingError | None]]) -> dict[str, Any]:
    """
    `(version, why it could not be loaded)` pairs as `model_version_status`, newest first.

    A published version counts as AVAILABLE, loaded or not: the next request loads it.
    """
    return {
        "model_version_status": [
            {
                "version": str(version),
                "state": "END" if error else "AVAILABLE",
                "status": {
                    "error_code": "UNAVAILABLE" if error else "OK",
                    "error_message": str(error) if error else "",
                },
            }
            for version, error in sorted(versions, key=lambda pair: -pair[0])
        ]
    }


def metadata(id: ModelId, plan: Plan) -> dict[str, Any]:
    """The signatures of one version; the doubled `signature_def` is upstream's."""
    return {
        "model_spec": {"name": id.model, "signature_name": "", "version": str(id.version)},
        "metadata": {"signature_def": {"signature_def": plan.signature_def}},
    }
