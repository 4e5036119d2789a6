"""The HTTP doors: parse, ask one question, render.

Flows in: requests of workers, add-ons, scripts and pages. Flows out: answers in Flamenco's shapes,
and events. No SQL, no rule, no decision is made here. `/api/v3` is Flamenco's API, `/api/p2p/v1`
what it does not have. Every route stands in one table (openapi), from which the description of the
API and the router are both made, so they cannot disagree.
"""
