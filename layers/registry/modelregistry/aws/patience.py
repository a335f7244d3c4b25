"""How long a call to AWS may take before it is given up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """
    Seconds: to `connect`, to wait for more of an answer (`read`), and all in all (`limit`).

    Throttling, 5xx and broken connections are tried again, with jitter, as long as
    the next attempt would still end within `limit`. An attempt counts for no more
    than its time-outs: what took longer was moving bytes.
    """

    connect: float
    read: float
    limit: float


PATIENT = Patience(connect=5, read=20, limit=60)
# On the request path: an endpoint that hangs is asked twice.
IMPATIENT = Patience(connect=0.8, read=0.8, limit=3)
