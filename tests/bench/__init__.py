"""How fast a manager is, asked over Flamenco's API and nothing else.

Is: `python -m tests.bench`: simulated workers and submitters against any manager that speaks
`/api/v3`. Is not: a test: no figure passes or fails here. Without `--url` it starts a node of its
own on loopback (`serve`), in a temporary folder.

`http` is a client cheap enough that a machine with two cores measures the server and not the
client; `callers` are those who call; `measures` are what is measured; `figures` what is reported.
"""
