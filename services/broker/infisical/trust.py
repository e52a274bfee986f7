"""Whom the client believes: roots, the private CA, or nobody checked."""

import ssl

from psi.shared.errors import ConfigError
from psi.shared.log import Log
from psi.shared.projection import Infisical


def tls_context(config: Infisical, log: Log) -> ssl.SSLContext:
    """Return the TLS settings for Infisical; a ``ca_cert`` replaces the system's roots.

    Replaces, not adds: who runs a private CA does not want any public one to vouch for it.
    Raises ConfigError when ``ca_cert`` holds no certificate.
    """
    if not config.verify_ssl:
        log.warning("tls-not-verified", remedy="set verify_ssl: true, and ca_cert for a private CA")
        return _unverified()
    if config.ca_cert is None:
        return ssl.create_default_context()
    return _private_roots(config.ca_cert)


def _private_roots(pem: str) -> ssl.SSLContext:
    # Bundles have comments in any language, and ssl takes ASCII only.
    text = pem.encode("ascii", "ignore").decode()
    remedy = "give a PEM file with the CA's certificate and run psictl apply"
    if "BEGIN CERTIFICATE" not in text:  # ssl would take an empty text for none, and trust all
        raise ConfigError(f"ca_cert holds no certificate; {remedy}")
    try:
        return ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise ConfigError(f"ca_cert holds no readable certificate; {remedy}") from error


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
