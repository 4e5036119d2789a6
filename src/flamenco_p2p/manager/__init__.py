"""What the elected node decides.

Flows in: questions from the doors (api/). Flows out: decisions over the bridge, answers back.
Each module answers one kind of question: `intake` takes jobs in, `dispatch` gives tasks out and
says who may go on, `progress` takes reports, `steering` does what people ask, `watch` looks after
what nobody asks about. They share two views that are derived from events and never replicated:
`roster` (workers, leases, progress) and `ready_tasks` (the scheduler's index).

Choose, then verify: a choice is made from these views without a read, and verified when it is
carried out (store/apply); if the view was behind, the choice is made again.
"""
