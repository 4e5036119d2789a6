"""The farm's API from outside, for workers: one method per route.

Is: what a worker may ask and must report. Is not: its conduct (worker/machine). Three calls are
long polls: they say `Prefer: wait`, and a manager that knows it answers as soon as there is news;
a stock manager answers at once. Everything raises `FarmUnreachable`, `FarmSaid` or `StrangeAnswer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from flamenco_p2p.client.answers import (
    AssignedTask,
    MayKeepRunning,
    NothingToDo,
    RegisteredWorker,
    StateWanted,
)
from flamenco_p2p.client.connection import Answer, Connection, as_json
from flamenco_p2p.clock import steady_s

_HELD_S: Final = 1.0  # an answer that took longer was held, whatever its headers say
_SIGN_ON_LIMIT_S: Final = 60.0  # nodes hold it for as long as there is no manager
_UPLOAD_LIMIT_S: Final = 60.0


class WorkerClient:
    """To be used as `async with`; after `credentials` are set it speaks for one worker."""

    def __init__(self, url: str) -> None:
        self._node = Connection(url)

    async def __aenter__(self) -> Self:
        await self._node.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._node.__aexit__(kind, error, trace)

    def speak_for(self, worker: str, secret: str) -> None:
        """Use these credentials from now on."""
        self._node.credentials = (worker, secret)

    async def register(
        self, *, name: str, platform: str, secret: str, task_types: Sequence[str]
    ) -> RegisteredWorker:
        """Become known. `platform` is `linux`, `windows` or `darwin`."""
        body = {
            "name": name,
            "platform": platform,
            "secret": secret,
            "supported_task_types": task_types,
        }
        answer = await self._post("register-worker", body)
        return answer.must_be(200).read_as(RegisteredWorker)

    async def sign_on(
        self,
        *,
        name: str,
        software: str,
        task_types: Sequence[str],
        can_restart: bool,
        blenders: Sequence[dict[str, str]],
        node: str | None,
    ) -> StateWanted:
        """Come to work. Each of `blenders` has `version` and `kind`; `node` is our node's id."""
        body: dict[str, Any] = {
            "name": name,
            "supported_task_types": task_types,
            "software_version": software,
            "can_restart": can_restart,
            "blenders": blenders,
        }
        if node is not None:
            body["node"] = node
        answer = await self._node.call(
            "POST", "/api/v3/worker/sign-on", body=as_json(body), limit_s=_SIGN_ON_LIMIT_S
        )
        return answer.must_be(200).read_as(StateWanted)

    async def sign_off(self, *, limit_s: float) -> None:
        """Go home; the task in hand, if any, becomes somebody else's."""
        answer = await self._node.call("POST", "/api/v3/worker/sign-off", limit_s=limit_s)
        answer.must_be(204)

    async def state_changed(self, status: str) -> None:
        """Say what this worker is now."""
        (await self._post("state-changed", {"status": status})).must_be(204)

    async def state(self, *, wait_s: int) -> StateWanted | NothingToDo:
        """Ask whether the farm wants this worker to be something else."""
        answer, held = await self._long_poll("GET", "state", wait_s)
        if answer.must_be(200, 204).status == 204:
            return NothingToDo(held)
        return answer.read_as(StateWanted)

    async def schedule_task(self, *, wait_s: int) -> AssignedTask | StateWanted | NothingToDo:
        """Ask for work."""
        answer, held = await self._long_poll("POST", "task", wait_s)
        match answer.must_be(200, 204, 423).status:
            case 204:
                return NothingToDo(held)
            case 423:
                return answer.read_as(StateWanted)
            case _:
                return answer.read_as(AssignedTask)

    async def may_i_run(self, task: str, *, wait_s: int) -> tuple[MayKeepRunning, bool]:
        """Ask whether to go on with the task, and whether that answer was held."""
        answer, held = await self._long_poll("GET", f"task/{task}/may-i-run", wait_s)
        return answer.must_be(200).read_as(MayKeepRunning), held

    async def task_update(self, task: str, update: bytes) -> None:
        """Report about a task. `update` is the JSON body."""
        answer = await self._node.call("POST", f"/api/v3/worker/task/{task}", body=update)
        answer.must_be(204)

    async def output_produced(self, task: str, jpeg: bytes) -> None:
        """Show a picture of what the task has made."""
        answer = await self._node.call(
            "POST",
            f"/api/v3/worker/task/{task}/output-produced",
            body=jpeg,
            kind="image/jpeg",
            limit_s=_UPLOAD_LIMIT_S,
        )
        answer.must_be(202)

    async def _post(self, route: str, body: dict[str, Any]) -> Answer:
        return await self._node.call("POST", f"/api/v3/worker/{route}", body=as_json(body))

    async def _long_poll(self, method: str, route: str, wait_s: int) -> tuple[Answer, bool]:
        began = steady_s()
        answer = await self._node.call(
            method,
            f"/api/v3/worker/{route}",
            headers={"Prefer": f"wait={wait_s}"},
            limit_s=wait_s + 15.0,
        )
        applied = answer.headers.get("Preference-Applied", "")
        held = applied.startswith("wait") or steady_s() - began >= _HELD_S
        return answer, held
