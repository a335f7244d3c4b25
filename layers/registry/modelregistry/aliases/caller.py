"""What a request says that may decide who answers it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, get_args

from ..errors import InvalidInput

Kind = Literal["header", "query", "cookie", "claim"]
KINDS: tuple[str, ...] = get_args(Kind)

# RFC 9110: a field name, and RFC 6265: a cookie's, is a token.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LONGEST_NAME = 128
_NAMES: Mapping[str, str] = MappingProxyType(
    {"header": "a header", "query": "a query parameter", "cookie": "a cookie", "claim": "a claim"}
)
_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, order=True)
class Attribute:
    """
    One thing that a request says: `header:x-tier`, `query:tier`, `cookie:uid`, `claim:sub`.

    Names of headers are in lower case. Claims are those of a token that API Gateway's
    authorizer has verified; nobody else's.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "header" else f"{self.kind}:{self.name}"


class Caller(Protocol):
    """A request, as far as routing asks."""

    def value(self, attribute: Attribute) -> str | None:
        """
        What it says there; None if it does not.

        A header that is repeated is one, its values joined by "," as API Gateway joins
        them; of a query parameter or cookie the first counts.
        """


@dataclass(frozen=True)
class Said:
    """A caller of whom all is known. Names of headers in lower case."""

    headers: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    query: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    cookies: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    claims: Mapping[str, str] = field(default_factory=lambda: _EMPTY)

    def value(self, attribute: Attribute) -> str | None:
        where = {
            "header": self.headers,
            "query": self.query,
            "cookie": self.cookies,
            "claim": self.claims,
        }
        return where[attribute.kind].get(attribute.name)


NOBODY = Said()


def attribute(text: str) -> Attribute:
    """
    Read `NAME`, a header's, or `header:`, `query:`, `cookie:` or `claim:` and a name.

    Raises InvalidInput for what can be none.

    >>> attribute("X-Tier"), str(attribute("claim:cognito:groups"))
    (Attribute(kind='header', name='x-tier'), 'claim:cognito:groups')
    """
    kind, colon, name = text.partition(":")
    if not colon:
        return of_kind("header", text)
    if kind not in KINDS:
        raise InvalidInput(
            f"{text!r} is not a header's name, nor does {kind!r} say where {name!r} stands",
            hint="write NAME for a header, or query:NAME, cookie:NAME, claim:NAME",
        )
    return of_kind(kind, name)


def of_kind(kind: str, name: str) -> Attribute:
    """The attribute, if there can be one. Raises InvalidInput."""
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is none of {', '.join(KINDS)}")
    if kind in ("header", "cookie"):
        fits = bool(_TOKEN.fullmatch(name))
        wants = "letters, digits and any of !#$%&'*+-.^_`|~"
    else:
        fits, wants = bool(name) and name.isprintable(), "printable characters"
    if not fits or len(name) > _LONGEST_NAME:
        raise InvalidInput(
            f"{name[:_LONGEST_NAME]!r} cannot name {_NAMES[kind]}",
            hint=f"1 to {_LONGEST_NAME} characters: {wants}",
        )
    found: Kind = kind  # type: ignore[assignment] # it is one of them
    return Attribute(found, name.lower() if kind == "header" else name)


ROUTING_KEY = Attribute("header", "x-routing-key")
VERSION_HEADER = Attribute("header", "x-model-version")
