"""Who sends a request, as far as routing asks: read out of the ASGI scope when it does."""

from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.types import Scope

from modelregistry.aliases.caller import Attribute


class RequestCaller:
    """
    Text is UTF-8 wherever it can be, so that the same bytes are the same caller whatever
    door they came through. Claims are what the platform says in `scope["state"]["claims"]`
    that it has verified; without a platform there are none.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def value(self, attribute: Attribute) -> str | None:
        kind, name = attribute.kind, attribute.name
        if kind == "header":
            return self._header(name, ",")
        if kind == "query":
            return self._query(name)
        if kind == "cookie":
            return self._cookie(name)
        claim: str | None = self._scope.get("state", {}).get("claims", {}).get(name)
        return claim

    def _header(self, name: str, joint: str) -> str | None:
        sought = name.encode("ascii")
        found = [value for key, value in self._scope["headers"] if key == sought]
        return _read(joint.encode().join(found)).strip() if found else None

    def _query(self, name: str) -> str | None:
        asked = parse_qsl(_text(self._scope["query_string"]), keep_blank_values=True)
        return next((value for key, value in asked if key == name), None)

    def _cookie(self, name: str) -> str | None:
        # HTTP/2 lets a client send several Cookie headers, which are one.
        pairs = (self._header("cookie", ";") or "").split(";")
        split = (pair.strip().partition("=") for pair in pairs)
        return next((value.strip('"') for key, _, value in split if key == name), None)


def _read(raw: bytes) -> str:
    text = _text(raw)
    if not text.isascii():
        # A gateway may have read the bytes of a header as Latin-1, as that of `sam local` does.
        with suppress(UnicodeError):
            return text.encode("latin-1").decode()
    return text


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
