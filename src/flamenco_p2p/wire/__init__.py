"""What leaves and enters the process: JSON for the API's clients, msgpack for the log.

Flows in: bodies and the records of `farm/`. Flows out: the same in the other form. One module per
noun of the API; its records carry the names and keys that Flamenco's clients know, and a few more
of ours that they ignore. Requests are checked here and nowhere else: whatever a `parse_*` returns
has the right shape, whatever it raises is a `BadBody`. In answers a key is always there or left
out, never null: the strictest of the clients cannot read null.
"""
