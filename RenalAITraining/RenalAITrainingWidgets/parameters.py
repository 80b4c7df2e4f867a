"""The parameter node: what the user chose, kept in the scene. Each parameter has one widget in ``RenalAITraining.ui``.

Who the patient is is never one of them: a scene may be handed on.
"""

# No `from __future__ import annotations`: the wrapper needs the types themselves.

import enum
import pathlib
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

HOME = pathlib.Path.home() / "RenalAI"


class Phase(enum.Enum):
    """When after the contrast agent a scan was taken; values as the dataset has them. Never rename one."""

    UNKNOWN = "unknown"
    UNENHANCED = "unenhanced"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"

    def label(self) -> str:
        return {
            Phase.UNKNOWN: _("Not said"),
            Phase.UNENHANCED: _("Unenhanced"),
            Phase.CORTICOMEDULLARY: _("Corticomedullary (arterial)"),
            Phase.NEPHROGRAPHIC: _("Nephrographic (portal venous)"),
            Phase.EXCRETORY: _("Excretory"),
        }[self]


class Scheme(enum.Enum):
    """How patients are shared out; values are ratios, or a number of folds."""

    EIGHT_ONE_ONE = "8:1:1"
    SEVENTY_TWENTY_TEN = "70:20:10"
    SEVENTY_TEN_TWENTY = "70:10:20"
    FOLDS = "5"

    def label(self) -> str:
        if self is Scheme.FOLDS:
            return _("5 folds (cross-validation)")
        return _("{ratio} (training : validation : test)").format(ratio=self.value)


class Fusion(enum.Enum):
    """How several readers' masks become one."""

    STAPLE = "staple"
    MAJORITY = "majority"

    def label(self) -> str:
        return {Fusion.STAPLE: _("STAPLE (weighs readers)"), Fusion.MAJORITY: _("Majority")}[self]


class Network(enum.Enum):
    """The networks of a cascade, by their stage."""

    LOCATE = "locate"
    DELINEATE = "delineate"
    CHARACTERISE = "characterise"

    def label(self) -> str:
        return {
            Network.LOCATE: _("Kidneys on the whole scan"),
            Network.DELINEATE: _("Masses in each kidney"),
            Network.CHARACTERISE: _("Class of each mass"),
        }[self]


class ModelKind(enum.Enum):
    """What trained networks become; values are the pipelines of bundles. Never rename one."""

    CASCADE = "cascade"
    ONE_STAGE = "one-stage"
    SLICE_SEGMENTATION = "slice-segmentation"
    SLICE_VOTE = "slice-vote"
    DETECTOR = "detector"

    def label(self) -> str:
        return {
            ModelKind.CASCADE: _("Cascade: kidneys, masses, classes"),
            ModelKind.ONE_STAGE: _("One stage: all by one network"),
            ModelKind.SLICE_SEGMENTATION: _("Slices: drawn one by one"),
            ModelKind.SLICE_VOTE: _("Votes: slices vote on the class"),
            ModelKind.DETECTOR: _("Detector: boxes around masses"),
        }[self]

    @property
    def stages(self) -> tuple[str, ...]:
        """The networks it is made of."""
        return {
            ModelKind.CASCADE: tuple(network.value for network in Network),
            ModelKind.ONE_STAGE: ("one-stage",),
            ModelKind.SLICE_SEGMENTATION: ("slice-segment",),
            ModelKind.SLICE_VOTE: ("slice-classify",),
            ModelKind.DETECTOR: ("slice-detect",),
        }[self]


class TrainingDevice(enum.Enum):
    """Where networks are trained; values as the trainer has them."""

    AUTO = "auto"
    GPU = "cuda"
    CPU = "cpu"

    def label(self) -> str:
        return {
            TrainingDevice.AUTO: _("GPU if there is one"),
            TrainingDevice.GPU: _("GPU"),
            TrainingDevice.CPU: _("Processor"),
        }[self]


class Evaluated(enum.Enum):
    """What is measured."""

    TRAINED = "trained"
    MODEL = "model"

    def label(self) -> str:
        return {Evaluated.TRAINED: _("The networks trained here"), Evaluated.MODEL: _("A model, by name")}[self]


class Part(enum.Enum):
    """The cases to measure on; values as the split has them."""

    TEST = "test"
    VALIDATION = "validation"
    ALL = ""

    def label(self) -> str:
        return {
            Part.TEST: _("Test cases"),
            Part.VALIDATION: _("Validation cases"),
            Part.ALL: _("All cases (too kind: most were trained on)"),
        }[self]


@parameterNodeWrapper
class RenalAITrainingParameterNode:
    """Everything the panel remembers.

    Attributes:
        datasetFolder: the dataset.
        trainingFolder: samples, runs and evaluations.
        inputVolume: the CT of the case to add.
        segmentation: its segmentation.
        reader: who drew it, as a word.
        phase: of the CT.
        source, licence: of the case, as words.
        importFolder: another dataset to bring in.
        scheme, splitSeed, oversample: how patients are shared out.
        fusion: how several readers' masks become one.
        synthesisFolder: real scans and shapes to synthesise from.
        synthesisNetwork, synthesisCount: what samples, and how many.
        recipe: a shipped recipe's name, or a .yaml file.
        variants: samples of each kidney or mass.
        trainSeed: of weights and order; networks of different seeds make an ensemble.
        hours: of training; 0 for the recipe's own length.
        device: where networks are trained.
        evaluated, evaluationModel: what is measured.
        part: on which cases.
        evaluationFast: one network in place of an ensemble.
        modelKind: what the trained networks become; also what is evaluated.
        finder: of a model whose slices vote, the cascade that finds kidneys and masses.
        modelName, modelVersion, modelTitle, modelLicence, trainingDomain, demonstration: of the published model.
    """

    datasetFolder: pathlib.Path = HOME / "dataset"
    trainingFolder: pathlib.Path = HOME / "training"
    inputVolume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    reader: str = "reader-1"
    phase: Phase = Phase.UNKNOWN
    source: str = "own"
    licence: str = "not for sharing"
    importFolder: pathlib.Path = HOME / "import"
    scheme: Scheme = Scheme.EIGHT_ONE_ONE
    splitSeed: Annotated[int, WithinRange(0, 999_999)] = 1
    oversample: Annotated[int, WithinRange(1, 20)] = 1
    fusion: Fusion = Fusion.STAPLE
    synthesisFolder: pathlib.Path = HOME / "scans"
    synthesisNetwork: Network = Network.LOCATE
    synthesisCount: Annotated[int, WithinRange(1, 100_000)] = 200
    recipe: str = "demo-locate"
    variants: Annotated[int, WithinRange(1, 50)] = 3
    trainSeed: Annotated[int, WithinRange(0, 999_999)] = 0
    hours: Annotated[float, WithinRange(0.0, 1000.0)] = 0.0
    device: TrainingDevice = TrainingDevice.AUTO
    evaluated: Evaluated = Evaluated.TRAINED
    evaluationModel: str = ""
    part: Part = Part.TEST
    evaluationFast: bool = False
    modelKind: ModelKind = ModelKind.CASCADE
    finder: str = "zhao2023-demo"
    modelName: str = "my-model"
    modelVersion: str = "0.1.0"
    modelTitle: str = "My kidneys and masses"
    modelLicence: str = "not for sharing"
    trainingDomain: str = ""
    demonstration: bool = True
