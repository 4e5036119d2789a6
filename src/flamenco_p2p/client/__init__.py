"""The farm's API from outside: what our own worker, the terminal and scripts use.

Flows in: a node's address. Flows out: typed answers (answers.py), or a `FarmError` an artist can
act on (errors.py). Any node will do: each one forwards what only the manager may answer.

`connection` knows HTTP and nothing of the farm; `farm_client` has the calls for people,
`worker_client` those for workers; one method per route, named as the route. Every call has a
time-out, also the long polls. Nothing is tried twice here: whether a second try is harmless, and
how long to wait for it, is known only by who asked.

Choice: answers are read leniently (fields we do not know are skipped, optional ones may be
missing), so that the same client works against Flamenco's own manager. Lists that are only shown
to people stay plain dictionaries.
"""
