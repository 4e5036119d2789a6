"""The words of the farm: frozen records and enums that every floor shares.

Flows in: nothing. Flows out: to everybody. No rule, no I/O, no clock lives here, so that a word
means the same on every machine and in every version of the log.
"""
