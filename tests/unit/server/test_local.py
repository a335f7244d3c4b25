"""What `deploy serve` listens with."""

import asyncio
import socket

from modelserver.local import bound


def test_no_answer_waits_for_more_to_send() -> None:
    async def ask(listener: socket.socket) -> int:
        """Whether a connection that asyncio accepts does without Nagle's algorithm."""
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            told.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.close()
            return await told

    with bound("127.0.0.1", 0) as listener:
        assert asyncio.run(ask(listener))
