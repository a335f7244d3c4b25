"""The body of a request, within its limits."""

from starlette.requests import Request

from modelserver.errors import BodyTooLarge

from .compression import inflate


class Body:
    """What arrived; `content` undoes its compression, which may take a while."""

    def __init__(self, arrived: bytes, *, packed: bool, limit: int) -> None:
        self._arrived = arrived
        self._packed = packed
        self._limit = limit

    def content(self) -> bytes:
        """The body, inflated if it says that it is gzip; b"" if it is not, or too much."""
        return inflate(self._arrived, self._limit) if self._packed else self._arrived


async def read_body(request: Request, limit: int, inflated_limit: int) -> Body:
    """Raises BodyTooLarge as soon as it is known that more than `limit` bytes arrive."""
    # Upstream looks for the word anywhere in the header.
    packed = "gzip" in request.headers.get("content-encoding", "").lower()
    return Body(await _arriving(request, limit), packed=packed, limit=inflated_limit)


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
