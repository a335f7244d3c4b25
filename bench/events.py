"""What Lambda hands over for one HTTP request: payload format 2.0."""


def predict_event(body: str) -> dict[str, object]:
    """A POST of `body` to the predict URL of the model `sample`."""
    path = "/v1/models/sample:predict"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "bench"},
        "requestContext": {
            "domainName": "bench",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "bench",
            },
            "requestId": "bench",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }
