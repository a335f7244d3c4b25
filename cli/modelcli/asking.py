"""One question to a server that speaks TensorFlow Serving's REST API."""

import json
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from modelregistry.errors import InvalidInput
from modelregistry.names import Reference

from .failures import Failed


def ask(url: str, named: Reference, body: bytes, timeout: float) -> bytes:
    """What the server at `url` predicts for `body`. `timeout` is in seconds. Raises Failed."""
    asked = predict_url(url, named)
    request = Request(asked, data=body, headers={"content-type": "application/json"})  # noqa: S310 - predict_url checks the scheme
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310 - see above
            answer: bytes = response.read()
            return answer
    except HTTPError as error:
        with error:
            code = 5 if error.code == HTTPStatus.NOT_FOUND else 1
            raise Failed(_sentence(error), code=code) from error
    except TimeoutError as error:
        raise Failed(f"{asked} did not answer within {timeout:g} s") from error
    except URLError as error:
        raise Failed(f"cannot reach {asked}: {_reason(error)}") from error
    except (OSError, HTTPException) as error:
        raise Failed(f"{asked} broke off: {error!r}") from error


def predict_url(url: str, named: Reference) -> str:
    """
    Where to ask. Raises InvalidInput for a `url` that is not http(s)://HOST….

    >>> predict_url("http://localhost:8501", Reference("sample", version=2))
    'http://localhost:8501/v1/models/sample/versions/2:predict'
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise InvalidInput(f"{url!r} is not a server's URL", hint="write http://localhost:8501")
    which = ""
    if named.version is not None:
        which = f"/versions/{named.version}"
    elif named.alias is not None:
        which = f"/labels/{named.alias}"
    return f"{url.rstrip('/')}/v1/models/{named.model}{which}:predict"


def _sentence(error: HTTPError) -> str:
    """What the server says is wrong, or its status where it says nothing of that form."""
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        return f"{error.url} answered {error.code} {error.reason}"


def _reason(error: URLError) -> object:
    reason = error.reason
    return (reason.strerror or reason) if isinstance(reason, OSError) else reason
