"""The training of low-rank adapters in the upper half of a model, resumable at any saved step.

Queries are contrasted with the answers of their batch in both directions (InfoNCE, van den Oord et al.
2018, arXiv:1807.03748). General sentences are held where the untuned model places them. The random numbers
of a step depend only on its number, so a resumed run repeats no earlier step.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reco.adapt.lora.checkpoint import Checkpoint, State
from reco.adapt.lora.pairs import Lesson, TrainingPair, batches
from reco.encoder.adapter import Adapter
from reco.encoder.loading import inner, native_bfloat16
from reco.encoder.protocol import Progress
from reco.errors import EncoderError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

_TOGETHER = 12


@dataclass(frozen=True)
class DeepRecipe:
    """The hyperparameters of an adapter.

    Lengths are in tokens. `keep` weighs the distance to the untuned model. `scale` is the share of the
    learnt weights that is merged: they are averaged with the untuned ones. `steps` bounds the time for any
    catalogue.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    rate: float = 3e-4
    batch: int = 48
    epochs: int = 3
    steps: int = 260
    warm_up: int = 10
    temperature: float = 0.05
    asked_length: int = 48
    answer_length: int = 128
    keep: float = 1.0
    kept_sentences: int = 16
    scale: float = 0.7
    watched: float = 0.05
    judged: float = 0.15
    save_every: int = 10
    seed: int = 0


@dataclass(frozen=True)
class Learnt:
    """Low-rank weights by name, the number of steps done, and the validation loss after each epoch."""

    tensors: dict[str, NDArray[np.float32]]
    steps: int
    watched: tuple[float, ...]


def train(
    model: SentenceTransformer,
    learnt: Sequence[Lesson],
    watched: Sequence[Lesson],
    general: Sequence[str],
    recipe: DeepRecipe,
    checkpoint: Checkpoint,
    progress: Progress | None = None,
) -> Learnt:
    """Train adapters on a float32 model, in place. Resumes from the state in `checkpoint`.

    Training stops after an epoch that does not lower the loss on `watched`, and returns the weights of the
    best epoch. Raises EncoderError for a model without numbered layers, StorageError when the disk refuses.
    """
    run = _TrainingRun(model, general, recipe)
    schedule = _schedule(learnt, recipe)
    state = checkpoint.read() or State()
    if state.step:
        logger.info("going on after step %d of %d", state.step, len(schedule))
        run.restore(state)
    losses = list(state.watched)
    pairs = [pair for batch in batches(watched, recipe.batch, recipe.seed, 0) for pair in batch]
    for step in range(state.step, len(schedule)):
        if _worse(losses):
            break
        epoch, batch = schedule[step]
        run.step(batch, step, _rate(step, len(schedule), recipe))
        last = step + 1 == len(schedule) or schedule[step + 1][0] != epoch
        if last:
            losses.append(run.loss(pairs))
            logger.info("epoch %d: watched loss %.4f", epoch + 1, losses[-1])
            if losses[-1] == min(losses):
                run.keep_best()
        if last or (step + 1) % recipe.save_every == 0:
            checkpoint.write(State(step + 1, tuple(losses), run.tensors()))
        if progress is not None:
            progress(step + 1, len(schedule))
    return Learnt(run.best, step + 1 if schedule else 0, tuple(losses))


def _schedule(learnt: Sequence[Lesson], recipe: DeepRecipe) -> list[tuple[int, list[TrainingPair]]]:
    found = [
        (epoch, batch)
        for epoch in range(recipe.epochs)
        for batch in batches(learnt, recipe.batch, recipe.seed, epoch)
    ]
    return found[: recipe.steps]


def _worse(losses: Sequence[float]) -> bool:
    return len(losses) > 1 and losses[-1] > min(losses)


