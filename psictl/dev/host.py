"""The development host: children, their sockets, and what it prints about them."""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from psi.shared.errors import PsiError
from psi.shared.lifecycle import DEVELOPMENT_ROOT
from psi.shared.peer import DEVELOPMENT_UID
from psi.shared.processes import Process
from psictl.apply.development import Reloaded
from psictl.apply.generation import current_generation
from psictl.apply.naming import file_name
from psictl.dev.children import Child
from psictl.dev.control import serve_control
from psictl.dev.credentials import remove_credentials, write_credentials
from psictl.dev.device import Device
from psictl.dev.emulation import listening, provision_if_new, start_emulator
from psictl.dev.lines import print_line, ready_fields
from psictl.dev.notify import ReadyListener
from psictl.dev.services import Service
from psictl.dev.sockets import Sockets
from psictl.layout import Layout

_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""What every child has."""
_DEVICE_STOP_SECONDS = 10
"""As for a service: an emulator writes its state and ends."""


@dataclass
class Host:
    """Services below one root."""

    layout: Layout
    services: tuple[Service, ...]
    sockets: Sockets
    notify: ReadyListener
    limits: bytes | None
    device: Device | None = None
    children: dict[str, Child] = field(default_factory=dict)
    """By the service's name; the emulator of a device by its own."""
    served: dict[Process, bytes | None] = field(default_factory=dict)
    """The projection that each running service was started with."""
    started: bool = False
    """Whether every service was started once; the sealer may have to be provisioned first."""
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
        starting = asyncio.create_task(self._start_all())
        try:
            waiting = asyncio.create_task(stopping.wait())
            await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await waiting
        finally:
            control.close()
            self.stopping = True
            starting.cancel()
            if self.reloading is not None:
                self.reloading.cancel()
            async with self.lock:
                await self._stop_all()

    async def _start_all(self) -> None:
        """Start the device, then each service that has something to do."""
        async with self.lock:
            needed = [service for service in self.services if self._is_needed(service)]
            for service in needed:
                self.sockets.of(service)
            await self._start_device()
            for service in needed:
                child = self._start(service)
                if self.device is not None and service.process is Process.SEALER:
                    seconds = service.ready_seconds
                    await provision_if_new(child, seconds, self.layout, self.limits)
            self.started = True
            self._announce()

    async def _start_device(self) -> None:
        """Run the emulator, where it is a process and does not run; raises PsiError."""
        device = self.device
        if device is None or not device.argv:
            return
        running = self.children.get(device.name)
        if running is None or running.code.done():
            self.children[device.name] = start_emulator(device, _ENVIRONMENT)
            await listening(self.children[device.name], device)

    def _start(self, service: Service) -> Child:
        projection = self._projection(service)
        folder = write_credentials(self.layout, service.process, projection, self.limits)
        environment = {
            **_ENVIRONMENT,
            "NOTIFY_SOCKET": str(self.notify.path),
            "CREDENTIALS_DIRECTORY": str(folder),
            DEVELOPMENT_UID: str(os.geteuid()),
            DEVELOPMENT_ROOT: str(self.layout.root),
        }
        if self.device is not None and service.process is Process.SEALER:
            environment |= self.device.environment
        child = Child(service.argv, environment, self.sockets.of(service))
        self.children[service.process] = child
        self.served[service.process] = projection
        return child

    def _projection(self, service: Service) -> bytes | None:
        return self._path(service).read_bytes() if service.configured else None

    def _is_needed(self, service: Service) -> bool:
        return not service.configured or self._path(service).exists()

    def _path(self, service: Service) -> Path:
        return self.layout.current / file_name(service.process)

    def _note_ready(self) -> None:
        pids = set(self.notify.ready_pids())
        for child in self.children.values():
            if child.pid in pids:
                child.ready.set()
        self._announce()

    def _announce(self) -> None:
        serving = self.started and all(each.serves for each in self.children.values())
        if serving and not self.announced:
            self.announced = True
            print_line(ready_fields(self.layout, self.services, self.children))

    def _reap(self) -> None:
        for name, child in self.children.items():
            if child.reap() and not child.stopping:
                print_line({"exited": name, "code": child.code.result()})

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
        """Bring every service in line with the generation, servers before their callers."""
        needed = [each for each in self.services if not self.stopping and self._is_needed(each)]
        await self._start_device()
        stale = [each for each in needed if self._is_stale(each)]
        causes = {service.process: await self._restart(service) for service in stale}
        for service in self.services:
            if service not in needed and not self.stopping:
                await self._retire(service)
        manifest = current_generation(self.layout)
        return Reloaded(
            generation=manifest.number if manifest else 0,
            restarted=tuple(process for process, cause in causes.items() if not cause),
            failed={str(process): cause for process, cause in causes.items() if cause},
        )

    def _is_stale(self, service: Service) -> bool:
        child = self.children.get(service.process)
        down = child is None or child.code.done()
        return down or self.served[service.process] != self._projection(service)

    async def _restart(self, service: Service) -> str:
        running = self.children.get(service.process)
        if running is not None:
            await running.stop(service.stop_seconds)
        try:
            child = self._start(service)
        except (PsiError, OSError) as error:
            return f"cannot be started: {error}"
        print_line({"restarted": service.process, "pid": child.pid})
        return await child.wait_ready(service.ready_seconds)

    async def _retire(self, service: Service) -> None:
        """Stop a service that has nothing to do any more; its callers were restarted before."""
        child = self.children.get(service.process)
        if child is None:
            return
        await child.stop(service.stop_seconds)
        del self.children[service.process]
        self.sockets.drop(service)
        remove_credentials(self.layout, service.process)
        print_line({"stopped": service.process})

    async def _stop_all(self) -> None:
        for service in reversed(self.services):
            if service.process in self.children:
                await self.children[service.process].stop(service.stop_seconds)
            remove_credentials(self.layout, service.process)
        if self.device is not None and self.device.name in self.children:
            await self.children[self.device.name].stop(_DEVICE_STOP_SECONDS)
