"""Different work at the same time: one piece per device, the longest first."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import jax

Task = TypeVar("Task")
Result = TypeVar("Result")


def longest_first(
    tasks: Iterable[Task],
    work: Callable[[Task, jax.Device], Iterable[Result]],
    *,
    cost: Callable[[Task], Any],
    devices: Sequence[jax.Device] | None = None,
) -> Iterator[Result]:
    """Do tasks in one thread per device and hand over their results as they come.

    A device takes the longest task that is left whenever it is free, so all of them are busy to
    the end as long as the last tasks are short.

    Args:
        tasks: independent pieces of work.
        work: `(task, device) -> results`; called in the device's thread. A generator hands over
            each result when it is ready.
        cost: how long a task takes, in any unit; or anything else that can be compared.
        devices: where to work; all devices of JAX's default backend if omitted.

    Raises: whatever `work` raises; what is left is then not begun, as when the caller stops
        iterating or is interrupted.

    >>> sorted(longest_first([3, 1, 2], lambda n, device: [n] * n, cost=lambda n: n))
    [1, 2, 2, 3, 3, 3]
    """
    waiting = sorted(tasks, key=cost)  # taken from the end
    n_left = len(waiting)
    done: queue.SimpleQueue[tuple[Result] | BaseException | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def take() -> Task | None:
        try:
            return waiting.pop()
        except IndexError:
            return None

    def labour(device: jax.Device) -> None:
        try:
            while not stopped.is_set() and (task := take()) is not None:
                for result in work(task, device):
                    done.put((result,))
                    if stopped.is_set():
                        return
                done.put(None)  # a task is finished
        except BaseException as error:  # noqa: BLE001 (raised again where the results are awaited)
            done.put(error)

    # Daemons, so that a program that is interrupted ends at once and not with the running tasks.
    for device in devices or jax.devices():
        threading.Thread(
            target=labour, args=(device,), name=f"device {device.id}", daemon=True
        ).start()
    try:
        while n_left:
            news = done.get()
            if isinstance(news, BaseException):
                raise news
            if news is None:
                n_left -= 1
            else:
                yield news[0]
    finally:
        stopped.set()
