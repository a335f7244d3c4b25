import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from infra.local.atomic import Atomic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

RACERS = 8
CONDITIONAL = {
    "PutItem": {"X-Amz-Target": "DynamoDB_20120810.PutItem"},
    "PutObject": {"If-None-Match": "*"},
    "PutObject over another": {"If-Match": "etag"},
}


class Register:
    """Takes a key once, as moto does: it looks, and a moment later it writes."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        there = request.path in self.taken
        time.sleep(0.01)
        if not there:
            self.taken[request.path] = request.get_data()
        return Response(status=412 if there else 200)(environ, start_response)


@pytest.mark.parametrize("headers", CONDITIONAL.values(), ids=CONDITIONAL)
def test_of_racing_conditional_writes_one_wins_and_its_body_is_there(
    headers: dict[str, str],
) -> None:
    register = Register()
    atomic = Atomic(register)
    start = Barrier(RACERS)

    def put(number: int) -> int:
        start.wait(60)
        return Client(atomic).post("/key", data=b"%d" % number, headers=headers).status_code

    with ThreadPoolExecutor(RACERS) as pool:
        statuses = list(pool.map(put, range(RACERS)))
    assert sorted(statuses) == [200] + [412] * (RACERS - 1)
    assert register.taken == {"/key": b"%d" % statuses.index(200)}


def test_requests_without_a_condition_are_answered_beside_each_other() -> None:
    both = Barrier(2)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        both.wait(60)
        return Response()(environ, start_response)

    atomic = Atomic(app)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: Client(atomic).get("/key").status_code, range(2)))
    assert answers == [200, 200]


def test_a_body_that_is_never_complete_is_refused_and_holds_nobody_up() -> None:
    register = Register()
    atomic = Atomic(register)
    half = {"CONTENT_LENGTH": "100"}
    cut = Client(atomic).post(
        "/key", data=b"half", headers=CONDITIONAL["PutItem"], environ_overrides=half
    )
    assert cut.status_code == 400
    assert register.taken == {}
    assert Client(atomic).post("/key", headers=CONDITIONAL["PutItem"]).status_code == 200
