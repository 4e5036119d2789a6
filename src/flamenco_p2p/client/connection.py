"""HTTP with one node.

Is: a kept-alive session, time-outs on everything, and failures as `FarmUnreachable`, `FarmSaid`
and `StrangeAnswer`. Is not: any route, and no second tries.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
import msgspec
from yarl import URL

from flamenco_p2p import __version__
from flamenco_p2p.client.errors import FarmSaid, FarmUnreachable, StrangeAnswer

USUAL_LIMIT_S: Final = 20.0
"""Longer than the 10 s for which a node holds a request while there is no manager."""

_CONNECT_LIMIT_S: Final = 5.0
_SILENCE_LIMIT_S: Final = 60.0  # of a stream; nodes say something at least every half minute

T = TypeVar("T")


def node_url(text: str) -> str:
    """Make an address a person typed, with or without `http://`, one that calls can be added to."""
    url = text.strip()
    return (url if "://" in url else f"http://{url}").rstrip("/")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def read_as(self, wanted: type[T]) -> T:
        """Decode the JSON body. Raises `StrangeAnswer`."""
        try:
            return msgspec.json.decode(self.body, type=wanted)
        except msgspec.DecodeError as error:
            raise StrangeAnswer(self.url, str(error)) from error

    def must_be(self, *statuses: int) -> Self:
        """Raise `FarmSaid` for any other status."""
        if self.status not in statuses:
            raise FarmSaid(self.status, self._sentence())
        return self

    def _sentence(self) -> str:
        try:
            return msgspec.json.decode(self.body, type=_Message).message
        except msgspec.DecodeError:
            return f"The node answered with status {self.status}."


class _Message(msgspec.Struct):
    message: str


class Connection:
    """To be used as `async with`. `credentials` may be set later: a worker gets them on the way."""

    def __init__(self, url: str) -> None:
        self.url = node_url(url)
        self.credentials: tuple[str, str] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": f"flamenco-p2p/{__version__}"},
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
        limit_s: float = USUAL_LIMIT_S,
    ) -> Answer:
        """Ask, and wait for the whole answer. Raises `FarmUnreachable`, nothing for any status."""
        limit = aiohttp.ClientTimeout(total=limit_s, sock_connect=_CONNECT_LIMIT_S)
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = kind
        async with self._asked(method, path, limit, sent, body) as response:
            return Answer(self.url, response.status, response.headers, await response.read())

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read an answer of any length, chunk by chunk. Raises `FarmUnreachable`, `FarmSaid`."""
        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_LIMIT_S, sock_read=_SILENCE_LIMIT_S
        )
        async with self._asked("GET", path, limit, {}, None) as response:
            if response.status != 200:
                body = await response.read()
                Answer(self.url, response.status, response.headers, body).must_be(200)
            yield response.content.iter_any()

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        limit: aiohttp.ClientTimeout,
        headers: dict[str, str],
        body: bytes | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the connection is used outside its `async with`")
        if self.credentials is not None:
            pair = ":".join(self.credentials).encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        try:
            async with self._session.request(
                method,
                URL(self.url + path, encoded=True),
                data=body,
                headers=headers,
                timeout=limit,
                allow_redirects=False,
            ) as response:
                yield response
        except TimeoutError as error:
            raise FarmUnreachable(self.url, "it takes too long") from error
        except (aiohttp.ClientError, OSError) as error:
            raise FarmUnreachable(self.url, _plainly(error)) from error


def _plainly(error: Exception) -> str:
    """Return the system's own words, without the library's about sockets and certificates."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no machine of this name is known"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno).lower()
    return str(error) or type(error).__name__


def as_json(value: Any) -> bytes:
    """Encode a request body."""
    return msgspec.json.encode(value)
