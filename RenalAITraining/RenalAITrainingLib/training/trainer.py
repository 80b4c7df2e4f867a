"""The one training loop. A recipe says what is trained; a kill at any moment costs at most the last minute.

Everything random follows from (seed, step) and everything else is in the checkpoint, so a resumed run gives the same
weights as an unbroken one (on one kind of machine, with one number of threads, and where the recipe's length counts in
steps: a limit in minutes depends on the clock).

Started by ``torchrun``, several processes share every batch (see `ranks`); the first of them writes and speaks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from RenalAILib.errors import InputError

from .. import networks
from ..recipes.recipe import Recipe, from_mapping
from ..samples import SampleStore
from ..stages import STAGES
from . import checkpoint
from .averaging import AveragedNetwork
from .batches import Batches
from .beginnings import tell_beginning
from .deep_supervision import supervised_loss
from .memory_told import memory_told
from .metrics_log import MetricsLog, NoLog
from .optimisers import build_optimiser
from .options import Options
from .ranks import Ranks, share_batch_norm, total_of_ranks
from .schedule import learning_rate_factor, steps_per_epoch, total_steps
from .starting_weights import load_starting_weights
from .tasks import build_task

LOG_EVERY = 10
TIMED_STEPS = 10
MEASURED_BATCHES = 8
STOPPED = "a wish to stop"
"""The reason of a run that ended because `Trainer` was told to stop; it can be resumed."""


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended: steps made, the best validation score and its step, and what ended it."""

    steps: int
    best_score: float
    best_step: int
    reason: str