def _rate(step: int, steps: int, recipe: DeepRecipe) -> float:
    """Return the learning rate of a step: a short linear warm-up, then a linear decay to zero."""
    rise = min(recipe.warm_up, max(1, steps // 5))
    share = (step + 1) / rise if step < rise else (steps - step) / max(1, steps - rise)
    return recipe.rate * share


class _TrainingRun:
    """The model in training, its optimiser, and the best weights so far."""

    def __init__(self, model: SentenceTransformer, general: Sequence[str], recipe: DeepRecipe) -> None:
        import torch
        from sentence_transformers.sentence_transformer.losses import (
            EmbedDistillLoss,
            MultipleNegativesRankingLoss,
        )

        self._model = model
        self._recipe = recipe
        self._general = list(general)
        # bfloat16, where the processor multiplies it natively, saves about a third of the time.
        self._short = native_bfloat16()
        self._prompts = {kind: _prompt(model, kind) for kind in ("query", "document")}
        model.eval()
        self._targets = {kind: self._untuned(kind) for kind in self._prompts}
        torch.manual_seed(recipe.seed)
        self._parameters = _inject(model, recipe)
        self._optimiser = torch.optim.AdamW(self._parameters.values(), lr=recipe.rate, weight_decay=0.0)
        self._contrast = MultipleNegativesRankingLoss(
            model,
            scale=1 / recipe.temperature,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
        self._distance = EmbedDistillLoss(model)
        self.best: dict[str, NDArray[np.float32]] = {}
        self.keep_best()

    def step(self, batch: Sequence[TrainingPair], number: int, rate: float) -> None:
        import torch

        torch.manual_seed(self._recipe.seed * 1_000_003 + number)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        _set_dropout(self._model, True)
        loss = self._contrasted(batch)
        if self._general and self._recipe.keep:
            loss = loss + self._recipe.keep * self._drift(number)
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(self._parameters.values()), 1.0)
        self._optimiser.step()

    def loss(self, pairs: Sequence[TrainingPair]) -> float:
        """Return the mean loss of pairs, without dropout."""
        import torch

        _set_dropout(self._model, False)
        size = self._recipe.batch
        chunks = [pairs[start : start + size] for start in range(0, len(pairs), size)]
        with torch.no_grad():
            values = [(float(self._contrasted(chunk)), len(chunk)) for chunk in chunks]
        return sum(value * count for value, count in values) / max(1, len(pairs))

    def keep_best(self) -> None:
        self.best = {name: p.detach().numpy().copy() for name, p in self._parameters.items()}

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return the tensors that a resumed run needs."""
        found = {f"best.{name}": value for name, value in self.best.items()}
        for name, parameter in self._parameters.items():
            found[f"now.{name}"] = parameter.detach().numpy()
            for moment in ("exp_avg", "exp_avg_sq"):
                found[f"{moment}.{name}"] = self._optimiser.state[parameter][moment].numpy()
        return found

    def restore(self, state: State) -> None:
        import torch

        for name, parameter in self._parameters.items():
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(state.tensors[f"now.{name}"]))
            self._optimiser.state[parameter] = {
                "step": torch.tensor(float(state.step)),
                **{
                    moment: torch.from_numpy(state.tensors[f"{moment}.{name}"].copy())
                    for moment in ("exp_avg", "exp_avg_sq")
                },
            }
            self.best[name] = state.tensors[f"best.{name}"]

    def _contrasted(self, pairs: Sequence[TrainingPair]) -> torch.Tensor:
        import torch

        recipe = self._recipe
        columns = [
            self._embedded([pair.asked for pair in pairs], "query", recipe.asked_length),
            self._embedded([pair.answer for pair in pairs], "document", recipe.answer_length),
        ]
        return self._contrast.compute_loss_from_embeddings(columns, torch.empty(0))

    def _embedded(self, texts: Sequence[str], kind: str, length: int) -> torch.Tensor:
        """Return the vectors of texts, encoded in groups of similar length to save padding."""
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        groups = [order[start : start + _TOGETHER] for start in range(0, len(order), _TOGETHER)]
        with torch.autocast("cpu", torch.bfloat16, enabled=self._short):
            found = [
                self._model(self._features([texts[i] for i in group], kind, length))["sentence_embedding"]
                for group in groups
            ]
        back = torch.from_numpy(np.argsort([i for group in groups for i in group]))
        return torch.cat(found).float()[back]

    def _features(self, texts: Sequence[str], kind: str, length: int) -> Any:
        window = self._model.max_seq_length
        self._model.max_seq_length = min(length, window or length)
        try:
            return self._model.preprocess(list(texts), prompt=self._prompts[kind] or None)
        finally:
            self._model.max_seq_length = window

    def _drift(self, number: int) -> torch.Tensor:
        """Return the distance of some general sentences from where the untuned model places them."""
        import torch

        generator = np.random.default_rng([self._recipe.seed, 3, number])
        count = min(self._recipe.kept_sentences, len(self._general))
        chosen = generator.choice(len(self._general), count, replace=False)
        kind = ("query", "document")[number % 2]
        vectors = self._embedded([self._general[i] for i in chosen], kind, self._recipe.asked_length)
        targets = self._targets[kind][torch.from_numpy(chosen)]
        found: torch.Tensor = self._distance.compute_loss_from_embeddings([vectors], [targets])
        return found

    def _untuned(self, kind: str) -> Any:
        import torch

        if not self._general:
            return None
        with torch.no_grad():
            return self._embedded(self._general, kind, self._recipe.asked_length)


def _prompt(model: SentenceTransformer, kind: str) -> str:
    names = ("query",) if kind == "query" else ("document", "passage", "corpus")
    return next((prompt for name in names if (prompt := model.prompts.get(name))), "")


def _inject(model: SentenceTransformer, recipe: DeepRecipe) -> dict[str, torch.nn.Parameter]:
    """Add adapters to the linear modules of the upper half of the layers, and freeze the rest."""
    from peft import LoraConfig, inject_adapter_in_model

    transformer = inner(model)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=_upper(transformer),
    )
    inject_adapter_in_model(config, transformer)
    found = {}
    for name, parameter in transformer.named_parameters():
        learns = ".lora_" in name
        parameter.requires_grad_(learns)
        if learns:
            found[name.replace(".default.weight", "")] = parameter
    return found


def _upper(transformer: Any) -> list[str]:
    """Return the names of the linear modules in the upper half of a transformer's numbered layers."""
    import torch

    linear = {name: _layer(name) for name, m in transformer.named_modules() if isinstance(m, torch.nn.Linear)}
    numbers = [number for number in linear.values() if number is not None]
    if not numbers:
        raise EncoderError(
            "This model has no numbered layers to adapt.", "Use `reco adapt`, which learns beside the model."
        )
    half = math.ceil((max(numbers) + 1) / 2)
    return [name for name, number in linear.items() if number is not None and number >= half]


def _layer(name: str) -> int | None:
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _set_dropout(model: SentenceTransformer, on: bool) -> None:
    """Turn only the adapters' dropout on or off; the frozen layers stay as they will be served."""
    model.eval()
    for name, module in model.named_modules():
        if "lora_dropout" in name:
            module.train(on)


def adapter_of(learnt: Learnt, base: str, recipe: DeepRecipe) -> Adapter:
    """Return the learnt weights in half precision, as a snapshot stores them."""
    halves = {name: value.astype(np.float16) for name, value in learnt.tensors.items()}
    return Adapter(halves, base, recipe.rank, recipe.alpha, recipe.scale)
