"""
The status and metadata documents, as TensorFlow Serving writes them, and one of our own.

`GetModelStatusResponse` and `GetModelMetadataResponse` through protobuf's JSON:
int64 as text, every default field printed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from modelregistry.aliases.revision import Revision
from modelregistry.aliases.shares import number
from modelregistry.aliases.state import Alias
from modelregistry.names import ModelId
from modelregistry.plan import Plan
from modelregistry.registry import EMPTY
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


def overview(
    model: str,
    newest: Revision | None,
    versions: Sequence[int],
    aliases: Mapping[str, Alias],
    refused: Mapping[int, str],
) -> dict[str, Any]:
    """
    One model of `GET /v1/models`, newest version first. `aliases` are what they answer with.

    Versions are text, as in the status document; weights are percentages. `rules`, in their
    order, send some callers elsewhere. `refused` says which versions cannot be served, and
    why. Both are left out where there are none.
    """
    rules = {
        name: list(map(str, alias.rules)) for name, alias in sorted(aliases.items()) if alias.rules
    }
    told = {str(version): reason for version, reason in sorted(refused.items())}
    return {
        "name": model,
        "revision": newest.number if newest else 0,
        "default": (newest.state if newest else EMPTY).default,
        "versions": [str(version) for version in sorted(versions, reverse=True)],
        "aliases": {
            name: [
                {"version": str(share.version), "weight": number(share.weight)}
                for share in alias.routes
            ]
            for name, alias in sorted(aliases.items())
        },
        **({"rules": rules} if rules else {}),
        **({"refused": told} if told else {}),
    }


def metadata(id: ModelId, plan: Plan) -> dict[str, Any]:
    """The signatures of one version; the doubled `signature_def` is upstream's."""
    return {
        "model_spec": {"name": id.model, "signature_name": "", "version": str(id.version)},
        "metadata": {"signature_def": {"signature_def": plan.signature_def}},
    }
