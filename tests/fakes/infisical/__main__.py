"""Runs the stand-in: `python -m tests.fakes.infisical --port 0 [--seed FILE]`."""

import argparse
import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

from tests.fakes.infisical.seeding import load
from tests.fakes.infisical.server import StandInServer
from tests.fakes.infisical.state import empty_state


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fakes.infisical", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=Path, help="JSON file of identities and projects")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--tls-client-ca", type=Path, help="ask clients for a certificate of it")
    return parser.parse_args()


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    if arguments.tls_client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(arguments.tls_client_ca)
    return context


async def _run(arguments: argparse.Namespace) -> None:
    state = empty_state()
    if arguments.seed is not None:
        load(state, json.loads(arguments.seed.read_bytes()))
    server, tls, stop = StandInServer(state), _tls(arguments), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = await server.listen(arguments.host, arguments.port, tls)
    scheme = "https" if tls is not None else "http"
    state.certificates.site_url = f"{scheme}://{arguments.host}:{port}"
    ready = {"ready": True, "url": state.certificates.site_url}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await server.close()


asyncio.run(_run(_arguments()))
