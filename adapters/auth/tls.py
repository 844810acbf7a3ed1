"""TLS contexts: one for each trust configuration, shared by all systems that have the same. Reads files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from adapters.auth.model import Tls

__all__ = ["TlsContexts", "TlsFiles", "make_context"]


class TlsFiles(Exception):
    """A certificate or key cannot be used: `key` of the declaration, and why. Never what is in the file."""

    code = "BAD_TLS_FILE"

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


@dataclass(slots=True)
class TlsContexts:
    """Loading a trust store takes tens of milliseconds and some megabytes: once, however many systems."""

    _contexts: dict[tuple[str | None, ...], ssl.SSLContext] = field(default_factory=dict, repr=False)

    def of(self, tls: Tls | None) -> ssl.SSLContext:
        """Raises TlsFiles."""
        key = (tls.ca, tls.certificate, tls.key, tls.password) if tls is not None else ()
        found = self._contexts.get(key)
        if found is None:
            found = self._contexts[key] = make_context(tls)
        return found


def make_context(tls: Tls | None) -> ssl.SSLContext:
    """Blocking. Server certificates and host names are always checked. Raises TlsFiles."""
    if tls is None:
        return ssl.create_default_context()
    for name, path in (("ca", tls.ca), ("certificate", tls.certificate), ("key", tls.key)):
        if path is not None and not Path(path).is_file():
            raise TlsFiles(name, "no such file")
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ValueError) as error:
        raise TlsFiles("ca", _reason(error, "no certificates in PEM")) from None
    if tls.certificate is not None:
        try:
            # without a password OpenSSL would ask for one on the terminal
            context.load_cert_chain(tls.certificate, tls.key, password=tls.password or "")
        except (OSError, ValueError) as error:
            why = "no certificate and key in PEM that fit each other, or the key's password is wrong"
            raise TlsFiles("certificate", _reason(error, why)) from None
    return context


def _reason(error: Exception, otherwise: str) -> str:
    """ssl.SSLError is an OSError too; its words tell of OpenSSL's insides."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return f"{error.strerror}"
    return otherwise
