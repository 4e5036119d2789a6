-- name: append
INSERT INTO updates (task, body, final, may_have_arrived) VALUES (?, ?, ?, ?)
-- name: first
SELECT id, task, body, final, may_have_arrived FROM updates ORDER BY id LIMIT 1
-- name: count
SELECT count(*) FROM updates
-- name: forget
DELETE FROM updates WHERE id = ?
-- name: put_last
UPDATE updates SET id = (SELECT max(id) + 1 FROM updates) WHERE id = ?
-- name: all_may_have_arrived
UPDATE updates SET may_have_arrived = 1
-- name: add_finished_file
INSERT OR IGNORE INTO finished_files (run, path) VALUES (?, ?)
-- name: finished_files
SELECT path FROM finished_files WHERE run = ?
-- name: forget_other_runs
DELETE FROM finished_files WHERE run <> ?
