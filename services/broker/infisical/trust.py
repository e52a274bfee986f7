"""Whom the client believes, and what it shows of itself: roots, the private CA, a certificate."""

import ssl

from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import ConfigError
from psi.shared.log import Log
from psi.shared.memory_file import memory_file
from psi.shared.projection import Infisical
from psi.shared.secret import SecretBytes


def tls_context(config: Infisical, log: Log) -> ssl.SSLContext:
    """Return the TLS settings for Infisical; a ``ca_cert`` replaces the system's roots.

    Replaces, not adds: who runs a private CA does not want any public one to vouch for it.
    Raises ConfigError when ``ca_cert`` holds no certificate.
    """
    if not config.verify_ssl:
        log.warning("tls-not-verified", remedy="set verify_ssl: true, and ca_cert for a private CA")
    return _trust(config)


def certificate_context(
    config: Infisical, certificate: SecretBytes, key: SecretBytes
) -> ssl.SSLContext:
    """Return the same settings with a client certificate, whose chain may follow it.

    Raises UpstreamError (refused, by us) when the PEM texts are no pair.
    """
    context = _trust(config)
    _show(context, certificate, key)
    return context


def check_pair(certificate: SecretBytes, key: SecretBytes) -> None:
    """Raise UpstreamError (refused, by us) when the PEM texts are no pair."""
    _show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)


def _show(context: ssl.SSLContext, certificate: SecretBytes, key: SecretBytes) -> None:
    try:
        with memory_file(certificate) as chain, memory_file(key) as private:
            # The password is asked for an encrypted key alone; "" keeps OpenSSL off the terminal.
            context.load_cert_chain(chain, private, password="")
    except (ssl.SSLError, OSError, ValueError):
        cause = "certificate and private_key are no pair of PEM texts without a password"
        raise UpstreamError(Kind.REFUSED, f"{cause}; correct them") from None


def _trust(config: Infisical) -> ssl.SSLContext:
    if not config.verify_ssl:
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
