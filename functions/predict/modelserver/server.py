"""
What the server does, without HTTP: predict, classify, regress, say what is there.

`event → handler → api → here: routing → servables → codec → runtime → codec`
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from modelregistry.errors import RegistryError
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, Signature
from modelregistry.registry import Registry

from . import documents, methods
from .asked import Asked
from .clock import Clock
from .codec.examples import ExamplesBody
from .codec.request import PredictBody, must_have_shape
from .codec.response import encode_predict
from .codec.results import encode_classes, encode_values
from .errors import ModelNotFound, ModelUnavailable, ServingError
from .health import Health, health
from .loading import loader
from .observer import UNOBSERVED, Observer
from .routing import Router
from .runtime.tensors import Array
from .servables import Servable, Servables
from .settings import ServingSettings


class ModelServer:
    """
    The parts of one process, put together. Cheap to construct; loads at first use.

    Every method is thread-safe, blocks, and raises ServingError.
    """

    def __init__(
        self,
        registry: Registry,
        servables: Servables,
        router: Router,
        settings: ServingSettings,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.registry = registry
        self.servables = servables
        self.router = router
        self.settings = settings
        self.observer = observer

    @classmethod
    def over(
        cls,
        registry: Registry,
        settings: ServingSettings,
        compiler: Compiler,
        observer: Observer = UNOBSERVED,
    ) -> "ModelServer":
        """The server of everything in `registry`."""
        times = max(1, settings.warm_up_iterations) if settings.warm_up else 0
        load = loader(registry, settings.threads, compiler, warm_ups=times, observer=observer)
        servables = Servables(
            load,
            budget=settings.memory_budget,
            retries=settings.retries,
            clock=Clock(),
            observer=observer,
        )
        router = Router(
            registry,
            servables,
            ttl=settings.alias_ttl,
            swap_wait=settings.swap_wait,
            observer=observer,
        )
        return cls(registry, servables, router, settings, observer)

    def predict(self, asked: Asked, body: bytes, *, wait: float | None = None) -> bytes:
        """
        Answer a predict request: the response body.

        The order of checks is upstream's: JSON, model, signature, inputs, graph.
        Raises StillLoading after `wait` seconds; None waits to the end.
        """
        parsed = PredictBody.parse(body, strict=self.settings.strict)
        servable = self._servable(asked, wait)
        signature = methods.for_predict(
            servable.plan.signatures,
            parsed.signature_name,
            check_method_names=self.settings.check_method_names,
        )
        inputs = parsed.inputs(signature.inputs)
        outputs = _run(asked, servable, parsed.signature_name, inputs.arrays)
        return encode_predict(outputs, signature.outputs, row=inputs.row)

    def classify(self, asked: Asked, body: bytes, *, wait: float | None = None) -> bytes:
        """
        Answer a classify request: the response body.

        Other than in `predict`, the whole body is read before the model is looked up.
        """
        parsed, signature, outputs = self._over_examples(asked, body, wait, methods.for_classify)
        return encode_classes(outputs, signature.outputs, len(parsed.examples))

    def regress(self, asked: Asked, body: bytes, *, wait: float | None = None) -> bytes:
        """Answer a regress request, in the order of `classify`."""
        parsed, signature, outputs = self._over_examples(asked, body, wait, methods.for_regress)
        values = outputs[methods.OUTPUTS]
        return encode_values(values, signature.outputs[methods.OUTPUTS], len(parsed.examples))

    def _over_examples(
        self, asked: Asked, body: bytes, wait: float | None, find: methods.Find
    ) -> tuple[ExamplesBody, Signature, dict[str, Array]]:
        parsed = ExamplesBody.parse(
            body,
            strict=self.settings.strict,
            most_context=self.settings.max_inflated_bytes,
        )
        servable = self._servable(asked, wait)
        signature = find(
            servable.plan.signatures,
            parsed.signature_name,
            check_method_names=self.settings.check_method_names,
        )
        inputs = {methods.INPUTS: parsed.examples}
        if self.settings.strict:
            declared = signature.inputs[methods.INPUTS].shape
            must_have_shape(methods.INPUTS, parsed.examples.shape, declared)
        outputs = _run(asked, servable, parsed.signature_name, inputs)
        asked.examples = len(parsed.examples)
        return parsed, signature, outputs

    def status(self, asked: Asked) -> dict[str, Any]:
        """The status document: all versions, the one asked for, or those a label leads to."""
        model, version = asked.model, asked.version
        refused = self.registry.refused(model)
        published = sorted({*self.router.published(model), *refused})
        if asked.label is not None:
            alias = self.router.routes(model).get(asked.label)
            if alias is None:
                self.router.resolve(asked)  # says that there is none
            published = sorted(alias.named() & set(published)) if alias else []
        if version is not None:
            if version not in published:
                raise ModelNotFound(f"Could not find version {version} of model {model}")
            published = [version]
        if not published:
            raise ModelNotFound(f"Could not find any versions of model {model}")
        return documents.status([(v, self._trouble(ModelId(model, v), refused)) for v in published])

    def _trouble(self, id: ModelId, refused: Mapping[int, str]) -> ServingError | None:
        """Why `id` cannot be served; None where nothing is known against it."""
        if reason := refused.get(id.version):
            return ModelUnavailable(reason)
        return self.servables.failure(id)

    def models(self) -> dict[str, Any]:
        """
        Every model with its versions, aliases and revision; one that is in trouble says so alone.

        Raises ModelUnavailable where nobody can tell which there are.
        """
        try:
            names = self.registry.known_models()
        except RegistryError as error:
            raise ModelUnavailable(f"the models cannot be listed: {error}") from error
        found = map(self._overview, names)
        return {"models": [model for model in found if model]}

    def _overview(self, model: str) -> dict[str, Any] | None:
        """None for a model of which nothing is left but its log."""
        try:
            versions, aliases = self.router.published(model), self.router.routes(model)
            newest = self.router.newest(model)
        except ServingError as error:
            return {"name": model, "error": str(error)}
        refused = self.registry.refused(model)
        if not versions and not aliases and not refused:
            return None
        return documents.overview(model, newest, versions, aliases, refused)

    def health(self) -> Health:
        """Whether this process is ready. Raises nothing."""
        return health(self.registry, self.router, self.servables)

    def metadata(self, asked: Asked, *, wait: float | None = None) -> dict[str, Any]:
        """The metadata document of the version that would answer."""
        servable = self._servable(asked, wait)
        return documents.metadata(servable.id, servable.plan)

    def _servable(self, asked: Asked, wait: float | None) -> Servable:
        """What answers, named in `asked.routed` even where it cannot be loaded."""
        asked.routed = self.router.resolve(asked)
        return self.servables.get(asked.routed.id, timeout=wait)


def _run(
    asked: Asked, servable: Servable, signature_name: str, inputs: dict[str, Array]
) -> dict[str, Array]:
    """What the graph answers; `asked.ran` says how long it took."""
    started = monotonic()
    outputs = servable.model.run(signature_name, inputs)
    asked.ran = monotonic() - started
    return outputs
