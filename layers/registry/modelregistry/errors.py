"""
Everything that can go wrong in a registry, as a caller sees it.

RegistryError
├── InvalidInput      a name, number, weight or URL that cannot be one
├── NotFound          no such model, version, alias or revision
│   └── NoRegistry        nor the registry: no such directory, bucket or table
├── Conflict          somebody else wrote the revision first
├── Refused           a check said no; nothing was changed
│   ├── ModelRefused      the SavedModel does not compile
│   └── VersionExists     the number is taken by other bytes, or retired
├── Damaged           what is stored is not what was published
└── Unavailable       the registry, or something that it needs, cannot be used now

Every error is one sentence with the offending value and, where there is one, a
`hint`: the way out. Nothing here knows about HTTP or exit codes.
"""


class RegistryError(Exception):
    """The root. `str(error)` is the sentence, `error.hint` the way out or ''."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(RegistryError):
    pass


class NotFound(RegistryError):
    pass


class NoRegistry(NotFound):
    """It says nothing about what the registry would hold: a server has to treat it as an outage."""


class Conflict(RegistryError):
    """
    The revision that the caller built on is not the newest any more.

    `winner` is the revision that is there instead.
    """

    def __init__(self, message: str, *, winner: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.winner = winner


class Refused(RegistryError):
    pass


class ModelRefused(Refused):
    pass


class VersionExists(Refused):
    pass


class Damaged(RegistryError):
    pass


class Unavailable(RegistryError):
    pass
