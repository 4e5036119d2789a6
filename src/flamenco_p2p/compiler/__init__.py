"""Job types: JavaScript that turns a submission into tasks.

What flows in: `CompileRequest` (compile.py). What flows out: `CompiledJob`, a small header and its
tasks in slices of at most 256 KiB that nobody here decodes; or a `FarmError` an artist can act on.

Scripts are strangers' programs, so they run in a child process (child.py), which the daemon may
kill at any moment, in a QuickJS context (engine.py) without files or network, limited in CPU time,
memory and stack. A fresh context per question means that no script can remember anything or
disturb another. The price is a process and a few milliseconds per question.

An engine with a time limit cannot call Python, so everything a script can call is JavaScript
(prelude.js), and so is everything that reads what the script made (host.js): one JSON text in, JSON
texts out. Task commands become JSON there and stay bytes from then on.

The child is asked for one slice at a time. It never runs ahead of a slow reader, and a reader who
leaves early only says "forget". Two children at most, so a long compilation does not hold up
quick questions; one stays warm.
"""
