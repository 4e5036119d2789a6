-- The replicated state. Rules for every table here:
--  * keys come from the decision, never from the database; integers are milliseconds or counts;
--  * `mod` is the log index of the last change, so that "what changed since the fork" is a query;
--  * a register (something people set) carries a stamp: hybrid clock + deciding node; greatest wins;
--  * columns marked (derived) are recomputed by apply, also after rows were merged; never merged.

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID, STRICT;

-- Every id this farm ever had: its own and those it absorbed. Join: union.
CREATE TABLE farms (
    farm_id BLOB PRIMARY KEY, mod INTEGER NOT NULL,
    name TEXT NOT NULL, founded_ms INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Machines that take part. Join: greatest stamp.
CREATE TABLE nodes (
    node_id BLOB PRIMARY KEY, mod INTEGER NOT NULL,
    name TEXT NOT NULL, public_key BLOB NOT NULL, stamp BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- Jobs that are gone for ever; rows below them are dropped wherever they turn up. Join: union.
CREATE TABLE removed_jobs (job_id BLOB PRIMARY KEY, mod INTEGER NOT NULL, hlc INTEGER NOT NULL)
WITHOUT ROWID, STRICT;

CREATE TABLE jobs (
    job_id BLOB PRIMARY KEY, mod INTEGER NOT NULL,
    -- fixed by the submission; join: the same everywhere
    name TEXT NOT NULL, type TEXT NOT NULL, settings BLOB NOT NULL, metadata BLOB NOT NULL,
    submitter_platform TEXT NOT NULL, submitter TEXT NOT NULL, owner TEXT NOT NULL,
    comment TEXT NOT NULL, time_zone TEXT NOT NULL, shaman_checkout_id TEXT NOT NULL,
    blender TEXT NOT NULL, created_ms INTEGER NOT NULL,
    -- registers; join: greatest stamp each
    desired TEXT NOT NULL, desired_stamp BLOB NOT NULL,
    priority INTEGER NOT NULL, priority_stamp BLOB NOT NULL,
    worker_tag BLOB, worker_tag_stamp BLOB NOT NULL,
    -- latches; join: set stays set (least time)
    complete INTEGER NOT NULL DEFAULT 0, delete_requested_ms INTEGER,
    -- epochs; join: greatest. `epoch`: greatest one used in this job. `requeued`: of the last time
    -- the whole job was queued again. `started`, `given_up`: in which something was given out, or
    -- the job was given up; they count while they are not older than `requeued` and `epoch`.
    epoch INTEGER NOT NULL DEFAULT 1, requeued INTEGER NOT NULL DEFAULT 1,
    started INTEGER NOT NULL DEFAULT 0, given_up INTEGER NOT NULL DEFAULT 0,
    activity TEXT NOT NULL DEFAULT '', updated_ms INTEGER NOT NULL,
    -- (derived)
    slices INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL,
    n_total INTEGER NOT NULL DEFAULT 0, n_ready INTEGER NOT NULL DEFAULT 0,
    n_active INTEGER NOT NULL DEFAULT 0, n_done INTEGER NOT NULL DEFAULT 0,
    n_failed INTEGER NOT NULL DEFAULT 0, n_canceled INTEGER NOT NULL DEFAULT 0,
    steps_total INTEGER NOT NULL DEFAULT 0, steps_done INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID, STRICT;
-- The jobs that the scheduler, the watch and the deleter look for, however many have ended.
CREATE INDEX jobs_alive ON jobs (job_id)
    WHERE status NOT IN ('completed', 'failed', 'canceled') OR delete_requested_ms IS NOT NULL;

-- What a task does; big, and never changes. Join: the same everywhere.
CREATE TABLE task_commands (
    job_id BLOB NOT NULL, task_no INTEGER NOT NULL, mod INTEGER NOT NULL, commands BLOB NOT NULL,
    PRIMARY KEY (job_id, task_no)
) WITHOUT ROWID, STRICT;

-- Which task waits for which, one row each. Join: union.
CREATE TABLE dependencies (
    job_id BLOB NOT NULL, before_no INTEGER NOT NULL, task_no INTEGER NOT NULL,
    mod INTEGER NOT NULL,
    PRIMARY KEY (job_id, before_no, task_no)
) WITHOUT ROWID, STRICT;

CREATE TABLE tasks (
    job_id BLOB NOT NULL, task_no INTEGER NOT NULL, mod INTEGER NOT NULL,
    name TEXT NOT NULL, type TEXT NOT NULL, priority INTEGER NOT NULL, steps INTEGER NOT NULL,
    -- join: greatest epoch; in equal epochs greatest state (waiting < canceled < failed < done);
    -- of two that are done the smallest `done` (hlc + worker)
    epoch INTEGER NOT NULL, state INTEGER NOT NULL, done BLOB,
    -- the lease: who holds the task now; not merged, a new manager adopts or hands back
    worker_id BLOB, attempt_id BLOB,
    activity TEXT NOT NULL DEFAULT '', updated_ms INTEGER NOT NULL, touched_ms INTEGER,
    -- (derived) from dependencies and failures
    before INTEGER NOT NULL DEFAULT 0, unmet INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER NOT NULL DEFAULT 0, ready INTEGER NOT NULL,
    PRIMARY KEY (job_id, task_no)
) WITHOUT ROWID, STRICT;
CREATE INDEX tasks_ready ON tasks (job_id, type, priority DESC, task_no) WHERE ready = 1;
CREATE INDEX tasks_held_by_worker ON tasks (worker_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX tasks_held_of_job ON tasks (job_id, task_no) WHERE attempt_id IS NOT NULL;
CREATE INDEX tasks_in_trouble ON tasks (job_id, task_no)
    WHERE state IN (1, 2) OR failed_at > 0;
CREATE INDEX tasks_touched_by_worker ON tasks (worker_id, touched_ms) WHERE worker_id IS NOT NULL;

-- Every try. Join: union; an ended one wins over the same one still open.
CREATE TABLE attempts (
    job_id BLOB NOT NULL, task_no INTEGER NOT NULL, attempt_id BLOB NOT NULL, mod INTEGER NOT NULL,
    epoch INTEGER NOT NULL, worker_id BLOB NOT NULL,
    started_ms INTEGER NOT NULL, ended_ms INTEGER, outcome TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, task_no, attempt_id)
) WITHOUT ROWID, STRICT;

-- Who failed at what; counts while its epoch is the task's. Join: greatest epoch.
CREATE TABLE failures (
    job_id BLOB NOT NULL, task_no INTEGER NOT NULL, worker_id BLOB NOT NULL, mod INTEGER NOT NULL,
    epoch INTEGER NOT NULL, task_type TEXT NOT NULL,
    PRIMARY KEY (job_id, task_no, worker_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX failures_by_worker ON failures (job_id, worker_id, task_type);

-- Who gets no more tasks of a type in a job; counts while its epoch is not older than the job's
-- `requeued`. A register: a person may clear it. Join: greatest (epoch, stamp).
CREATE TABLE blocks (
    job_id BLOB NOT NULL, worker_id BLOB NOT NULL, task_type TEXT NOT NULL, mod INTEGER NOT NULL,
    epoch INTEGER NOT NULL, blocked INTEGER NOT NULL, stamp BLOB NOT NULL,
    PRIMARY KEY (job_id, worker_id, task_type)
) WITHOUT ROWID, STRICT;

-- Files that completed attempts wrote. Join: greatest epoch, then smallest attempt.
CREATE TABLE outputs (
    job_id BLOB NOT NULL, task_no INTEGER NOT NULL, path TEXT NOT NULL, mod INTEGER NOT NULL,
    epoch INTEGER NOT NULL, attempt_id BLOB,
    PRIMARY KEY (job_id, task_no, path)
) WITHOUT ROWID, STRICT;

-- Workers. Join: greatest stamp for each of the three groups; deletion is a latch.
CREATE TABLE workers (
    worker_id BLOB PRIMARY KEY, mod INTEGER NOT NULL,
    secret_digest BLOB NOT NULL, platform TEXT NOT NULL,
    name TEXT NOT NULL, address TEXT NOT NULL, software TEXT NOT NULL, task_types TEXT NOT NULL,
    can_restart INTEGER NOT NULL, blenders BLOB NOT NULL, node_id BLOB, stamp BLOB NOT NULL,
    status TEXT NOT NULL, status_stamp BLOB NOT NULL,
    requested TEXT NOT NULL DEFAULT '', lazy INTEGER NOT NULL DEFAULT 0,
    requested_stamp BLOB NOT NULL,
    deleted_ms INTEGER, updated_ms INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Answers already given, so that a retried request changes nothing twice. Join: union.
CREATE TABLE requests (
    request_id BLOB PRIMARY KEY, mod INTEGER NOT NULL, hlc INTEGER NOT NULL,
    refusal TEXT NOT NULL, problem TEXT NOT NULL, remedy TEXT NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX requests_by_age ON requests (hlc);