class Trainer:
    """One run of one recipe into one folder.

    The folder gets ``last.pt`` (to go on from), ``best.pt`` (weights of the best validation, to publish) and
    ``metrics.jsonl`` (to draw).

    Args:
        recipe: what to train.
        store: samples with a train and a validation split; those of other stages are left aside.
        folder: of the run; made here.
        options: see `Options`.
        report: is given a line of text now and then.
        stop: asked before every step; where it says True, the run saves a checkpoint and ends.

    Raises:
        InputError: no samples, an unfit recipe, a folder with another run, a checkpoint that is missing or damaged.
    """

    def __init__(
        self,
        recipe: Recipe,
        store: SampleStore,
        folder: Path,
        options: Options | None = None,
        report: Callable[[str], None] = print,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        options = options or Options()
        self.recipe, self.folder, self.options, self.stop = recipe, folder, options, stop
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        self.device = _device(options.device)
        self.ranks = Ranks.joined(self.device.type)
        self.report = report if self.ranks.first else lambda line: None
        self.task = build_task(recipe)
        stage = store.stage(recipe.data.stage)
        if recipe.data.phase:
            stage = stage.phase(recipe.data.phase)
        schedule = recipe.schedule
        share = self.ranks.share(schedule.batch)
        self.batches = Batches(
            stage.split("train"), self.task, schedule.batch, options.seed, recipe.data.balance, share
        )
        self.validation = _spread(stage.split("validation"), recipe.data.validation_samples)
        if not self.validation:
            raise InputError(f"{store.folder} holds no {recipe.data.stage} sample to validate on")
        self.total_steps = total_steps(schedule, len(self.batches.store))
        self.validate_every = schedule.validate_every or steps_per_epoch(schedule, len(self.batches.store))

        torch.manual_seed(options.seed)
        network = networks.build(recipe.network.name, outputs=self.task.outputs, **recipe.network.options)
        if options.start_from is not None and not options.resume and self.ranks.first:
            examples = [self.batches[number][0] for number in range(MEASURED_BATCHES)]
            self.report(load_starting_weights(network, options.start_from, recipe, examples))
        network = share_batch_norm(network, self.ranks)
        # On a CPU this layout trains 2 to 4 times as fast as torch's own.
        slices = STAGES[recipe.data.stage].dimensions == 2
        self.layout = torch.channels_last if slices else torch.channels_last_3d
        self.network = _laid_out(network.to(self.device))
        self.ranks.same_weights(self.network)
        self.average = AveragedNetwork(self.network, schedule.average)
        self.loss = self.task.loss
        self.optimiser = build_optimiser(recipe.optimiser, self.network)
        self.half = _half_precision(self.device, options.bfloat16)
        self.scaler = torch.amp.GradScaler("cuda", enabled=self.half is torch.float16)

        self.step = 0
        self.elapsed_s = 0.0
        self.best_score, self.best_step, self.since_best = -float("inf"), 0, 0
        self.validated_step = 0
        self.cuts = 0
        self.recent: list[float] = []
        self.stopping = False
        self._saved = time.monotonic()
        if self.ranks.first:
            folder.mkdir(parents=True, exist_ok=True)
        if options.resume:
            self._restore(self.ranks.from_first(checkpoint.load(self.last) if self.ranks.first else None))
        elif self.ranks.first and self.last.exists():
            raise InputError(f"{folder} holds a run already; resume it or take another folder")

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / "last.pt"

    @property
    def best(self) -> Path:
        """The weights of the best validation."""
        return self.folder / "best.pt"

    @property
    def progress(self) -> float:
        """0 ... 1 of the run's length."""
        if self.options.minutes is not None:
            return min(self.elapsed_s / (60 * self.options.minutes), 1.0)
        return min(self.step / self.total_steps, 1.0)

    def run(self) -> TrainingResult:
        """Train to the end.

        Raises:
            InputError: the loss is no longer a number, memory or disk ran out; the last checkpoint stays.
        """
        self.report(
            f"{self.recipe.name} on {len(self.batches.store)} samples, validated on {len(self.validation)}, on"
            f" {self.device.type}{f', from step {self.step}' if self.step else ''}"
            f"{f', shared by {self.ranks.count} processes' if self.ranks.several else ''}"
        )
        log = MetricsLog(self.folder, keep_to=self.step) if self.ranks.first else NoLog()
        tell_beginning(self.recipe, self.network, self.batches.counts, self.step, log, self.report)
        with memory_told(self.recipe, self.device.type):
            reason = self._to_the_end(log)
        log.close()
        self.ranks.leave()
        return TrainingResult(self.step, self.best_score, self.best_step, reason)

    def _to_the_end(self, log: MetricsLog | NoLog) -> str:
        """Step after step; why it ended."""
        batches = self.batches.since(self.step * self.recipe.schedule.accumulate, self.options.workers)
        first, first_begin = self.step, time.monotonic()
        begin = first_begin - self.elapsed_s
        self._agree(0.0, begin)
        while (reason := self._ended()) is None:
            started = time.monotonic()
            rate = self._set_learning_rate()
            loss = self._learn([next(batches) for _ in range(self.recipe.schedule.accumulate)])
            self.step += 1
            loss = self._agree(loss, begin)
            self._check(loss)
            self.recent.append(loss)
            if self.step == first + TIMED_STEPS:
                self.report(self._forecast(time.monotonic() - first_begin))
            if self.step % LOG_EVERY == 0:
                mean = sum(self.recent) / len(self.recent)
                self.recent.clear()
                log.write(
                    "train",
                    self.step,
                    loss=mean,
                    learning_rate=rate,
                    progress=round(self.progress, 4),
                    epoch=round(self.step / steps_per_epoch(self.recipe.schedule, len(self.batches.store)), 4),
                    seconds_per_step=round(time.monotonic() - started, 3),
                )
            if self.step % self.validate_every == 0:
                self._validate(log)
                self._agree(0.0, begin)
            if time.monotonic() - self._saved > self.options.checkpoint_s:
                self._save()
        if reason != STOPPED and self.validated_step != self.step:
            self._validate(log)
        self._save()
        return reason

    def _agree(self, loss: float, begin: float) -> float:
        """The mean loss of all ranks; the first one's clock and orders, which decide when the run is over."""
        own = [time.monotonic() - begin, float(self.stop())] if self.ranks.first else [0.0, 0.0]
        words = torch.tensor([loss / self.ranks.count, *own], dtype=torch.float64, device=self.device)
        told = total_of_ranks(words).tolist()
        self.elapsed_s, self.stopping = float(told[1]), told[2] > 0
        return float(told[0])

    def _forecast(self, seconds: float) -> str:
        """How long the rest will take, from the ``seconds`` of the first `TIMED_STEPS` steps."""
        each = seconds / TIMED_STEPS
        rest_s = each * (self.total_steps - self.step)
        if self.options.minutes is not None:
            rest_s = 60 * self.options.minutes - self.elapsed_s
        return f"{each:.2f} s a step, about {rest_s / 60:.0f} min and {rest_s / each:.0f} steps to go"

    def _ended(self) -> str | None:
        """Why there is nothing left to do, None where there is."""
        patience = self.recipe.schedule.patience
        if patience is not None and self.since_best >= patience:
            return f"{patience} validations in a row that were not better"
        if self.progress >= 1:
            return "the end of its length"
        return STOPPED if self.stopping else None

    def _learn(self, parts: list[tuple[Tensor, Tensor]]) -> float:
        """One step of the optimiser on the summed gradients of ``parts``; the mean loss."""
        torch.manual_seed((self.options.seed * 1_000_003 + self.step) * self.ranks.count + self.ranks.number)  # dropout
        self.network.train()
        total = 0.0
        for images, target in parts:
            images = images.to(self.device, memory_format=self.layout)
            with torch.autocast(self.device.type, dtype=self.half, enabled=self.half is not None):
                logits = self.network(images)
            loss = supervised_loss(self.loss, logits, target.to(self.device)) / len(parts)
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        self.ranks.average_gradients(self.network)
        if self.recipe.optimiser.clip is not None:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.optimiser.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.follow(self.network, self.step + 1)
        return total

    def _validate(self, log: MetricsLog | NoLog) -> None:
        """The first rank alone looks; the others wait for what it says, so that they end together."""
        measured = self.task.validate(self._predict, self.validation) if self.ranks.first else None
        metrics: dict[str, float] = self.ranks.from_first(measured)
        self.validated_step = self.step
        better = metrics["score"] > self.best_score
        self.since_best = 0 if better else self.since_best + 1
        cut_after = self.recipe.schedule.cut_after
        if cut_after is not None and self.since_best and self.since_best % cut_after == 0:
            self.cuts += 1
        if better:
            self.best_score, self.best_step = metrics["score"], self.step
        if better and self.ranks.first:
            content = {"recipe": self.recipe.to_json(), "step": self.step, "metrics": metrics}
            checkpoint.save(content | {"network": self.average.state_dict()}, self.best)
        log.write("validation", self.step, best=better, **metrics)
        told = ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        self.report(f"step {self.step}, {100 * self.progress:.0f} %: {told}{' (best)' if better else ''}")

    @torch.inference_mode()
    def _predict(self, images: Tensor) -> Tensor:
        """Logits of the averaged network."""
        result: Tensor = self.average.network(images.to(self.device, memory_format=self.layout))
        return result

    def _check(self, loss: float) -> None:
        if math.isfinite(loss):
            return
        if not self.ranks.first:
            raise SystemExit(2)  # the first one says why
        size = self.recipe.schedule.accumulate
        chosen = {n for part in range(size) for n in self.batches.chosen((self.step - 1) * size + part)}
        ids = ", ".join(str(self.batches.store.records[n].id) for n in sorted(chosen))
        raise InputError(
            f"the loss of {self.recipe.name} is no longer a number at step {self.step}: look at the samples {ids} of"
            f" {self.batches.store.folder}, or lower optimiser.learning_rate; the last checkpoint stays"
        )

    def _set_learning_rate(self) -> float:
        rate = self.recipe.optimiser.learning_rate * learning_rate_factor(self.recipe.schedule, self.progress)
        rate *= self.recipe.schedule.cut_to**self.cuts
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _save(self) -> None:
        if not all(bool(torch.isfinite(weight).all()) for weight in self.network.parameters()):
            self._check(math.nan)  # the gradient broke first; these weights must not replace good ones
        if not self.ranks.first:
            return
        content: dict[str, Any] = {
            "recipe": self.recipe.to_json(),
            "seed": self.options.seed,
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "best": [self.best_score, self.best_step, self.since_best],
            "validated_step": self.validated_step,
            "cuts": self.cuts,
            "recent": list(self.recent),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        checkpoint.save(content, self.last)
        self._saved = time.monotonic()

    def _restore(self, content: dict[str, Any]) -> None:
        recipe = from_mapping(content["recipe"], str(self.last))
        if recipe != self.recipe or content["seed"] != self.options.seed:
            raise InputError(f"{self.last} belongs to another recipe or seed than asked for; resume with its own")
        self.step, self.elapsed_s = int(content["step"]), float(content["elapsed_s"])
        self.best_score, self.best_step, self.since_best = content["best"]
        self.validated_step = int(content.get("validated_step", 0))
        self.cuts = int(content.get("cuts", 0))
        self.recent = list(content["recent"])
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.scaler.load_state_dict(content["scaler"])


def _laid_out(network: nn.Module) -> nn.Module:
    """``network`` with the weights of its convolutions channels last, those in 2-D and those in 3-D."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in network.parameters():
        if weight.dim() in layouts:
            weight.data = weight.data.contiguous(memory_format=layouts[weight.dim()])
    return network


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device that torch can use; train with --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _half_precision(device: torch.device, bfloat16: bool) -> torch.dtype | None:
    """What convolutions compute in, None for float32 throughout."""
    if bfloat16:
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else None


def _spread(store: SampleStore, count: int) -> list[Any]:
    """At most ``count`` samples, evenly spaced."""
    taken = min(count, len(store))
    return [store[n * len(store) // taken] for n in range(taken)]
