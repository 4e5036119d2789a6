-- name: for_apply
SELECT secret_digest, platform, name, address, software, task_types, can_restart, blenders, node_id,
       stamp, status, status_stamp, requested, lazy, requested_stamp, deleted_ms, updated_ms
  FROM workers WHERE worker_id = ?
-- name: insert
INSERT INTO workers (worker_id, mod, secret_digest, platform, name, address, software, task_types,
                     can_restart, blenders, node_id, stamp, status, status_stamp, requested_stamp,
                     updated_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, 0, ?8, ?9, ?10, '', ?10, ?10, ?11)
-- name: save
UPDATE workers SET mod = ?, name = ?, address = ?, software = ?, task_types = ?, can_restart = ?,
       blenders = ?, node_id = ?, stamp = ?, status = ?, status_stamp = ?, requested = ?, lazy = ?,
       requested_stamp = ?, deleted_ms = ?, updated_ms = ?
 WHERE worker_id = ?
-- name: all
SELECT worker_id, secret_digest, platform, name, address, software, task_types, can_restart,
       blenders, node_id, stamp, status, status_stamp, requested, lazy, requested_stamp, deleted_ms,
       updated_ms
  FROM workers ORDER BY worker_id
