"""One keep-alive HTTP/1.1 connection that costs the measuring side next to nothing.

Is: one request at a time, answers with a length, in chunks, or without a body. Is not: a general
client: no TLS, no redirects, no compression.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """What came back. `head` is the raw head, in lower case."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed. Raises `Failed` if it is no good answer."""
        if self.status != 200:
            raise Failed(self.status, self.body)
        return json.loads(self.body)


class Failed(Exception):
    """The manager answered with something that ends the measurement."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"answer {status}: {body[:300].decode(errors='replace')}")
        self.status = status


class Connection(asyncio.Protocol):
    """A connection; opened with the first request, and again when the other side has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._host_line = f"Host: {parts.netloc}\r\n"
        self._prefix = parts.path.rstrip("/")
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._buffer = bytearray()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: str = "", *, within_s: float = 60.0
    ) -> Answer:
        """Send a request (`body` as JSON; `headers` as lines) and return its answer.

        Raises `ConnectionError` or `TimeoutError`; whether the request was carried out is then
        unknown.
        """
        if self._transport is None or self._transport.is_closing():
            await self._open()
        assert self._transport is not None
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\n{self._host_line}{headers}"
        if method != "GET":
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self._buffer.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + b"\r\n" + content)
        try:
            async with asyncio.timeout(within_s):
                return await self._answer
        except BaseException:
            self.close()  # its answer must not be taken for the next one's
            raise

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, self._host, self._port)

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # --- of asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and answer who waits once they are a whole answer."""
        self._buffer += data
        if self._answer is None or self._answer.done():
            return
        if (answer := _whole_answer(self._buffer)) is not None:
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits that no answer will come."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before an answer"))


def _whole_answer(buffer: bytearray) -> Answer | None:
    end = buffer.find(HEAD_END)
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    status = int(head[9:12])
    start = end + len(HEAD_END)
    if status in (204, 304):
        return Answer(status, head, b"")
    if (at := head.find(b"\r\ncontent-length:")) >= 0:
        length = int(head[at + 17 :].partition(b"\r\n")[0])
        if len(buffer) < start + length:
            return None
        return Answer(status, head, bytes(buffer[start : start + length]))
    if b"\r\ntransfer-encoding: chunked" not in head:
        return Answer(status, head, b"")
    if not buffer.endswith(b"0\r\n\r\n"):
        return None
    body = _joined(buffer, start)
    return None if body is None else Answer(status, head, body)


def _joined(buffer: bytearray, start: int) -> bytes | None:
    """Return the content of all chunks from `start` on; None if the last has not arrived."""
    body = bytearray()
    while (line_end := buffer.find(b"\r\n", start)) >= 0:
        size = int(bytes(buffer[start:line_end]).partition(b";")[0], 16)
        if size == 0:
            return bytes(body)
        body += buffer[line_end + 2 : line_end + 2 + size]
        start = line_end + 2 + size + 2
    return None
