-- name: for_apply
SELECT name, type, settings, metadata, submitter_platform, submitter, owner, comment, time_zone,
       shaman_checkout_id, blender, created_ms, worker_tag,
       desired, desired_stamp, priority, priority_stamp, complete, delete_requested_ms,
       epoch, requeued, started, given_up, activity, updated_ms, slices, status,
       n_total, n_ready, n_active, n_done, n_failed, n_canceled, steps_total, steps_done
  FROM jobs WHERE job_id = ?
-- name: insert
INSERT INTO jobs (job_id, mod, name, type, settings, metadata, submitter_platform, submitter, owner,
                  comment, time_zone, shaman_checkout_id, blender, created_ms,
                  desired, desired_stamp, priority, priority_stamp, worker_tag, worker_tag_stamp,
                  updated_ms, status)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?16, ?18, ?16,
        ?14, 'under-construction')
-- name: save
UPDATE jobs SET mod = ?, desired = ?, desired_stamp = ?, priority = ?, priority_stamp = ?,
       complete = ?, delete_requested_ms = ?, epoch = ?, requeued = ?, started = ?, given_up = ?,
       activity = ?, updated_ms = ?, slices = ?, status = ?, n_total = ?, n_ready = ?, n_active = ?,
       n_done = ?, n_failed = ?, n_canceled = ?, steps_total = ?, steps_done = ?
 WHERE job_id = ?
-- name: delete
DELETE FROM jobs WHERE job_id = ?
-- name: is_removed
SELECT 1 FROM removed_jobs WHERE job_id = ?
-- name: insert_removed
INSERT OR IGNORE INTO removed_jobs (job_id, mod, hlc) VALUES (?, ?, ?)
-- name: delete_tasks
DELETE FROM tasks WHERE job_id = ?
-- name: delete_task_commands
DELETE FROM task_commands WHERE job_id = ?
-- name: delete_dependencies
DELETE FROM dependencies WHERE job_id = ?
-- name: delete_attempts
DELETE FROM attempts WHERE job_id = ?
-- name: delete_failures
DELETE FROM failures WHERE job_id = ?
-- name: delete_blocks
DELETE FROM blocks WHERE job_id = ?
-- name: delete_outputs
DELETE FROM outputs WHERE job_id = ?
-- name: insert_block
INSERT INTO blocks (job_id, worker_id, task_type, mod, epoch, blocked, stamp)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (job_id, worker_id, task_type) DO UPDATE
   SET mod = excluded.mod, epoch = excluded.epoch, blocked = excluded.blocked, stamp = excluded.stamp
-- name: is_blocked
SELECT 1 FROM blocks
 WHERE job_id = ? AND worker_id = ? AND task_type = ? AND epoch >= ? AND blocked = 1
