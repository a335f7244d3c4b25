"""
The one table from what went wrong to an HTTP status.

TensorFlow's codes as TensorFlow Serving maps them (`ToHTTPStatusCode` in
`model_servers/http_server.cc`); the numbers are TF_Code's in `tf_status.h`.
"""

from modelserver.errors import (
    BodyTooLarge,
    InvalidRequest,
    ModelNotFound,
    ModelUnavailable,
    PredictionFailed,
    PredictionTimeout,
    ServingError,
    UnsupportedType,
)

_ERRORS: dict[type[ServingError], int] = {
    BodyTooLarge: 413,
    InvalidRequest: 400,
    UnsupportedType: 501,
    ModelNotFound: 404,
    ModelUnavailable: 503,
    PredictionTimeout: 504,
}

_TENSORFLOW = {
    1: (499, "CANCELLED"),
    2: (500, "UNKNOWN"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    11: (400, "OUT_OF_RANGE"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    15: (500, "DATA_LOSS"),
    16: (401, "UNAUTHENTICATED"),
}
_UNKNOWN = _TENSORFLOW[2]
# What a status means where no graph has said it; 413 is not among TensorFlow's.
_NAMES = {
    **dict(reversed(_TENSORFLOW.values())),
    200: "OK",
    413: "INVALID_ARGUMENT",
    500: "INTERNAL",
}


def status_of(error: ServingError) -> int:
    if isinstance(error, PredictionFailed):
        return _TENSORFLOW.get(error.code, _UNKNOWN)[0]
    return next(code for kind in type(error).__mro__ if (code := _ERRORS.get(kind)))


def name_of(status: int, error: ServingError | None = None) -> str:
    """TensorFlow's name for an answer with `status`, and for what a graph failed with."""
    if isinstance(error, PredictionFailed):
        return _TENSORFLOW.get(error.code, _UNKNOWN)[1]
    return _NAMES.get(status, _UNKNOWN[1])
