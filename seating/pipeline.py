"""Redis calls of one loop tick, sent as one pipeline.

redis-py costs more per round trip than Redis does per script; sent together, the same client carries twice the steps.
The batching is invisible to callers: each awaits its own answer and gets its own error.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

# While this many pipelines are under way, calls gather for the next one: under load batches grow by themselves. More
# than one, and none with everybody in it, so that Redis works on a batch while we read another's answers.
IN_FLIGHT_MAX: Final = 3
BATCH_MAX: Final = 32


class StoreUnavailable(ConnectionError):
    """Redis cannot be reached, or went away before it answered. The call may or may not have been carried out."""


class _Call:
    __slots__ = ("answer", "command", "retry")

    def __init__(self, command: tuple[Any, ...], answer: asyncio.Future[Any], *, retry: bool) -> None:
        self.command = command
        self.answer = answer
        self.retry = retry


class Pipeliner:
    """Batches calls over one redis-py client. Use it from one event loop."""

    def __init__(self, redis: Redis, *, in_flight_max: int = IN_FLIGHT_MAX) -> None:
        self._redis = redis
        self._in_flight_max = in_flight_max
        self._waiting: list[_Call] = []
        self._due = False
        self._in_flight: set[asyncio.Task[None]] = set()

    async def call(self, *command: Any, retry: bool = True) -> Any:
        """The answer to one command.

        `retry`: the command may be sent once more when the connection broke, for those that may happen twice.
        Raises StoreUnavailable, or redis' own ResponseError for this command alone. A caller that is cancelled loses
        only its answer: the command may already be on its way, and its neighbours go on.
        """
        loop = asyncio.get_running_loop()
        call = _Call(command, loop.create_future(), retry=retry)
        self._enqueue(call, loop)
        return await call.answer

    def _enqueue(self, call: _Call, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append(call)
        if not self._due and len(self._in_flight) < self._in_flight_max:
            self._due = True
            loop.call_soon(self._send)

    def _send(self) -> None:
        self._due = False
        # Those cancelled before they were sent need not be sent at all.
        self._waiting = [call for call in self._waiting if not call.answer.done()]
        if not self._waiting:
            return
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        # An own context: the caller whose tick this happens to be may have a database transaction open in its.
        task = asyncio.get_running_loop().create_task(self._run(batch), context=contextvars.Context())
        self._in_flight.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if self._waiting and not self._due and not task.get_loop().is_closed():
            self._due = True
            task.get_loop().call_soon(self._send)

    async def _run(self, batch: list[_Call]) -> None:
        try:
            pipeline = self._redis.pipeline(transaction=False)
            for call in batch:
                pipeline.execute_command(*call.command)
            answers = await pipeline.execute(raise_on_error=False)
        except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError) as error:
            self._fail(batch, error)
        except RedisError as error:
            for call in batch:
                _settle(call, error)
        except asyncio.CancelledError:
            # Only when the loop is being shut down.
            for call in batch:
                call.answer.cancel()
            raise
        else:
            for call, answer in zip(batch, answers, strict=True):
                _settle(call, answer)

    def _fail(self, batch: list[_Call], error: BaseException) -> None:
        loop = asyncio.get_running_loop()
        for call in batch:
            if call.answer.done():
                continue
            if call.retry:
                call.retry = False
                self._enqueue(call, loop)
            else:
                unavailable = StoreUnavailable(f"Redis is not available: {error}")
                unavailable.__cause__ = error
                _settle(call, unavailable)


def _settle(call: _Call, answer: Any) -> None:
    if call.answer.done():
        return
    if isinstance(answer, BaseException):
        call.answer.set_exception(answer)
    else:
        call.answer.set_result(answer)
