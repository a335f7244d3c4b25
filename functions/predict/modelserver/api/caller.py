"""Who sends a request, as far as routing asks: read out of the ASGI scope when it does."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.types import Scope

from modelregistry.aliases.caller import Attribute


class RequestCaller:
    """
    Text is UTF-8 wherever it can be, so that the same bytes are the same caller whatever
    door they came through. Claims are what the platform says in `scope["state"]["claims"]`
    that it has verified; without a platform there are none.

    A hundred rules may ask for the same thing: each is read once.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._headers: dict[str, str | None] = {}

    def value(self, attribute: Attribute) -> str | None:
        kind, name = attribute.kind, attribute.name
        if kind == "header":
            if name not in self._headers:
                self._headers[name] = self._header(name, ",")
            return self._headers[name]
        if kind == "query":
            return self._query.get(name)
        if kind == "cookie":
            return self._cookies.get(name)
        claim: str | None = self._scope.get("state", {}).get("claims", {}).get(name)
        return claim

    def _header(self, name: str, joint: str) -> str | None:
        sought = name.encode("ascii")
        found = [value for key, value in self._scope["headers"] if key == sought]
        return _read(joint.encode().join(found)).strip() if found else None

    @cached_property
    def _query(self) -> dict[str, str]:
        return _firsts(parse_qsl(_text(self._scope["query_string"]), keep_blank_values=True))

    @cached_property
    def _cookies(self) -> dict[str, str]:
        # HTTP/2 lets a client send several Cookie headers, which are one.
        pairs = (self._header("cookie", ";") or "").split(";")
        split = (pair.strip().partition("=") for pair in pairs)
        return _firsts((key, value.strip('"')) for key, _, value in split)


def _firsts(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of several values of one name the first."""
    return dict(reversed(list(pairs)))


def _read(raw: bytes) -> str:
    text = _text(raw)
    if not text.isascii():
        # A gateway may have read the bytes of a header as Latin-1, as that of `sam local` does.
        with suppress(UnicodeError):
            return text.encode("latin-1").decode()
    return text


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
