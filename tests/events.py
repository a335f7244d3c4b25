"""What API Gateway and Function URLs send to a function, and the context beside it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from mangum.types import LambdaContext

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def http_api(
    method: str,
    path: str,
    body: str | None = None,
    *,
    stage: str = "$default",
    base64: bool = False,
    headers: Mapping[str, str] = NO_HEADERS,
    query: str = "",
    cookies: Sequence[str] = (),
    authorizer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An HTTP API's event, payload format 2.0; `path` is what it calls `rawPath`."""
    return {
        **({"cookies": list(cookies)} if cookies else {}),
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "content-type": "application/json",
            "host": "id.execute-api.eu-central-1.amazonaws.com",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **headers,
        },
        "requestContext": {
            **({"authorizer": dict(authorizer)} if authorizer is not None else {}),
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "10/Mar/2026:05:16:23 +0000",
            "timeEpoch": 1773119783000,
        },
        **({} if body is None else {"body": body}),
        "isBase64Encoded": base64,
    }


def function_url(
    method: str, path: str, body: str | None = None, *, base64: bool = False
) -> dict[str, Any]:
    """A Function URL's event: the same format, another domain, and the path left encoded."""
    event = http_api(method, path, body, base64=base64)
    domain = "urlid.lambda-url.eu-central-1.on.aws"
    event["headers"]["host"] = domain
    event["requestContext"] |= {"domainName": domain, "domainPrefix": "urlid", "apiId": "urlid"}
    return event


def predict(model: str, *, version: int | None = None, **body: object) -> dict[str, Any]:
    """The event of a predict request with `body` as JSON."""
    place = f"/versions/{version}" if version else ""
    return http_api("POST", f"/v1/models/{model}{place}:predict", json.dumps(body))


@dataclass
class Context:
    """What Lambda hands over with an event; `seconds` are left of the invocation."""

    seconds: float = 30.0
    aws_request_id: str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    function_name: str = "predict"
    memory_limit_in_mb: int = 1024
    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.began + self.seconds - time.monotonic()) * 1000))


def context(seconds: float = 30.0) -> LambdaContext:
    return cast("LambdaContext", Context(seconds))
