"""The worker: carries out what its machine decides.

Is: HTTP, timers, processes and files at the machine's command. Is not: conduct; there is no choice
here that machine could make. A stranger to the manager, it knows only its node's address.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, assert_never

from flamenco_p2p.client.answers import AssignedTask, NothingToDo, StateWanted
from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.client.worker_client import WorkerClient
from flamenco_p2p.farm.errors import FarmError
from flamenco_p2p.farm.ids import text_of
from flamenco_p2p.worker import identity
from flamenco_p2p.worker.children import Children
from flamenco_p2p.worker.conversation import (
    Act,
    AskForState,
    AskForTask,
    AskMayRun,
    CancelTask,
    CommandsEnded,
    DeliverKept,
    End,
    EndWatch,
    Event,
    Failed,
    KeptDelivered,
    MayRun,
    NothingNew,
    Question,
    Register,
    Registered,
    RunTask,
    SignedOff,
    SignedOn,
    SignOff,
    SignOn,
    Started,
    State,
    StateRequested,
    StateTold,
    StopRequested,
    TaskEnded,
    TaskGiven,
    TellState,
    Wait,
)
from flamenco_p2p.worker.machine import Machine
from flamenco_p2p.worker.outbox import Outbox
from flamenco_p2p.worker.previews import Previews
from flamenco_p2p.worker.programs import Programs
from flamenco_p2p.worker.task_run import TaskRun

log = logging.getLogger(__name__)

TASK_TYPES: Final = ("blender", "ffmpeg", "file-management", "misc")
_LONG_POLL_S: Final = 30
_PLATFORMS: Final = {"win32": "windows"}  # Flamenco's names; the others are the same


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """Why a worker ended: `OFFLINE` (it was told to, or stopped) or `RESTART`."""

    why: State
    exit_code: int


class WorkerLoop:
    """One worker, from its start to its sign-off."""

    def __init__(
        self,
        *,
        client_url: str,
        folder: Path,
        name: str,
        software: str,
        programs: Programs,
        task_types: Sequence[str] = TASK_TYPES,
        node_id: bytes | None = None,
        restart_exit_code: int = 0,
    ) -> None:
        """`folder` is this worker's own; `restart_exit_code` other than 0: it can be restarted."""
        self._folder = folder
        self._name = name
        self._software = software
        self._programs = programs
        self._task_types = tuple(task_types)
        self._node = None if node_id is None else text_of(node_id)
        self._restart_exit_code = restart_exit_code
        self._farm = WorkerClient(client_url)
        self._outbox = Outbox(folder / "outbox.sqlite", self._farm.task_update)
        self._previews = Previews(self._farm.output_produced)
        self._children = Children(folder)
        self._machine = Machine()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks = asyncio.TaskGroup()
        self._run: asyncio.Task[None] | None = None
        self._duty: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    async def stop(self, *, after_task: bool = False) -> None:
        """Leave in an orderly way, at once or once the task in hand is done; wait for `run`'s end.

        At once means: within some 8 seconds if nobody listens, usually much less.
        """
        self._events.put_nowait(StopRequested(at_once=not after_task))
        await self._ended.wait()

    async def run(self) -> WorkerExit:
        """Work until told to leave. Cancelled, it ends its program and says goodbye to nobody."""
        try:
            return await self._work()
        finally:
            self._ended.set()

    async def _work(self) -> WorkerExit:
        await self._children.end_orphans()
        known = await asyncio.to_thread(identity.load, self._folder)
        if known is not None:
            self._farm.speak_for(known.worker, known.secret)
        async with self._farm, self._outbox, self._tasks:
            chores = [
                self._tasks.create_task(self._previews.run()),
                self._tasks.create_task(self._children.keep_record()),
            ]
            self._events.put_nowait(Started(known=known is not None))
            why = await self._converse()
            for chore in chores:
                chore.cancel()
        return WorkerExit(why, self._restart_exit_code if why is State.RESTART else 0)

    async def _converse(self) -> State:
        while True:
            event = await self._events.get()
            for instruction in self._machine.handle(event):
                log.debug("%s -> %s", type(event).__name__, instruction)
                if isinstance(instruction, End):
                    return instruction.why
                self._carry_out(instruction)

    def _carry_out(self, instruction: Act) -> None:
        match instruction:
            case RunTask(task):
                self._run = self._tasks.create_task(self._run_task(task))
            case CancelTask():
                _cancel(self._run)
            case EndWatch():
                _cancel(self._watch)
            case AskMayRun() | Wait(then=AskMayRun()):
                _cancel(self._watch)
                self._watch = self._tasks.create_task(self._ask(instruction))
            case _:
                _cancel(self._duty)
                self._duty = self._tasks.create_task(self._ask(instruction))

    async def _run_task(self, task: AssignedTask) -> None:
        log.info("task %s (%s)", task.name, task.uuid)
        reported = False
        run = TaskRun(
            task,
            programs=self._programs,
            outbox=self._outbox,
            children=self._children,
            offer_preview=self._previews.offer,
            commands_ended=lambda: self._events.put_nowait(CommandsEnded()),
        )
        try:
            reported = await run.run()
        except Exception:  # whatever it is, the next task may do better
            log.exception("task %s was given up", task.uuid)
        finally:
            self._events.put_nowait(TaskEnded(reported))

    async def _ask(self, instruction: Question | Wait) -> None:
        question = instruction
        if isinstance(question, Wait):
            # Not all workers of a farm shall knock in the same moment.
            await asyncio.sleep(question.seconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
            question = question.then
        try:
            event = await self._answer_to(question)
        except FarmSaid as error:
            log.warning("%s: %d, %s", type(question).__name__, error.answered, error)
            event = Failed(question, error.answered)
        except FarmError as error:
            log.info("%s: %s", type(question).__name__, error)
            event = Failed(question, None)
        self._events.put_nowait(event)

    async def _answer_to(self, question: Question) -> Event:
        match question:
            case Register():
                await self._register()
                return Registered()
            case SignOn():
                return SignedOn((await self._sign_on()).status_requested)
            case DeliverKept(limit_s):
                with suppress(TimeoutError):
                    async with asyncio.timeout(limit_s):
                        await self._outbox.delivered()
                return KeptDelivered()
            case TellState(state):
                await self._farm.state_changed(state)
                return StateTold()
            case AskForTask():
                return _as_event(await self._farm.schedule_task(wait_s=_LONG_POLL_S))
            case AskForState():
                return _as_event(await self._farm.state(wait_s=_LONG_POLL_S))
            case AskMayRun(task):
                answer, held = await self._farm.may_i_run(task, wait_s=_LONG_POLL_S)
                return MayRun(task, keep=answer.may_keep_running, held=held)
            case SignOff(limit_s):
                await self._farm.sign_off(limit_s=limit_s)
                return SignedOff()
            case _:
                assert_never(question)

    async def _register(self) -> None:
        secret = identity.new_secret()
        answer = await self._farm.register(
            name=self._name,
            platform=_PLATFORMS.get(sys.platform, sys.platform),
            secret=secret,
            task_types=self._task_types,
        )
        credentials = identity.Credentials(answer.uuid, secret)
        try:
            await asyncio.to_thread(identity.save, self._folder, credentials)
        except OSError as error:
            log.error("the next start will register this worker anew: %s", error)
        self._farm.speak_for(answer.uuid, secret)

    async def _sign_on(self) -> StateWanted:
        return await self._farm.sign_on(
            name=self._name,
            software=self._software,
            task_types=self._task_types,
            can_restart=self._restart_exit_code != 0,
            blenders=[
                {"version": ".".join(map(str, one.version)), "kind": one.kind}
                for one in self._programs.blenders
            ],
            node=self._node,
        )


def _as_event(answer: AssignedTask | StateWanted | NothingToDo) -> Event:
    match answer:
        case AssignedTask():
            return TaskGiven(answer)
        case StateWanted(status_requested=wanted):
            return StateRequested(wanted)
        case NothingToDo(held=held):
            return NothingNew(held)


def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
