-- name: append
INSERT INTO log (idx, term, node_id, payload, crc32) VALUES (?, ?, ?, ?, ?)
-- name: last_index
SELECT coalesce(max(idx), 0) FROM log
-- name: after
SELECT idx, term, node_id, payload, crc32 FROM log WHERE idx > ? ORDER BY idx
-- name: cut
DELETE FROM log WHERE idx < min(?, (SELECT max(idx) FROM log))
