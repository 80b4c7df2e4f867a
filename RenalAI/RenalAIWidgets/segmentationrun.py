"""One volume from the click to its nodes in the scene, and nothing left where it does not get there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk

from RenalAILib.worker.progress import Progress
from RenalAILib.worker.segmenting import SegmentJob

from .jobqueue import JobQueue, Ticket

Listener = Callable[["SegmentationRun"], None]


class SegmentationRun:
    """A segment job whose outcome becomes nodes. Deleting the volume or closing the scene cancels it.

    Args:
        queue: where the job waits for its turn.
        volume: the CT's node.
        job: the same CT as the engine sees it.
        show: makes the nodes of an outcome: (outcome, volume node) to (segmentation node, table node).
        on_progress: called with this run at each step.
        on_end: called with this run when it is over, however it ended.
    """

    def __init__(
        self,
        queue: JobQueue,
        volume: Any,
        job: SegmentJob,
        show: Callable[[Any, Any], tuple[Any, Any]],
        on_progress: Listener | None = None,
        on_end: Listener | None = None,
    ) -> None:
        self._queue = queue
        self._volume = volume
        self._show = show
        self._on_progress = on_progress
        self._on_end = on_end
        self._nodes: tuple[Any, Any] | None = None
        self._problem: Exception | None = None
        self.volumeName: str = volume.GetName()
        scene = slicer.mrmlScene
        self._observed = [
            (scene, scene.AddObserver(scene.StartCloseEvent, self._on_scene_closes)),
            (scene, scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_node_goes())),
        ]
        self._ticket = queue.submit(job, self._step, self._end)

    @property
    def progress(self) -> Progress:
        return self._ticket.progress

    @property
    def running(self) -> bool:
        return bool(self._observed)

    def cancel(self) -> None:
        """Ends it at once; ``on_end`` follows within a moment."""
        self._ticket.cancel()
        self._queue.poll()

    def wait(self, idle: Callable[[], None]) -> None:
        """Returns when it is over; ``idle`` is called in between."""
        self._queue.wait(self._ticket, idle)

    def result(self) -> tuple[Any, Any]:
        """Segmentation node and table node; raises what went wrong (see :meth:`.jobqueue.Ticket.result`)."""
        if self._problem is not None:
            raise self._problem
        if self._nodes is None:
            raise RuntimeError("the segmentation is not over")
        return self._nodes

    def _on_scene_closes(self, caller: Any, event: str) -> None:
        self.cancel()

    def _on_node_goes(self) -> Callable[[Any, str, Any], None]:
        @vtk.calldata_type(vtk.VTK_OBJECT)
        def on_node_goes(caller: Any, event: str, node: Any) -> None:
            if node is self._volume:
                self.cancel()

        return on_node_goes

    def _step(self, ticket: Ticket) -> None:
        if self._on_progress is not None:
            self._on_progress(self)

    def _end(self, ticket: Ticket) -> None:
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed.clear()
        try:
            self._nodes = self._show(ticket.result(), self._volume)
        except Exception as problem:  # kept for result(), whoever asks
            self._problem = problem
        self._volume = None
        if self._on_end is not None:
            self._on_end(self)
