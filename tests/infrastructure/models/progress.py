"""Progress that remembers what was shown."""


class RecordedProgress:
    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None]] = []
        self.advanced = 0

    def step(self, label: str, total: int | None) -> None:
        self.steps.append((label, total))

    def advance(self, amount: int) -> None:
        self.advanced += amount

    def done(self) -> None:
        pass
