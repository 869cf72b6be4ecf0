"""The hyperparameters of a deep adaptation."""

from __future__ import annotations

from dataclasses import dataclass, field

from reco.adapt.training.loop import LoopRecipe


@dataclass(frozen=True)
class DeepRecipe:
    """The hyperparameters of an adapter.

    `steps` bounds the time for any catalogue; `judged` is the share of records held out. Each epoch has
    `replayed` pairs of the project's own requests for one of the catalogue's. Of what is learnt, the
    nearest matrices of `rank` are kept, and `scale` of them is merged: the learnt weights are averaged with
    those before.
    """

    rank: int = 64
    batch: int = 48
    epochs: int = 2
    steps: int = 260
    judged: float = 0.15
    replayed: float = 0.5
    scale: float = 0.7
    loop: LoopRecipe = field(default_factory=lambda: LoopRecipe(asked_length=48, answer_length=128))
    seed: int = 0
