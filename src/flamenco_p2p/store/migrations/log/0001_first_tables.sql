-- The durable log of decisions: one row is one batch, one fsync. Local to this node.
CREATE TABLE log (
    idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, node_id BLOB NOT NULL,
    payload BLOB NOT NULL, crc32 INTEGER NOT NULL
) STRICT;
