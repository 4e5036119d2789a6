-- name: jobs
SELECT job_id, name, type, settings, metadata, submitter_platform, submitter, owner, comment,
       time_zone, shaman_checkout_id, blender, created_ms, worker_tag,
       desired, desired_stamp, priority, priority_stamp, complete, delete_requested_ms,
       epoch, requeued, started, given_up, activity, updated_ms, slices, status,
       n_total, n_ready, n_active, n_done, n_failed, n_canceled, steps_total, steps_done
  FROM jobs WHERE job_id > ? AND complete = 1 ORDER BY job_id LIMIT ?
-- name: jobs_alive
SELECT job_id, name, type, settings, metadata, submitter_platform, submitter, owner, comment,
       time_zone, shaman_checkout_id, blender, created_ms, worker_tag,
       desired, desired_stamp, priority, priority_stamp, complete, delete_requested_ms,
       epoch, requeued, started, given_up, activity, updated_ms, slices, status,
       n_total, n_ready, n_active, n_done, n_failed, n_canceled, steps_total, steps_done
  FROM jobs
 WHERE status NOT IN ('completed', 'failed', 'canceled') OR delete_requested_ms IS NOT NULL
-- name: tasks_of_job
SELECT task_no, name, type, priority, steps, epoch, state, done, worker_id, attempt_id, activity,
       updated_ms, touched_ms, before, unmet, failed_at, ready
  FROM tasks WHERE job_id = ? AND task_no > ? ORDER BY task_no LIMIT ?
-- name: ready_tasks
SELECT priority, task_no FROM tasks INDEXED BY tasks_ready
 WHERE job_id = ?1 AND type = ?2 AND ready = 1 AND priority = ?3 AND task_no > ?4
 ORDER BY priority DESC, task_no LIMIT ?5
-- name: next_ready_priority
SELECT priority FROM tasks
 WHERE job_id = ?1 AND type = ?2 AND ready = 1 AND priority < ?3
 ORDER BY priority DESC LIMIT 1
-- name: held_tasks
SELECT worker_id, job_id, task_no, attempt_id, name, steps
  FROM tasks INDEXED BY tasks_held_by_worker
 WHERE worker_id > x'' AND attempt_id IS NOT NULL
-- name: last_task_of_worker
SELECT job_id, task_no FROM tasks
 WHERE worker_id = ? AND touched_ms IS NOT NULL ORDER BY touched_ms DESC LIMIT 1
-- name: failed_by
SELECT worker_id FROM failures WHERE job_id = ? AND task_no = ? AND epoch = ? ORDER BY worker_id
-- name: failed_tasks_of_worker
SELECT failures.task_no, tasks.state FROM failures INDEXED BY failures_by_worker JOIN tasks
    ON tasks.job_id = failures.job_id AND tasks.task_no = failures.task_no
   AND tasks.epoch = failures.epoch
 WHERE failures.job_id = ? AND failures.worker_id = ? AND failures.task_type = ?
 ORDER BY failures.task_no
-- name: blocks_of_job
SELECT worker_id, task_type FROM blocks
 WHERE job_id = ? AND epoch >= ? AND blocked = 1 ORDER BY worker_id, task_type
