"""Infisical over HTTPS: identities and their tokens, single secrets, folders.

Everything that goes wrong upstream leaves this package as an
:class:`~psi.broker.infisical.outcome.UpstreamError`; start reading at ``client.py``.
"""
