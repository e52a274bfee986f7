"""The development host: children, their sockets, and what it prints about them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import Any

from psi.shared.errors import PsiError
from psi.shared.lifecycle import DEVELOPMENT_ROOT
from psi.shared.peer import DEVELOPMENT_UID
from psi.shared.processes import Process
from psictl.apply.derive import file_name
from psictl.apply.development import Reloaded
from psictl.apply.generation import current_generation
from psictl.dev.children import Child
from psictl.dev.control import serve_control
from psictl.dev.credentials import remove_credentials, write_credentials
from psictl.dev.notify import ReadyListener
from psictl.dev.services import Service
from psictl.dev.sockets import Sockets
from psictl.layout import Layout


@dataclass
class Host:
    """Services below one root."""

    layout: Layout
    services: tuple[Service, ...]
    sockets: Sockets
    notify: ReadyListener
    limits: bytes | None
    children: dict[Process, Child] = field(default_factory=dict)
    served: dict[Process, bytes | None] = field(default_factory=dict)
    """The projection that each running service was started with."""
    announced: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reloading: asyncio.Task[Reloaded] | None = None
    stopping: bool = False

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop all in order."""
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, stopping.set)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_reader(self.notify, self._note_ready)
        control = await serve_control(self.layout, self._reload)
        try:
            for service in self.services:
                self._start(service)
            await stopping.wait()
        finally:
            control.close()
            self.stopping = True
            if self.reloading is not None:
                self.reloading.cancel()
            async with self.lock:
                await self._stop_all()

    def _start(self, service: Service) -> Child:
        projection = self._projection(service)
        folder = write_credentials(self.layout, service.process, projection, self.limits)
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "NOTIFY_SOCKET": str(self.notify.path),
            "CREDENTIALS_DIRECTORY": str(folder),
            DEVELOPMENT_UID: str(os.geteuid()),
            DEVELOPMENT_ROOT: str(self.layout.root),
        }
        named = {str(each.caller): self.sockets[each] for each in service.listeners}
        child = Child(service.argv, environment, named)
        self.children[service.process] = child
        self.served[service.process] = projection
        return child

    def _projection(self, service: Service) -> bytes | None:
        if not service.configured:
            return None
        return (self.layout.current / file_name(service.process)).read_bytes()

    def _note_ready(self) -> None:
        pids = set(self.notify.ready_pids())
        for child in self.children.values():
            if child.pid in pids:
                child.ready.set()
        if not self.announced and all(each.serves for each in self.children.values()):
            self.announced = True
            _print(self._announcement())

    def _announcement(self) -> dict[str, Any]:
        paths = {
            (service.process, listener.caller): str(listener.path(self.layout))
            for service in self.services
            for listener in service.listeners
        }
        return {
            "ready": True,
            "http": paths.get((Process.FRONTEND, Process.HTTP)),
            "ctl": {server: path for (server, who), path in paths.items() if who is Process.CTL},
            "pids": {process: child.pid for process, child in self.children.items()},
        }

    def _reap(self) -> None:
        for process, child in self.children.items():
            if child.reap() and not child.stopping:
                _print({"exited": process, "code": child.code.result()})

    async def _reload(self) -> Reloaded:
        """Restart what the generation now in force changes, and what is down."""
        async with self.lock:
            # A task of its own, so that stopping ends the restarts and not their reporter.
            self.reloading = asyncio.create_task(self._restart_stale())
            await asyncio.wait((self.reloading,))
            if self.stopping or self.reloading.cancelled():
                raise PsiError("the host is stopping")
            return self.reloading.result()

    async def _restart_stale(self) -> Reloaded:
        stale = [] if self.stopping else [each for each in self.services if self._is_stale(each)]
        causes = {service.process: await self._restart(service) for service in stale}
        manifest = current_generation(self.layout)
        return Reloaded(
            generation=manifest.number if manifest else 0,
            restarted=tuple(process for process, cause in causes.items() if not cause),
            failed={str(process): cause for process, cause in causes.items() if cause},
        )

    def _is_stale(self, service: Service) -> bool:
        down = self.children[service.process].code.done()
        return down or self.served[service.process] != self._projection(service)

    async def _restart(self, service: Service) -> str:
        await self.children[service.process].stop(service.stop_seconds)
        try:
            child = self._start(service)
        except (PsiError, OSError) as error:
            return f"cannot be started: {error}"
        _print({"restarted": service.process, "pid": child.pid})
        return await child.wait_ready(service.ready_seconds)

    async def _stop_all(self) -> None:
        for service in self.services:
            if service.process in self.children:
                await self.children[service.process].stop(service.stop_seconds)
            remove_credentials(self.layout, service.process)


def _print(fields: dict[str, Any]) -> None:
    # Whoever started us may have stopped reading: that is no reason to end the services.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()
