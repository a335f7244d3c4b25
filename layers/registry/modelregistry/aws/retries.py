"""
When a call to AWS is tried again.

Hooked into botocore, so that whoever is handed a client need not think of it.
botocore's own retries count attempts; these watch the time.
"""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore import exceptions as aws

from .patience import Patience

if TYPE_CHECKING:
    from botocore.client import BaseClient

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# A server that failed, whatever HTTP status it says so with.
FAILED = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 5.0
# Nothing listens, nobody has that name, or it is no address at all: more often a slip
# than an outage.
_NOWHERE = frozenset({aws.EndpointConnectionError, aws.HTTPClientError})
_NOWHERE_LIMIT = 3.0

_SPENT, _SINCE = "lambda-serving-spent", "lambda-serving-since"  # keys of a request's context


class Retries:
    """Decides for one client. Stateless: what a call has spent lies in its own context."""

    def __init__(self, patience: Patience, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock

    def attach(self, client: "BaseClient") -> None:
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_first(f"request-created.{service}", self._started)
        # What the stubs do not know: the first handler to return something decides.
        client.meta.events.register_first(f"needs-retry.{service}", self._delay)  # type: ignore[arg-type]

    def _started(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        request.context[_SINCE] = self._clock()

    def _delay(
        self,
        *,
        response: tuple[Any, dict[str, Any]] | None,
        caught_exception: Exception | None,
        attempts: int,
        request_dict: dict[str, Any],
        **_: object,
    ) -> float | None:
        """Seconds until the next attempt; None leaves it to botocore, which makes none."""
        if not _transient(response, caught_exception):
            return None
        one = self._patience.connect + self._patience.read
        context = request_dict["context"]
        took = min(self._clock() - context[_SINCE], one)
        # No secret hangs on it; many clients must only not come back together.
        most = min(_LONGEST_DELAY, _FIRST_DELAY * 2**attempts)
        delay = random.uniform(most / 2, most)  # noqa: S311
        spent = context[_SPENT] = context.get(_SPENT, 0.0) + took + delay
        limit = self._patience.limit - one
        if type(caught_exception) in _NOWHERE:
            limit = min(limit, _NOWHERE_LIMIT)
        return delay if spent <= limit else None


def _transient(
    response: tuple[Any, dict[str, Any]] | None, caught_exception: Exception | None
) -> bool:
    if response is None:
        broken = isinstance(caught_exception, aws.ConnectionError | aws.HTTPClientError)
        return broken and not isinstance(caught_exception, aws.SSLError)
    _, parsed = response
    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = parsed.get("Error", {}).get("Code", "")
    return status >= 500 or status == 429 or code in THROTTLED | FAILED
