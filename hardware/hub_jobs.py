"""The hub's side of printing (PRN-3): hand jobs out, ask after them, believe the agents' spools.

The order is what keeps a ticket from being printed twice or lost: the desk stores `Handed` before the job is sent, and
the agent's report before it is told `Settled`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from hardware.desk import HubDesk
from hardware.hub_session import Session
from hardware.print_jobs import Handed, IllegalMove, Reported, Standing
from hardware.protocol import Ask, Asked, Event, JobMoved, JobReport, Print, Settled, ToDevice

_log = structlog.get_logger("hardware.hub")

_HANDED_AHEAD = 16
"""Jobs an agent may hold. Enough for no printer to wait; few, since each needs asking after when its agent is gone."""


class JobServer:
    def __init__(
        self,
        desk: HubDesk,
        answer: Callable[[Session, ToDevice], None],
        publish: Callable[[Event], None],
        *,
        unacknowledged_s: float,
    ) -> None:
        self._desk = desk
        self._answer = answer
        self._publish = publish
        self._unacknowledged_s = unacknowledged_s

    async def reconcile(self, session: Session) -> None:
        """At the start of a session: ask after all jobs this spool was handed, then hand out what is queued."""
        async with session.jobs_lock:
            jobs = await self._desk.jobs_waiting(session.device)
            wanted = tuple(
                Asked(job.id, job.standing.attempt)
                for job in jobs
                # Of another spool (the agent's disk was changed) only a person can tell.
                if job.standing.state in ("sent", "unknown") and job.standing.spool == session.spool
            )
            self._answer(session, Ask(wanted, all_wanted=True))
            session.reconciled = True
        await self.serve(session)

    async def serve(self, session: Session) -> None:
        """Hands out this device's queued jobs, oldest first."""
        if not session.reconciled:
            return
        async with session.jobs_lock:
            jobs = await self._desk.jobs_waiting(session.device)
            held = sum(job.standing.state == "sent" for job in jobs)
            for job in jobs:
                if held >= _HANDED_AHEAD:
                    return
                if job.standing.state != "queued":
                    continue
                attempt = job.standing.attempt
                try:
                    standing = await self._desk.job_changed(
                        session.device, job.id, Handed(attempt=attempt, spool=session.spool)
                    )
                except (IllegalMove, LookupError):
                    continue  # cancelled, or handed out by somebody quicker
                held += 1
                session.unacknowledged[job.id, attempt] = time.monotonic()
                self._answer(session, Print(job.id, attempt, job.printer, job.ticket))
                self._tell(job.id, standing)

    async def ask_unacknowledged(self, session: Session) -> None:
        """A `Print` can be lost with the connection it went into. Asking is safe, sending again would be too; asking
        keeps one way only for a job to get back into the queue."""
        due = time.monotonic() - self._unacknowledged_s
        lost = tuple(Asked(*job) for job, sent_at in session.unacknowledged.items() if sent_at < due)
        if lost:
            self._answer(session, Ask(lost))

    async def take_report(self, session: Session, report: JobReport) -> None:
        session.unacknowledged.pop((report.job_id, report.attempt), None)
        try:
            standing = await self._desk.job_changed(
                session.device, report.job_id, Reported(report.attempt, report.outcome, report.detail)
            )
        except (IllegalMove, LookupError) as refused:
            # Settled all the same: repeating it would not make it truer.
            _log.warning("a report was not believed", device=session.device.name, report=report, why=str(refused))
        else:
            self._tell(report.job_id, standing)
        if report.outcome != "held":
            self._answer(session, Settled(report.job_id, report.attempt))
            await self.serve(session)

    def _tell(self, job_id: int, standing: Standing) -> None:
        self._publish(JobMoved(job_id, standing.state, standing.detail))
