"""One question to a server that speaks TensorFlow Serving's REST API."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from modelregistry.errors import InvalidInput
from modelregistry.names import Reference

from .authorising import Authorized
from .failures import Failed


@dataclass(frozen=True)
class Question:
    """A request's `body` for `url`, which `predict_url` made; `timeout` is in seconds."""

    url: str
    body: bytes
    timeout: float


def ask(question: Question, authorized: Authorized) -> bytes:
    """What the server predicts. Raises Failed."""
    request = Request(question.url, data=question.body, headers=dict(authorized.headers))  # noqa: S310 - predict_url checks the scheme
    return _answer(request, question.timeout, authorized)


def read(url: str, timeout: float) -> bytes:
    """What is at `url`, which is http(s)://…, for anybody. Raises Failed."""
    return _answer(Request(url), timeout, Authorized({}, "nothing"))  # noqa: S310 - who calls checks the scheme


def _answer(request: Request, timeout: float, authorized: Authorized) -> bytes:
    url = request.full_url
    try:
        with _opener().open(request, timeout=timeout) as response:
            answer: bytes = response.read()
            return answer
    except HTTPError as error:
        with error:
            raise _refusal(error, authorized) from error
    except TimeoutError as error:
        raise Failed(f"{url} did not answer within {timeout:g} s") from error
    except URLError as error:
        raise Failed(f"cannot reach {url}: {_reason(error)}") from error
    except (OSError, HTTPException) as error:
        raise Failed(f"{url} broke off: {error!r}") from error


def server_url(url: str) -> str:
    """`url` without a slash at its end. Raises InvalidInput if it is not http(s)://HOST…."""
    parts = urlsplit(url)
    if "@" in parts.netloc:  # not shown: there may be a password before it
        raise InvalidInput(
            "a server's URL has no user name", hint="write -H 'Authorization: Basic …'"
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(f"{url!r} is not a server's URL", hint="write http://localhost:8501")
    return url.rstrip("/")


def predict_url(url: str, named: Reference) -> str:
    """
    Where to ask. Raises InvalidInput for a `url` that is not http(s)://HOST….

    >>> predict_url("http://localhost:8501", Reference("sample", version=2))
    'http://localhost:8501/v1/models/sample/versions/2:predict'
    """
    server = server_url(url)
    which = ""
    if named.version is not None:
        which = f"/versions/{named.version}"
    elif named.alias is not None:
        which = f"/labels/{named.alias}"
    return f"{server}/v1/models/{named.model}{which}:predict"


def _opener() -> OpenerDirector:
    """Follows no redirect: that would lose the body, and hand credentials to strangers."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _refusal(error: HTTPError, authorized: Authorized) -> Failed:
    said, in_our_words = _said(error)
    answered = f"{error.url} answered {error.code} {error.reason}"
    if in_our_words:
        sentence = said
    elif said and said != error.reason:
        sentence = f"{answered}: {said}"
    else:
        sentence = answered
    hint = authorized.hint(error.code, said)
    if error.code in range(300, 400):
        hint = f"it points to {error.headers.get('location', 'nowhere')}"
    return Failed(sentence, code=5 if error.code == HTTPStatus.NOT_FOUND else 1, hint=hint)


def _said(error: HTTPError) -> tuple[str, bool]:
    """
    What the server says is wrong; and whether it says so as TensorFlow Serving does,
    which needs no more words. '' where it says nothing that can be understood.
    """
    try:
        document = json.loads(error.read())
        if "error" in document:
            return str(document["error"]), True
        # API Gateway and Lambda. Their further lines repeat the request, credentials included.
        said = str(document.get("message") or document["Message"])
        return said.splitlines()[0].strip(), False
    except (ValueError, KeyError, TypeError, AttributeError, LookupError, OSError, HTTPException):
        return "", False


def _reason(error: URLError) -> object:
    reason = error.reason
    return (reason.strerror or reason) if isinstance(reason, OSError) else reason
