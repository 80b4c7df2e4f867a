"""Batches: which samples a step sees, as a pure function of (seed, step), so that a resumed run goes on exactly."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from RenalAILib.errors import InputError

from ..samples import SampleRecord, SampleStore
from .tasks.task import Task

_ORDER, _AUGMENTATION = 0, 1  # streams of random numbers that must not meet


class Batches:
    """Augmented batches of a store's samples.

    Args:
        store: the samples of the training split, one stage.
        task: makes an example of a sample.
        size: examples a batch.
        seed: of order and augmentation.
        balance: ``none`` (every sample once an epoch), ``class`` or ``kind`` (drawn evenly over these).
        share: the places of each batch that are made here; None for all.

    Attributes:
        counts: samples of each group that is drawn from equally often.

    Raises:
        InputError: there is no sample.
    """

    def __init__(
        self,
        store: SampleStore,
        task: Task,
        size: int,
        seed: int,
        balance: str = "none",
        share: slice | None = None,
    ) -> None:
        if len(store) == 0:
            raise InputError(f"{store.folder} holds no sample to train on")
        self.store, self.task, self.size, self.seed = store, task, size, seed
        named = _groups(store.records, balance)
        self.counts = {name: len(members) for name, members in named.items()}
        self.groups = list(named.values())
        self.places = range(size)[share or slice(None)]

    def chosen(self, batch: int) -> list[int]:
        """Indices in the store of the whole batch number ``batch`` (0, 1, ...)."""
        return [self._draw(batch * self.size + slot) for slot in range(self.size)]

    def __getitem__(self, batch: int) -> tuple[Tensor, Tensor]:
        """Inputs ``(N, channels, D, H, W)``, of slices ``(N, channels, H, W)``, and targets of a batch."""
        examples = []
        drawn = self.chosen(batch)
        for place in self.places:
            rng = np.random.default_rng([self.seed, _AUGMENTATION, batch * self.size + place])
            examples.append(self.task.example(self.store[drawn[place]], rng))
        if len({image.shape for image, _ in examples}) > 1:
            raise InputError(f"the samples of {self.store.folder} differ in shape: the recipe needs data.patch")
        return torch.stack([image for image, _ in examples]), torch.stack([target for _, target in examples])

    def since(self, batch: int, workers: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Batch after batch without end, made ahead of time by ``workers`` threads; 0 makes each when it is asked."""
        if workers == 0:
            while True:
                yield self[batch]
                batch += 1
        with ThreadPoolExecutor(workers) as pool:
            ahead: list[Future[tuple[Tensor, Tensor]]] = [
                pool.submit(self.__getitem__, batch + n) for n in range(2 * workers)
            ]
            while True:
                yield ahead.pop(0).result()
                ahead.append(pool.submit(self.__getitem__, batch + 2 * workers))
                batch += 1

    def _draw(self, number: int) -> int:
        """Index of the ``number``-th sample ever drawn: a fresh permutation of each group, group after group."""
        turn, group = divmod(number, len(self.groups))
        members = self.groups[group]
        epoch, place = divmod(turn, len(members))
        order = np.random.default_rng([self.seed, _ORDER, group, epoch]).permutation(len(members))
        return int(members[order[place]])


def _groups(records: tuple[SampleRecord, ...], balance: str) -> dict[str, list[int]]:
    if balance == "none":
        return {"all": list(range(len(records)))}
    found: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        key = record.kind if balance == "kind" else record.group or "none"
        found.setdefault(key, []).append(index)
    return {key: found[key] for key in sorted(found)}
