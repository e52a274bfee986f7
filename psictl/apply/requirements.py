"""What the configuration names outside of itself, looked for on the host that it is applied on.

All that is missing is told at once, each with its line: a service that is started without it
would not come up, or would fail at its first login.
"""

from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.credentials import credential_file, is_there
from psictl.apply.units.sight import broker_sees, hindrance, sealer_sees
from psictl.config import LoadedConfig
from psictl.config.problems import Mention, Problems
from psictl.config.projection import credentials, files


def check_requirements(loaded: LoadedConfig, host: Circumstances) -> None:
    """Raise ConfigInvalid for what a service is to be given and cannot be.

    What no service uses, as a token's PIN where the backend is a TPM, is passed over.
    """
    problems = Problems(loaded.file)
    for mention in loaded.mentions:
        told = _CHECKS[mention.kind](mention, host)
        if told:
            problems.error(mention.line, mention.path, told)
    problems.raise_errors()


def _credential(mention: Mention, host: Circumstances) -> str:
    used = credentials(host.broker) | (credentials(host.sealer) if host.sealer else frozenset())
    path = credential_file(host.layout, mention.name)
    if mention.name not in used or is_there(path):
        return ""
    where = f"neither in {host.layout.credstore_encrypted} nor in {host.layout.credstore}"
    return f"credential {mention.name} is {where}; psictl credential set {mention.name}"


def _file(mention: Mention, host: Circumstances) -> str:
    if mention.name not in files(host.broker) or broker_sees(mention.name):
        return ""
    told = hindrance(mention.name)
    return f"{mention.name} {told}" if told else ""


def _module(mention: Mention, host: Circumstances) -> str:
    if host.sealer is None or host.sealer.pkcs11 is None or sealer_sees(mention.name):
        return ""
    told = hindrance(mention.name)
    return f"{mention.name} {told}" if told else ""


_CHECKS = {"credential": _credential, "file": _file, "module": _module}
