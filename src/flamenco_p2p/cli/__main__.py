"""`python -m flamenco_p2p.cli`: the same as `flamenco-p2p`.

Is: a name. Is not: anything else.
"""

from __future__ import annotations

from flamenco_p2p.cli import main

if __name__ == "__main__":
    main(prog_name="flamenco-p2p")
