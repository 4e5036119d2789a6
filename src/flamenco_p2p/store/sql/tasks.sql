-- name: for_apply
SELECT name, type, priority, steps, epoch, state, done, worker_id, attempt_id, activity, updated_ms,
       touched_ms, before, unmet, failed_at, ready
  FROM tasks WHERE job_id = ? AND task_no = ?
-- name: insert
INSERT INTO tasks (job_id, task_no, mod, name, type, priority, steps, epoch, state, updated_ms,
                   before, unmet, ready)
VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?, ?, ?)
-- name: insert_commands
INSERT INTO task_commands (job_id, task_no, mod, commands) VALUES (?, ?, ?, ?)
-- name: insert_dependency
INSERT INTO dependencies (job_id, before_no, task_no, mod) VALUES (?, ?, ?, ?)
-- name: save
UPDATE tasks SET mod = ?, epoch = ?, state = ?, done = ?, worker_id = ?, attempt_id = ?,
       activity = ?, updated_ms = ?, touched_ms = ?, before = ?, unmet = ?, failed_at = ?, ready = ?
 WHERE job_id = ? AND task_no = ?
-- name: commands
SELECT commands FROM task_commands WHERE job_id = ? AND task_no = ?
-- name: release_dependents
UPDATE tasks SET mod = ?1, updated_ms = ?2, unmet = unmet - 1,
       ready = (unmet = 1 AND state = 0 AND attempt_id IS NULL)
 WHERE job_id = ?3
   AND task_no IN (SELECT task_no FROM dependencies WHERE job_id = ?3 AND before_no = ?4)
RETURNING type, priority, task_no, ready
-- name: hold_dependents
-- Returns plain columns: SQLite 3.40 takes `attempt_id IS NULL` for false in a RETURNING clause here.
UPDATE tasks SET mod = ?1, updated_ms = ?2, unmet = unmet + 1, ready = 0
 WHERE job_id = ?3
   AND task_no IN (SELECT task_no FROM dependencies WHERE job_id = ?3 AND before_no = ?4)
RETURNING task_no, state, attempt_id, unmet
-- name: held_by_worker
SELECT job_id, task_no FROM tasks WHERE worker_id = ? AND attempt_id IS NOT NULL
 ORDER BY job_id, task_no
-- name: held_of_job
SELECT task_no FROM tasks INDEXED BY tasks_held_of_job
 WHERE job_id = ? AND attempt_id IS NOT NULL ORDER BY task_no
-- name: in_trouble
SELECT task_no FROM tasks INDEXED BY tasks_in_trouble
 WHERE job_id = ? AND (state IN (1, 2) OR failed_at > 0) AND state <> 3 AND attempt_id IS NULL
 ORDER BY task_no
-- name: rerun_all
UPDATE tasks SET mod = ?1, epoch = ?2, state = 0, done = NULL, attempt_id = NULL, unmet = before,
       failed_at = 0, ready = (before = 0), activity = ?3, updated_ms = ?4
 WHERE job_id = ?5
-- name: count_ready
SELECT count(*) FROM tasks INDEXED BY tasks_ready WHERE job_id = ? AND ready = 1
-- name: insert_attempt
INSERT INTO attempts (job_id, task_no, attempt_id, mod, epoch, worker_id, started_ms)
VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: end_attempt
UPDATE attempts SET mod = ?, ended_ms = ?, outcome = ?
 WHERE job_id = ? AND task_no = ? AND attempt_id = ?
-- name: attempt
SELECT epoch, worker_id FROM attempts WHERE job_id = ? AND task_no = ? AND attempt_id = ?
-- name: last_attempt_of_worker
SELECT attempt_id, epoch FROM attempts
 WHERE job_id = ? AND task_no = ? AND worker_id = ? ORDER BY started_ms DESC, attempt_id DESC LIMIT 1
-- name: insert_failure
INSERT INTO failures (job_id, task_no, worker_id, mod, epoch, task_type) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (job_id, task_no, worker_id) DO UPDATE
   SET mod = excluded.mod, epoch = excluded.epoch WHERE excluded.epoch > failures.epoch
-- name: has_failed
SELECT 1 FROM failures WHERE job_id = ? AND task_no = ? AND worker_id = ? AND epoch = ?
-- name: count_failures
SELECT count(*) FROM failures WHERE job_id = ? AND task_no = ? AND epoch = ?
-- name: insert_output
INSERT INTO outputs (job_id, task_no, path, mod, epoch, attempt_id) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (job_id, task_no, path) DO UPDATE
   SET mod = excluded.mod, epoch = excluded.epoch, attempt_id = excluded.attempt_id
 WHERE excluded.epoch > outputs.epoch
-- name: outputs
SELECT path, epoch FROM outputs WHERE job_id = ? AND task_no = ? ORDER BY path
