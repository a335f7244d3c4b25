"""
What the server does, without HTTP: predict, say what is there, describe a signature.

`event → handler → api → here: routing → servables → codec → runtime → codec`
"""

from typing import Any

from modelregistry.names import ModelId
from modelregistry.plan import Compiler
from modelregistry.registry import Registry

from . import documents
from .codec.request import PredictBody
from .codec.response import encode_predict
from .errors import InvalidRequest, ModelNotFound
from .loading import loader
from .routing import Routed, Router
from .servables import Servables
from .settings import ServingSettings


class ModelServer:
    """
    The parts of one process, put together. Cheap to construct; loads at first use.

    Every method is thread-safe, blocks, and raises ServingError.
    """

    def __init__(self, servables: Servables, router: Router, settings: ServingSettings) -> None:
        self.servables = servables
        self.router = router
        self.settings = settings

    @classmethod
    def over(
        cls, registry: Registry, settings: ServingSettings, compiler: Compiler
    ) -> "ModelServer":
        """The server of everything in `registry`."""
        load = loader(registry, settings.threads, compiler)
        servables = Servables(load, budget=settings.memory_budget)
        router = Router(registry, servables, ttl=settings.alias_ttl, swap_wait=settings.swap_wait)
        return cls(servables, router, settings)

    def predict(
        self,
        model: str,
        version: int | None,
        label: str | None,
        body: bytes,
        *,
        wait: float | None = None,
    ) -> tuple[bytes, Routed]:
        """
        Answer a predict request: the response body, and what it came from.

        The order of checks is upstream's: JSON, model, signature, inputs, graph.
        Raises StillLoading after `wait` seconds; None waits to the end.
        """
        parsed = PredictBody.parse(body)
        routed = self.router.resolve(model, version, label)
        servable = self.servables.get(routed.id, timeout=wait)
        signature = servable.plan.signatures.get(parsed.signature_name)
        if signature is None:
            raise InvalidRequest(
                f'Serving signature name: "{parsed.signature_name}" not found in signature def'
            )
        inputs = parsed.inputs(signature.inputs)
        outputs = servable.model.run(parsed.signature_name, inputs.arrays)
        return encode_predict(outputs, signature.outputs, row=inputs.row), routed

    def status(self, model: str, version: int | None, label: str | None) -> dict[str, Any]:
        """The status document: all versions, the one asked for, or those a label leads to."""
        published = self.router.published(model)
        if label is not None:
            alias = self.router.routes(model).get(label)
            if alias is None:
                self.router.resolve(model, label=label)  # says that there is none
            published = sorted(alias.versions()) if alias else []
        if version is not None:
            if version not in published:
                raise ModelNotFound(f"Could not find version {version} of model {model}")
            published = [version]
        if not published:
            raise ModelNotFound(f"Could not find any versions of model {model}")
        return documents.status([(v, self.servables.failure(ModelId(model, v))) for v in published])

    def metadata(
        self, model: str, version: int | None, label: str | None, *, wait: float | None = None
    ) -> tuple[dict[str, Any], Routed]:
        """The metadata document of the version that would answer, and which that is."""
        routed = self.router.resolve(model, version, label)
        servable = self.servables.get(routed.id, timeout=wait)
        return documents.metadata(routed.id, servable.plan), routed
