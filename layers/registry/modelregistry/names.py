"""
The names people type, and the identity they are resolved to.

A name is checked here once, before it becomes a path, a key or a URL. Nothing
else in the project builds a path from a string that did not pass through here.
"""

import re
from typing import NamedTuple

from .errors import InvalidInput

DEFAULT_ALIAS = "stable"
# What a model's default may be instead of an alias: the highest published version
# that the policy keeps, which is TensorFlow Serving's rule. So no alias can have this name.
HIGHEST = "highest"

# The design's alphabet. A leading dot is impossible, so `.`, `..` and hidden
# files are too. `fullmatch`, because `$` would accept a trailing newline.
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VERSION = re.compile(r"[0-9]{1,19}")
MAX_VERSION = 2**63 - 1  # TensorFlow Serving's versions are int64


class ModelId(NamedTuple):
    """One published version of one model: what every name is resolved to."""

    model: str
    version: int

    def __str__(self) -> str:
        return f"{self.model}:{self.version}"


class Reference(NamedTuple):
    """
    `MODEL`, `MODEL:VERSION` or `MODEL@ALIAS` as it is typed on a command line.

    At most one of `version` and `alias` is set.
    """

    model: str
    version: int | None = None
    alias: str | None = None


def model_name(text: str) -> str:
    """`text` if it can name a model. Raises InvalidInput."""
    if not _MODEL.fullmatch(text):
        raise InvalidInput(
            f"{text!r} cannot name a model",
            hint="1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit",
        )
    return text


def alias_name(text: str) -> str:
    """`text` if it can name an alias. Raises InvalidInput."""
    if not _ALIAS.fullmatch(text):
        raise InvalidInput(
            f"{text!r} cannot name an alias",
            hint="1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit",
        )
    if text == HIGHEST:
        raise InvalidInput(f"{text!r} is not an alias: it means the highest published version")
    return text


def default_name(text: str) -> str:
    """`text` if it can be a model's default: an alias or `highest`. Raises InvalidInput."""
    return text if text == HIGHEST else alias_name(text)


def version_number(text: str) -> int:
    """The version that `text` names, 1 to 2**63 - 1. Raises InvalidInput."""
    number = int(text) if _VERSION.fullmatch(text) else 0
    if not 1 <= number <= MAX_VERSION:
        raise InvalidInput(
            f"{text!r} is not a version number",
            hint="a version is a whole number from 1 to 9223372036854775807",
        )
    return number


def version_directory(name: str) -> int | None:
    """
    The version that a directory of a trainer holds, or None if it holds none.

    As TensorFlow Serving reads them: `00017` is 17, `latest` and `tmp-3` are nothing.
    """
    if not _VERSION.fullmatch(name) or not 1 <= int(name) <= MAX_VERSION:
        return None
    return int(name)


def message_text(text: str) -> str:
    """`text` if it can be stored: whatever UTF-8 can say. Raises InvalidInput."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("the message is not valid UTF-8") from None
    return text


def reference(text: str) -> Reference:
    """
    Take `MODEL`, `MODEL:VERSION` or `MODEL@ALIAS` apart. Raises InvalidInput.

    >>> reference("sample:2")
    Reference(model='sample', version=2, alias=None)
    """
    if ":" in text:
        model, _, version = text.partition(":")
        return Reference(model_name(model), version=version_number(version))
    if "@" in text:
        model, _, alias = text.partition("@")
        return Reference(model_name(model), alias=alias_name(alias))
    return Reference(model_name(text))
