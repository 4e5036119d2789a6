"""How a call to the farm can fail.

Is: three facts: nobody there, a refusal, an answer that makes no sense. Is not: what to do then.
"""

from __future__ import annotations

from flamenco_p2p.farm.errors import Broken, FarmError, NotYet


class FarmUnreachable(NotYet):
    """No answer: refused, cut off or too slow. Whether the request had an effect is unknown."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"No node answers at {url} ({why}).", remedy="Start the node with `flamenco-p2p`."
        )


class FarmSaid(FarmError):
    """The node answered, and not with what was asked for.

    `answered` is the HTTP status; `message` is the node's own sentence, made for people.
    """

    def __init__(self, answered: int, message: str) -> None:
        super().__init__(message)
        self.answered = answered
        self.message = message


class StrangeAnswer(Broken):
    """The answer is not what the API promises: another program, or a very different version."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} gave an answer that could not be understood ({why}).",
            remedy="Check the address, and that both sides have about the same version.",
        )
