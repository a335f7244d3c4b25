"""The body of a request, within its limits."""

from anyio.to_thread import run_sync
from starlette.requests import Request

from modelserver.errors import BodyTooLarge
from modelserver.settings import ServingSettings

from .compression import inflate


async def read_body(request: Request, settings: ServingSettings) -> bytes:
    """
    The body, inflated if it says that it is gzip; b"" if it is not, or inflates to too much.

    Raises BodyTooLarge as soon as what arrives is known to be too large.
    """
    body = await _arriving(request, settings.max_body_bytes)
    # Upstream looks for the word anywhere in the header.
    if "gzip" in request.headers.get("content-encoding", "").lower():
        return await run_sync(inflate, body, settings.max_inflated_bytes)
    return body


async def _arriving(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    chunks, size = [], int(declared) if declared.isdecimal() and len(declared) < 20 else 0
    if size <= limit:
        size = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    if size > limit:
        raise BodyTooLarge(f"The request body is larger than {limit} bytes")
    return b"".join(chunks)
