"""Stop strings: the texts before which a reply ends. Knows text alone: no token, no model."""

from collections.abc import Sequence


class StopStrings:
    """Passes a text that comes in pieces on, up to the first stop string in it, wherever the pieces were cut.

    The first is the one that begins first. Only what may still become a stop string is held back.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """None of `stops` is empty."""
        assert all(stops)
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._held = ""
        self._met = False

    @property
    def met(self) -> bool:
        """Whether a stop string came: nothing follows any more."""
        return self._met

    def push(self, text: str) -> str:
        """What became certain with `text`."""
        if self._met:
            return ""
        self._held += text
        found, undecided = self._found(), self._undecided()
        self._met = found is not None and found <= undecided
        end = found if found is not None and self._met else undecided
        certain, self._held = self._held[:end], self._held[end:]
        return certain

    def finish(self) -> str:
        """What is left once the text is over; a stop string that an earlier one might have forestalled counts now."""
        if self._met:
            return ""
        found = self._found()
        self._met = found is not None
        return self._held[:found]

    def _found(self) -> int | None:
        """Where the first whole stop string begins."""
        places = (self._held.find(stop) for stop in self._stops)
        return min((place for place in places if place >= 0), default=None)

    def _undecided(self) -> int:
        """Where the first stop string begins that the end of the text cuts off; the end itself when none does."""
        end = len(self._held)
        for place in range(max(0, end - self._longest + 1), end):
            if any(stop.startswith(self._held[place:]) for stop in self._stops):
                return place
        return end
