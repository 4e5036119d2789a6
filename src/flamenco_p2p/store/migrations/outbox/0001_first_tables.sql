-- What the worker could not deliver yet; `id` is the order in which it must arrive.
-- `may_have_arrived`: it was sent at least once, and no answer came.
CREATE TABLE updates (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL,
    final INTEGER NOT NULL, may_have_arrived INTEGER NOT NULL
) STRICT;
-- Files that the run in hand (an attempt at a task) has finished, should the worker die before it
-- reports them.
CREATE TABLE finished_files (run TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (run, path))
WITHOUT ROWID, STRICT;
