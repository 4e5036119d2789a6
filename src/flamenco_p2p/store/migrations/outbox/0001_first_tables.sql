-- What the worker could not deliver yet, in the order in which it must arrive.
CREATE TABLE updates (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL, tried INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Files that the task in hand is known to have finished, should the worker die before it reports.
CREATE TABLE finished_files (task TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (task, path))
WITHOUT ROWID, STRICT;
