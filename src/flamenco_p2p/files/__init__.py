"""Bytes on this machine's disk: task logs, preview pictures, the head of a .blend.

Flows in: text and pictures from workers. Flows out: files under `job-files/`, as the API serves
them. None of it is replicated through the log. All writing happens in one thread of its own, in the
order in which it was asked for, so that a slow disk never holds up the event loop.
"""
