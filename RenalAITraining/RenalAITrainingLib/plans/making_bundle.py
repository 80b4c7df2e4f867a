"""The whole way by a plan: samples, networks, bundle. Killed at any moment, it goes on where it was.

```
OUT/
  dataset/           made of another layout's folder (KiTS, ...), where that is given in place of a dataset
  samples/STAGE/     cached network inputs; those that are there stay
  runs/NAME/         checkpoints and curves; resumed from the last checkpoint
  evaluation/        of the networks on the cases kept back; the card is filled from it
  BUNDLE/            appears when it is complete
```
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.errors import InputError

from ..dataset.folder import Dataset
from ..dataset.recipe_samples import fill_for
from ..evaluation.pairs import Selection, select
from ..evaluation.report_folder import write_report
from ..evaluation.running import CaseStore, run_cases
from ..evaluation.systems import BundleSystem
from ..publishing.model_card import model_card
from ..publishing.publish import Papers, by_stage, publish
from ..samples import SampleStore, Split
from ..synthesis.filling import synthesise
from ..synthesis.sources import HELD_OUT_CASES
from ..training.options import Options
from ..training.trainer import Trainer, TrainingResult
from .bundle_plan import LoadedPlan
from .plan_dataset import plan_dataset

_HELD_OUT = "held-out"
_UNMEASURED = "The networks of this bundle are being measured; this card will be replaced.\n"


@dataclass(frozen=True)
class Parts:
    """Names of cases by what they are for, in place of a dataset's own split or of the shipped weights' hold-out."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """What is trained on; one of them at least.

    Attributes:
        data: folder with ``ct/`` and ``kits23_masks/``, for what the plan synthesises.
        dataset: with a split; its training and validation cases give samples for every stage of the plan. Or a folder
            of another layout that can be imported (see `plan_dataset`).
        parts: who trains, validates and tests; the card then says that nothing was measured. None leaves it to the
            dataset and to `sources`.
    """

    data: Path | None = None
    dataset: Path | None = None
    parts: Parts | None = None


def make_bundle(
    loaded: LoadedPlan, sources: Sources, output: Path, options: Options, report: Callable[[str], None] = print
) -> Path:
    """The bundle of a plan; its folder.

    Args:
        loaded: from `bundle_plan.load`.
        sources: see there.
        output: everything is made here, and what is there already is not made again.
        options: threads, device, workers and precision of all trainings; their length is the plan's. The seed is
            added to that of each network; samples stay what the plan says.
        report: is given a line of text now and then.

    Raises:
        InputError: a source is missing that the plan needs, or a step fails: what was finished stays.
    """
    plan = loaded.plan
    if plan.synthesise and sources.data is None:
        raise InputError(f"the plan {loaded.name} synthesises samples: name the data folder with --data")
    if not plan.synthesise and sources.dataset is None:
        raise InputError(f"the plan {loaded.name} trains on a dataset: name it with --dataset")
    bundle = output / loaded.description.name
    if bundle.exists():
        read_bundle(bundle)
        report(f"{bundle} is there already, complete; take it away to publish it anew")
        return bundle
    if sources.dataset is not None:
        folder = plan_dataset(sources.dataset, output / "dataset", plan.split, report)
        sources = replace(sources, dataset=folder)
    making = _Making(loaded, sources, output, options, report)
    making.cut_samples()
    making.train_networks()
    card = making.filled_card()
    report(f"Publishing {loaded.description.name}")
    making.publish_as(bundle, card)
    return bundle


class _Making:
    """The steps of `make_bundle`, in their order."""

    def __init__(
        self, loaded: LoadedPlan, sources: Sources, output: Path, options: Options, report: Callable[[str], None]
    ) -> None:
        self.loaded, self.sources, self.output, self.options, self.report = loaded, sources, output, options, report
        self.stores = {stage: output / "samples" / stage for stage in loaded.stages}
        self.best: dict[str, Path] = {}
        self.made: dict[str, list[str]] = {}

    def cut_samples(self) -> None:
        """Those that are not there yet."""
        for wanted in self.loaded.plan.synthesise:
            assert self.sources.data is not None
            self.report(f"Samples for {wanted.stage}: {wanted.count} of seed {wanted.seed}")
            place = self.output / "samples" / wanted.stage
            parts = self.sources.parts
            cases: dict[Split, tuple[str, ...]] | None = (
                None if parts is None else {"train": parts.training, "validation": parts.validation}
            )
            synthesise(self.sources.data, wanted.stage, wanted.count, wanted.seed, place, wanted.phantoms, cases)
        if self.sources.dataset is not None:
            dataset = Dataset.open(self.sources.dataset)
            if self.sources.parts is not None:
                dataset.split = asdict(self.sources.parts)
            plan = self.loaded.plan
            for recipe in {recipe.data.stage: recipe for recipe in self.loaded.recipes}.values():
                self.report(f"Samples for {recipe.data.stage} from {self.sources.dataset}")
                fill_for(
                    recipe, dataset, self.stores[recipe.data.stage],
                    variants=plan.variants, edge=plan.edge, sinus=plan.sinus == "filled", report=self.report,
                )  # fmt: skip

    def train_networks(self) -> None:
        """Those that are not finished; `best` holds the weights of all, `made` by stage how they were made."""
        for network, recipe in zip(self.loaded.plan.networks, self.loaded.recipes, strict=True):
            folder = self.output / "runs" / network.name
            options = replace(
                self.options,
                seed=network.seed + self.options.seed,
                minutes=network.minutes,
                resume=(folder / "last.pt").exists(),
                start_from=None if network.start_from is None else self.best[network.start_from],
            )
            self.report(f"Training {network.name}: {recipe.title}")
            trainer = Trainer(recipe, SampleStore(self.stores[recipe.data.stage]), folder, options, self.report)
            result = trainer.run()
            self.report(
                f"{network.name}: best score {result.best_score:.4f}, step {result.best_step} of {result.steps}"
            )
            self.best[network.name] = trainer.best
            told = f"{recipe.name} ({_told(result)}, {len(trainer.batches.store)} samples, seed {options.seed})"
            self.made.setdefault(recipe.data.stage, []).append(told)

    def filled_card(self) -> str:
        """The model card with what the networks do on cases that were kept back."""
        texts = self.loaded.description.texts()
        if self.sources.parts is not None:
            return model_card(texts, self.made, None)
        selection, part = kept_back(self.sources)
        if not selection.pairs:
            self.report("There is no test part to measure the networks on; the card says so")
            return model_card(texts, self.made, None)
        draft = self.output / ".draft" / self.loaded.description.name
        if not draft.exists():
            draft.parent.mkdir(parents=True, exist_ok=True)
            self.publish_as(draft, _UNMEASURED)
        self.report(f"Evaluating on {selection.name}, {part}")
        if self.loaded.plan.sinus == "filled":
            selection = selection.with_sinus()  # as the networks were taught
        system = BundleSystem(read_bundle(draft), device=self.options.device)
        kept = CaseStore(self.output / ".draft" / "cases")
        run = run_cases(selection.pairs, system, kept, lambda stage, fraction, message: None)
        write_report(selection, part, [run], self.output / "evaluation")
        content = json.loads((self.output / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
        return model_card(texts, self.made, content)

    def publish_as(self, place: Path, card: str) -> None:
        """The bundle with all that is trained, at ``place``."""
        papers = Papers(card, self.loaded.license)
        stores = [SampleStore(folder) for folder in self.stores.values()]
        publish(self.loaded.description, by_stage(list(self.best.values())), stores, papers, place)


def _told(result: TrainingResult) -> str:
    return f"{result.steps} steps, validation score {result.best_score:.3f} at step {result.best_step}"


def kept_back(sources: Sources) -> tuple[Selection, str]:
    """What neither trained nor chose weights: a dataset's test part, else the scans that no sample is made of.

    Returns:
        The pairs, none where nothing was kept back; and what the report calls them.
    """
    if sources.dataset is not None:
        tested = bool(Dataset.open(sources.dataset).split.get("test"))
        return (select(sources.dataset, "test") if tested else Selection(sources.dataset.name, ())), "test"
    assert sources.data is not None
    labelled = select(sources.data / "ct")
    pairs = tuple(replace(pair, part=_HELD_OUT) for pair in labelled.pairs if pair.case in HELD_OUT_CASES)
    return Selection(labelled.name, pairs), _HELD_OUT
