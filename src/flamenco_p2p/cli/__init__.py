"""The terminal: a command for each thing a person wants.

`flamenco-p2p` alone runs this machine's node (`run`). All other commands are clients of a node,
this machine's or the one that `--manager` names (`finding`), and know no more of the farm than its
API tells: `submit` (with `submission`), `farm` to look, `log`, `steer` to change, and `demo`, which
is both at once. `watch`, `progress` and `live` follow a job: asking, knowing, drawing; `waiting`
says why one does not begin.

Flows in: arguments, FLAMENCO_P2P_* variables. Flows out: results on stdout, remarks on stderr, and
a status: 0 good, 1 the job failed, 2 wrong input (`failures`).
"""

from __future__ import annotations

from typing import Any

import click

from flamenco_p2p import __version__
from flamenco_p2p.cli.demo import demo
from flamenco_p2p.cli.failures import Commands
from flamenco_p2p.cli.farm import job_types, jobs, status, tasks, workers
from flamenco_p2p.cli.finding import data_dir_option, manager_option, where
from flamenco_p2p.cli.log import log
from flamenco_p2p.cli.run import run
from flamenco_p2p.cli.steer import cancel, delete, pause, priority, requeue, resume
from flamenco_p2p.cli.submit import submit

_EPILOG = """
\b
The Tab key completes commands and names once your shell knows of it:
  bash   eval "$(_FLAMENCO_P2P_COMPLETE=bash_source flamenco-p2p)"   in ~/.bashrc
  zsh    eval "$(_FLAMENCO_P2P_COMPLETE=zsh_source flamenco-p2p)"    in ~/.zshrc
  fish   _FLAMENCO_P2P_COMPLETE=fish_source flamenco-p2p | source    in config.fish
"""


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@data_dir_option(envvar="FLAMENCO_P2P_DATA_DIR")
@manager_option(envvar="FLAMENCO_P2P_MANAGER")
@click.option(
    "--host", metavar="ADDRESS", help="Address to serve on; 127.0.0.1: this machine only."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to serve on, or the next free one."
)
@click.option("--name", help="This machine's name in the farm.")
@click.option("--farm", help="The farm's name, when this node founds it.")
@click.option("--no-worker", is_flag=True, help="Do not render on this machine.")
@click.option("--debug", is_flag=True, help="Show where in the program an error came from.")
@click.version_option(__version__, message="flamenco-p2p %(version)s")
@click.pass_context
def main(context: click.Context, /, *, no_worker: bool, debug: bool, **flags: Any) -> None:
    """Make this machine part of a render farm, or use one.

    Without a command this machine's node runs until Ctrl+C. Its options are also FLAMENCO_P2P_*
    variables and settings in the file flamenco-p2p.toml in its data folder.
    """
    if context.invoked_subcommand is None:
        flags |= {"worker": False if no_worker else None, "log_level": "debug" if debug else None}
        run(where().data_dir, flags)


for _command in (
    *(submit, demo, status, jobs, tasks, workers, job_types, log),
    *(pause, resume, cancel, requeue, delete, priority),
):
    main.add_command(_command)
