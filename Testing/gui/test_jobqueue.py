"""The queue: order, cancelling at every point, listeners that fail or submit."""

from __future__ import annotations

import pytest
from fakes import FakeEngine, ManualClock

from RenalAILib.worker.errors import CancelledError
from RenalAIWidgets.jobqueue import JobQueue


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def queue(engine, clock):
    return JobQueue(engine, clock)


def test_one_after_another_with_progress(queue, engine, clock):
    steps, ends = [], []
    first = queue.submit("a", lambda t: steps.append(t.progress.stage), lambda t: ends.append(t.job))
    second = queue.submit("b", None, lambda t: ends.append(t.job))
    assert [job.job for job in engine.jobs] == ["a"] and queue.tickets == [first, second]
    engine.jobs[0].step("locate", 0.3)
    clock.tick()
    engine.jobs[0].end(answer=1)
    clock.tick()
    assert steps == ["locate"] and ends == ["a"] and first.result() == 1 and second.running
    engine.jobs[1].end(problem=ValueError("bad"))
    clock.tick()
    assert ends == ["a", "b"] and not queue.tickets and not clock.pending
    with pytest.raises(ValueError, match="bad"):
        second.result()


def test_a_cancelled_one_that_waits_never_starts(queue, engine, clock):
    queue.submit("a")
    waiting = queue.submit("b")
    waiting.cancel()
    queue.poll()
    assert not waiting.running
    engine.jobs[0].end()
    clock.tick()
    assert [job.job for job in engine.jobs] == ["a"]
    with pytest.raises(CancelledError):
        waiting.result()


def test_cancelling_the_running_one_starts_the_next(queue, engine, clock):
    first, second = queue.submit("a"), queue.submit("b")
    first.cancel()
    queue.poll()
    assert not first.running and second.running and [job.job for job in engine.jobs] == ["a", "b"]


def test_a_result_that_comes_with_the_cancel_is_not_delivered(queue, engine):
    ticket = queue.submit("a")
    engine.jobs[0].end(answer=1)
    ticket.cancel()
    queue.poll()
    with pytest.raises(CancelledError):
        ticket.result()


def test_close_ends_everything(queue, engine):
    tickets = [queue.submit(name) for name in "abc"]
    queue.close()
    assert engine.closed and not any(ticket.running for ticket in tickets) and not queue.tickets


def test_a_listener_that_fails_does_not_stop_the_queue(queue, engine, clock, caplog):
    def fail(ticket):
        raise RuntimeError("listener")

    queue.submit("a", None, fail)
    second = queue.submit("b")
    engine.jobs[0].end()
    clock.tick()
    assert second.started_at is not None and "a listener of a job failed" in caplog.text


def test_a_listener_may_submit_the_next_job(queue, engine, clock):
    queue.submit("a", None, lambda t: queue.submit("b"))
    engine.jobs[0].end()
    clock.tick()
    clock.tick()
    assert [job.job for job in engine.jobs] == ["a", "b"]


def test_waiting_without_an_event_loop(queue, engine):
    ticket = queue.submit("a")
    queue.wait(ticket, lambda: engine.jobs[0].end(answer=7))
    assert ticket.result() == 7


def test_a_running_job_has_no_result(queue):
    with pytest.raises(RuntimeError, match="not over"):
        queue.submit("a").result()
