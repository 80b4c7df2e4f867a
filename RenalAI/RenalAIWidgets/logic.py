"""The module's logic: everything the panel does, usable from the console and without a window.

    >>> segmentation, table = RenalAI.RenalAILogic().segment(volumeNode)  # doctest: +SKIP
    >>> run = RenalAI.RenalAILogic().segment(volumeNode, waitForCompletion=False)  # doctest: +SKIP
    >>> run.progress.fraction, run.cancel()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import qt
import slicer
from RenalAILib.worker.checking import CheckJob
from RenalAILib.worker.client import Worker
from RenalAILib.worker.segmenting import SegmentJob
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from . import dependencies
from .jobqueue import JobQueue, Listener, Ticket
from .parameters import Device, Mode, RenalAIParameterNode
from .segmentation import SegmentationRun



@cache
def shared_queue() -> JobQueue:
    """The one queue, and behind it the one warm engine process, of this Slicer: the console and the panel share it."""
    return JobQueue(Worker(), qt.QTimer.singleShot)


class RenalAILogic(ScriptedLoadableModuleLogic):
    """Segment, compare, report, check.

    Args:
        queue: where jobs wait for the engine; that of this Slicer by default.
    """

    def __init__(self, parent: Any = None, queue: JobQueue | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._queue = queue or shared_queue()

    def getParameterNode(self) -> RenalAIParameterNode:
        return RenalAIParameterNode(super().getParameterNode())

    def segment(
        self,
        volumeNode: Any,
        secondPhase: Any = None,
        bundle: str = "",
        device: str = "auto",
        fast: bool = False,
        waitForCompletion: bool = True,
    ) -> Any:
        """Finds the kidneys and masses of a CT.

        Args:
            volumeNode: the CT, a ``vtkMRMLScalarVolumeNode``.
            secondPhase: another phase of the same patient, on any grid.
            bundle: the model's name or folder; empty for the shipped one.
            device: ``auto``, ``cpu`` or ``cuda``.
            fast: one network in place of several.
            waitForCompletion: False returns at once.

        Returns:
            The segmentation node and the table node; without waiting a :class:`.segmentation.SegmentationRun` with
            ``progress``, ``running``, ``cancel()`` and ``result()``.

        Raises:
            RenalAILib.errors.InputError: the CT, the model or the device cannot be used.
            RenalAILib.worker.errors.WorkerError: the engine failed; ``log`` has its last lines.
            NotInstalledError: the engine's packages are missing and the user declined to install them.
        """
        run = self._segment(volumeNode, secondPhase, bundle, device, fast)
        if not waitForCompletion:
            return run
        run.wait(slicer.app.processEvents)
        return run.result()

    def startSegmentation(
        self,
        volume: Any,
        parameters: RenalAIParameterNode,
        on_progress: Callable[[SegmentationRun], None],
        on_end: Callable[[SegmentationRun], None],
    ) -> SegmentationRun:
        """The same with what the panel says. The second phase belongs to the chosen CT and to no other."""
        return self._segment(
            volume,
            parameters.secondPhase if volume is parameters.inputVolume else None,
            parameters.bundle,
            Device(parameters.device).value,
            parameters.mode is Mode.FAST,
            on_progress,
            on_end,
        )

    def startCheck(self, on_progress: Listener, on_end: Listener) -> Ticket:
        """Starts the computer check; its ticket's result is a dictionary of facts."""
        return self._queue.submit(CheckJob(), on_progress, on_end)

    def close(self) -> None:
        """Cancels what runs and ends the engine's process; the logic can be used again."""
        self._queue.close()

    def _segment(
        self,
        volume: Any,
        second_phase: Any,
        bundle: str,
        device: str,
        fast: bool,
        on_progress: Callable[[SegmentationRun], None] | None = None,
        on_end: Callable[[SegmentationRun], None] | None = None,
    ) -> SegmentationRun:
        from RenalAIScene.volumes import volume_of

        dependencies.ensure()
        second = None if second_phase is None else volume_of(second_phase)
        job = SegmentJob(volume_of(volume), second, bundle, device, fast)
        return SegmentationRun(self._queue, volume, job, self._show, on_progress, on_end)
