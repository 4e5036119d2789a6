"""SQLite: the only SQL of the farm.

Flows in: batches of decisions from the log, in order. Flows out: rows, answers and events.
Two databases per node: `raft.db` is the log (WAL, synchronous=FULL: a commit is an fsync),
`farm.db` the state (WAL, synchronous=NORMAL: it may lose its newest transactions when the power
fails, never its consistency, and the log replays them). Each is written by one thread only, and
only that thread checkpoints, which avoids SQLite's WAL-reset race in versions before 3.51.3.

Choice: task rows are small and mutable, their commands lie apart and never change. Price: one more
look-up when a task is given out. Gain: updating one of a million tasks rewrites 150 bytes.
Choice: statuses are not stored but derived, so pausing a job of 100,000 tasks touches one row.
"""
