"""The pool of connections to Infisical, and the addresses of the configuration that it needs."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from psi.broker.infisical.body import ACCEPT_ENCODING
from psi.shared.errors import ConfigError
from psi.shared.limits import Limits
from psi.shared.projection import Infisical

KEEPALIVE_SECONDS = 15
"""Infisical's Node server closes idle connections after 72 s, proxies often after 60."""


def parse_url(text: str) -> httpx.URL:
    """Return the server's address; raises ConfigError for what is none."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigError(f"api_url is no URL: {error}; correct it and run psictl apply") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.userinfo:
        form = "https://HOST, without user, password or query"
        raise ConfigError(f"api_url is not of the form {form}; correct it and run psictl apply")
    return url


def _parse_proxy(text: str | None) -> httpx.Proxy | None:
    if text is None:
        return None
    form = "http://HOST:PORT or https://HOST:PORT"
    try:
        proxy = httpx.Proxy(text)
    except (httpx.InvalidURL, ValueError):  # their text may hold the proxy's password
        raise ConfigError(f"proxy is not of the form {form}; correct it") from None
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise ConfigError(f"proxy is not of the form {form}; correct it and run psictl apply")
    return proxy


def open_pool(config: Infisical, limits: Limits, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that takes nothing from the environment and keeps nothing but connections."""
    return httpx.AsyncClient(
        verify=tls,
        proxy=_parse_proxy(config.proxy),
        trust_env=False,
        follow_redirects=False,
        http2=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": ACCEPT_ENCODING,
            "User-Agent": "psi-broker",
        },
        timeout=httpx.Timeout(None, connect=limits.upstream_connect_seconds),
        limits=httpx.Limits(
            max_connections=limits.upstream_connections,
            max_keepalive_connections=limits.upstream_connections,
            keepalive_expiry=KEEPALIVE_SECONDS,
        ),
    )
