"""A Constraint as transformers' generate takes it: a logits processor and a stopping criterion, for one sequence."""

import torch

from nexxi_cli.infrastructure.models.constraint import Constraint


class Mask:
    """A logits processor that leaves only the tokens that may come next."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores (1, V), from which generate samples."""
        allowed = torch.frombuffer(bytearray(self._constraint.allowed()), dtype=torch.uint8).to(scores.device)
        forbidden = torch.ones_like(scores, dtype=torch.bool)  # a model may have more columns than tokens
        width = min(scores.shape[1], len(allowed))
        forbidden[0, :width] = allowed[:width] == 0
        return scores.masked_fill(forbidden, -torch.inf)


class DocumentEnd:
    """A stopping criterion that ends the reply with its document, without asking the model for an end token."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None) -> torch.Tensor:
        """Whether the sequence ends, (1,); generate asks once a token."""
        self._constraint.take(int(input_ids[0, -1]))
        return torch.tensor([self._constraint.is_over], device=input_ids.device)
