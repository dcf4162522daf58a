"""The HTTP protocol: a request that is not valid HTTP gets a problem document too."""

import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.http.problems import problem


class Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1 protocol in pure Python, used whatever else is installed."""

    def send_400_response(self, msg: str) -> None:
        """Answer an unreadable request, unless a response has begun, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = problem(
                "bad-request",
                "This is not HTTP/1.1 as the server reads it, or its head is over 64 kB.",
                headers={"Connection": "close", "X-Request-ID": uuid.uuid4().hex},
            )
            head = h11.Response(
                status_code=400, headers=response.raw_headers, reason=b"Bad Request"
            )
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
