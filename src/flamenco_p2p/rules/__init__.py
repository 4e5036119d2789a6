"""The farm's judgement: given these facts, what follows?

Flows in: plain values and the words of `farm/`. Flows out: an answer, or a refusal an artist can
act on. Nothing here reads a clock, a disk, a socket or a die, waits for anything, or remembers
anything between two calls, so every node that knows the same facts comes to the same answer, and
a test needs no more than `==`. What is needed from outside (the time, a file's first bytes, the
platform) comes in as an argument. The rules do not know each other.
"""
