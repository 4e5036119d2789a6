-- name: get_meta
SELECT value FROM meta WHERE key = ?
-- name: set_meta
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
-- name: insert_farm
INSERT OR IGNORE INTO farms (farm_id, mod, name, founded_ms) VALUES (?, ?, ?, ?)
-- name: farms
SELECT farm_id, name FROM farms ORDER BY founded_ms, farm_id
-- name: insert_node
INSERT INTO nodes (node_id, mod, name, public_key, stamp) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (node_id) DO UPDATE SET mod = excluded.mod, name = excluded.name,
       public_key = excluded.public_key, stamp = excluded.stamp
-- name: nodes
SELECT node_id, name, public_key FROM nodes ORDER BY node_id
-- name: get_request
SELECT refusal, problem, remedy FROM requests WHERE request_id = ?
-- name: insert_request
INSERT INTO requests (request_id, mod, hlc, refusal, problem, remedy) VALUES (?, ?, ?, ?, ?, ?)
-- name: forget_requests
DELETE FROM requests WHERE hlc < ?
