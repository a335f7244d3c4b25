"""
Everything that can go wrong between a request and its answer.

ServingError
├── InvalidRequest        the request cannot be understood, or does not fit the model
│   ├── UnknownLabel          no alias of that name
│   └── BodyTooLarge          more bytes than this server takes
├── UnsupportedType       a dtype that JSON has no form for
├── ModelNotFound         no such model or version
├── ModelUnavailable      it exists, but cannot be loaded now; retrying may help
│   └── StillLoading          its load goes on; `load` is done when that is
├── PredictionTimeout     no answer within the server's time-out
└── PredictionFailed      the model ran and refused; `code` is TensorFlow's

The sentence of each is the `error` of the response body. Nothing here knows about HTTP.
PortTaken and BadSetting stand apart: they keep a server from starting. NoHttpEvent too:
whoever sent it speaks no HTTP. BadWarmup is of a file that was recorded, not of a request.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any


class ServingError(Exception):
    pass


class InvalidRequest(ServingError):
    pass


class UnknownLabel(InvalidRequest):
    pass


class BodyTooLarge(InvalidRequest):
    pass


class UnsupportedType(ServingError):
    pass


class ModelNotFound(ServingError):
    pass


class ModelUnavailable(ServingError):
    pass


class StillLoading(ModelUnavailable):
    """Nobody has waited long enough; `load` is the future of what is being loaded."""

    def __init__(self, message: str, load: "Future[Any]") -> None:
        super().__init__(message)
        self.load = load


class PortTaken(Exception):
    """Another program listens where this server should."""


class BadSetting(Exception):
    """A setting that is missing, or has a value that it cannot have."""


class BadWarmup(Exception):
    """
    What was recorded to warm a model up cannot: `where` it stands, TensorFlow's name for
    what is wrong, and why.
    """

    def __init__(self, where: str, code: str, reason: str) -> None:
        super().__init__(f"{where}: {code}: {reason}")
        self.where = where
        self.code = code
        self.reason = reason


class NoHttpEvent(Exception):
    """The function was invoked with something that is no HTTP request."""


class PredictionTimeout(ServingError):
    pass


class PredictionFailed(ServingError):
    """`code` is a TF_Code of the C API: 3 is INVALID_ARGUMENT, 9 FAILED_PRECONDITION."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
