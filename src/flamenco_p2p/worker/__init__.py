"""This machine's hands: a worker that renders for the farm.

Flows in: tasks, over HTTP from this machine's own node. Flows out: reports about them, the same
way. The worker is a stranger to the manager: it knows one address and speaks Flamenco's worker API,
so a stock worker can take its place, and it can work for a stock manager. What it can do besides
(long polls, attempts, verified outputs) rides on optional fields and headers.

- `machine` decides everything a worker decides; `conversation` has its events and instructions;
  `loop` carries them out. `identity` is who we are.
- `task_run` runs one task: its `commands` one after the other, `process` for programs, `programs`
  for which Blender. `reports` gathers what the farm shall hear of it, `outbox` gets it there,
  `previews` shows the newest picture.
- `children` lets the next life end what a crash left running.

Choice: how a task ended is on disk before it is first sent, and stays until the farm has said that
it knows. So no completion is lost by killing anybody at any moment. Price: one fsync per task, and
the farm must bear hearing things twice.
Choice: losing the farm never stops a render; only a clear "no" does. Price: after a quarrel two
workers may render the same frame.
Choice: no pauses between tasks; waiting happens at the farm, in a request it answers late. Price:
one open connection per idle worker, two per busy one.
"""
