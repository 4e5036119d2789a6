"""Acknowledged means present: whatever was answered is there after `kill -9` at any instant.

Is: `python -m tests.restarts`: life after life of the real bridge and store on real files, each
ended by SIGKILL at a random moment (at work, while starting, in a checkpoint; now and then with the
newest of `farm.db` lost, as after a power cut), each beginning with a check of everything that was
acknowledged. `--daemon` does the same to a whole node under pretended workers. Needs fork.

`killer` starts and ends lives. `life` is one: check, then load. `load` is what happens to the farm
in it. `ledger` is what the killer knows: what was tried and what was answered. `witness` compares
the files with the ledger. `daemon` is the whole node's turn.
"""
