"""The training loop: upper layers learn from batches of pairs, resumable at any saved step.

Queries are contrasted with the answers of their batch in both directions (InfoNCE, van den Oord et al.
2018, arXiv:1807.03748). General sentences are held where the model before the training places them. The
random numbers of a step depend on its number alone, so a resumed run repeats no earlier step.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.adapt.training.checkpoint import Checkpoint, State
from reco.adapt.training.layers import CutModel
from reco.adapt.training.pairs import Pair
from reco.encoder.protocol import Progress

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopRecipe:
    """The hyperparameters of a training. Lengths are in tokens.

    The last `layers` learn; by default a third of them. `steady` steps keep the full rate after the
    warm-up, and the rate then falls to zero. `keep` weighs the distance of general sentences from where
    they were.
    """

    layers: int | None = None
    rate: float = 5e-5
    warm_up: int = 10
    steady: int = 0
    temperature: float = 0.05
    asked_length: int = 32
    answer_length: int = 96
    keep: float = 1.0
    kept_sentences: int = 16
    save_every: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Learnt:
    """What was learnt: the difference of each matrix, by the name of its module, and each step's loss."""

    differences: dict[str, NDArray[np.float32]]
    losses: tuple[float, ...]


def train(
    model: SentenceTransformer,
    schedule: Sequence[Sequence[Pair]],
    general: Sequence[str],
    recipe: LoopRecipe,
    checkpoint: Checkpoint,
    progress: Progress | None = None,
) -> Learnt:
    """Train the upper layers of a float32 model in place, one batch of `schedule` a step.

    Resumes from the state in `checkpoint`. Raises EncoderError for a model without numbered layers,
    StorageError when the disk refuses.
    """
    run = _Run(model, general, recipe)
    state = checkpoint.read() or State()
    if state.step:
        logger.info("going on after step %d of %d", state.step, len(schedule))
        run.restore(state)
    losses = list(state.losses)
    for step in range(state.step, len(schedule)):
        losses.append(run.step(schedule[step], step, rate_of(step, len(schedule), recipe)))
        if (step + 1) % recipe.save_every == 0:
            recent = sum(losses[-recipe.save_every :]) / recipe.save_every
            logger.info("step %d of %d: loss %.3f", step + 1, len(schedule), recent)
            checkpoint.write(State(step + 1, tuple(losses), run.tensors()))
        if progress is not None:
            progress(step + 1, len(schedule))
    return Learnt(run.differences(), tuple(losses))


def rate_of(step: int, steps: int, recipe: LoopRecipe) -> float:
    """Return the learning rate of a step: a short linear rise, a steady part, a linear fall to zero."""
    rise = min(recipe.warm_up, max(1, steps // 5))
    if step < rise:
        return recipe.rate * (step + 1) / rise
    start = max(rise, recipe.steady)
    return recipe.rate * min(1.0, (steps - step) / max(1, steps - start))


class _Run:
    """The model in training and its optimiser."""

    def __init__(self, model: SentenceTransformer, general: Sequence[str], recipe: LoopRecipe) -> None:
        import torch

        self._recipe = recipe
        lengths = {"query": recipe.asked_length, "document": recipe.answer_length}
        self._model = CutModel(model, recipe.layers, lengths)
        self._before = {name: m.detach().numpy().copy() for name, m in self._model.matrices.items()}
        self._optimiser = torch.optim.AdamW(self._model.matrices.values(), lr=recipe.rate, weight_decay=0.0)
        self._general = list(general) if recipe.keep else []
        with torch.no_grad():
            kinds = ("query", "document") if self._general else ()
            self._places = {kind: self._model.vectors(self._general, kind) for kind in kinds}

    def step(self, batch: Sequence[Pair], number: int, rate: float) -> float:
        """Learn from one batch, and return its loss."""
        import torch

        for group in self._optimiser.param_groups:
            group["lr"] = rate
        loss = contrast(
            self._model.vectors([pair.asked for pair in batch], "query"),
            self._model.vectors([pair.answer for pair in batch], "document"),
            self._recipe.temperature,
        )
        value = float(loss.detach())
        if self._general:
            loss = loss + self._recipe.keep * self._drift(number)
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(self._model.matrices.values()), 1.0)
        self._optimiser.step()
        return value

    def _drift(self, number: int) -> torch.Tensor:
        """Return the mean squared distance of some general sentences from their places before."""
        import torch

        generator = np.random.default_rng([self._recipe.seed, 3, number])
        count = min(self._recipe.kept_sentences, len(self._general))
        chosen = generator.choice(len(self._general), count, replace=False)
        kind = ("query", "document")[number % 2]
        vectors = self._model.vectors([self._general[i] for i in chosen], kind)
        places = self._places[kind][torch.from_numpy(chosen)]
        return ((vectors - places) ** 2).sum(dim=1).mean()

    def differences(self) -> dict[str, NDArray[np.float32]]:
        return {name: m.detach().numpy() - self._before[name] for name, m in self._model.matrices.items()}

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return the tensors that a resumed run needs."""
        found = {}
        for name, matrix in self._model.matrices.items():
            found[f"now.{name}"] = matrix.detach().numpy()
            for moment in ("exp_avg", "exp_avg_sq"):
                found[f"{moment}.{name}"] = self._optimiser.state[matrix][moment].numpy()
        return found

    def restore(self, state: State) -> None:
        import torch

        for name, matrix in self._model.matrices.items():
            with torch.no_grad():
                matrix.copy_(torch.from_numpy(state.tensors[f"now.{name}"].copy()))
            self._optimiser.state[matrix] = {
                "step": torch.tensor(float(state.step)),
                **{
                    moment: torch.from_numpy(state.tensors[f"{moment}.{name}"].copy())
                    for moment in ("exp_avg", "exp_avg_sq")
                },
            }


def contrast(asked: torch.Tensor, answers: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the symmetric in-batch InfoNCE loss of unit vectors, answer i being that of query i."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = asked @ answers.T / temperature
    own = torch.arange(len(logits))
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
