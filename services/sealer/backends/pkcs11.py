"""The PKCS#11 backend: the key-encryption key wrapped for a key pair on a token.

The module, not PSI, decides what happens when a token is pulled; so each job begins with a
module that was initialised anew. A PIN is tried once for each :meth:`Pkcs11Backend.open`.
"""

import secrets
from collections.abc import Iterator

import pkcs11

from psi.sealer.backends.pkcs11_errors import DAMAGE, corrupt, explain, explained, reset
from psi.sealer.backends.pkcs11_keys import KeyPair, key_pairs
from psi.sealer.backends.pkcs11_mechanism import WRAPPINGS, RsaOaep, Wrapped, Wrapping
from psi.sealer.backends.pkcs11_session import Pkcs11Session
from psi.sealer.device_error import DeviceError
from psi.sealer.slots import KEK_BYTES, Pkcs11Slot, SlotBody
from psi.shared.messages.sealer import SealerError, SlotKind
from psi.shared.projection import Pkcs11Options
from psi.shared.secret import SecretBytes


class Pkcs11Backend:
    """Wraps the key for one token; used on the device thread only. All of it blocks."""

    kind: SlotKind = "pkcs11"

    def __init__(self, options: Pkcs11Options, pin: SecretBytes | None) -> None:
        """``pin`` is the credential's content; without one the options' own PIN is used."""
        self._key_label = options.key_label
        given = pin if pin is not None else options.pin
        self._session = Pkcs11Session(options.module, options.token_label, given)

    def open(self) -> None:
        """Find the token and log in, with one attempt.

        Raises DEVICE_UNAVAILABLE, DEVICE_BUSY and DEVICE_RESET (retry), PIN_MISSING, and
        PIN_REFUSED, LOCKED_OUT and WRONG_AUTHORISATION (latch).
        """
        self._session.open()

    def close(self) -> None:
        """Log out and let go of the token. Raises nothing."""
        self._session.close()

    def make_slot(self, kek: SecretBytes) -> Pkcs11Slot:
        """Wrap by the best mechanism that the token was seen to do; raises UNSUPPORTED."""
        wrapping, pair = self._choose(WRAPPINGS)
        made = wrapping.wrap(pair, kek.reveal())
        return Pkcs11Slot(
            mechanism=wrapping.name,
            token_serial=self._session.token.serial.decode("ascii", "replace"),
            key_fingerprint=pair.fingerprint,
            wrapped=made.wrapped,
            ephemeral=made.ephemeral,
            nonce=made.nonce,
        )

    def open_slot(self, body: SlotBody) -> SecretBytes:
        """Unwrap by the recorded mechanism; raises OTHER_DEVICE, CORRUPT, KEY_MISSING."""
        slot = self._own(body)
        pair = self._pair_of(slot)
        wrapping = next(one for one in WRAPPINGS if one.name == slot.mechanism)
        if not wrapping.fits(pair):
            raise corrupt()
        wrapped = Wrapped(slot.wrapped, slot.ephemeral, slot.nonce)
        return self._unwrap(wrapping, pair, wrapped)

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> SlotBody:
        """Refuse: a token measures no boot."""
        del body, kek, approve
        detail = "a PKCS#11 token has no boot state to bind to: nothing needs resealing"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        """Unwrap an RSA-OAEP-SHA256 block; raises UNSUPPORTED without an RSA key, CORRUPT."""
        ways = tuple(one for one in WRAPPINGS if isinstance(one, RsaOaep))
        wrapping, pair = self._choose(ways)
        return self._unwrap(wrapping, pair, Wrapped(wrapped))

    def _own(self, body: SlotBody) -> Pkcs11Slot:
        assert isinstance(body, Pkcs11Slot)  # noqa: S101  # slots are chosen by kind
        return body

    def _pair_of(self, slot: Pkcs11Slot) -> KeyPair:
        for pair in self._pairs():
            if pair.fingerprint == slot.key_fingerprint:
                return pair
        detail = (
            f"the slot was made for another key than the token's {self._key_label}: plug in the "
            f"token {slot.token_serial}, or run psictl cache recover"
        )
        raise DeviceError(SealerError.OTHER_DEVICE, detail)

    def _pairs(self) -> list[KeyPair]:
        try:
            return key_pairs(self._session.session, self._key_label)
        except DeviceError as error:
            # SoftHSM shows an empty token where its folder is gone.
            if error.code is SealerError.KEY_MISSING and self._session.pulled():
                raise reset("it shows no key") from error
            raise

    def _choose(self, ways: tuple[Wrapping, ...]) -> tuple[Wrapping, KeyPair]:
        """Return the first way that a trial shows to work; raises UNSUPPORTED, DEVICE_RESET."""
        with explained():
            listed = self._session.token.slot.get_mechanisms()
        failure: DeviceError | None = None
        for wrapping in ways:
            if wrapping.needs not in listed:
                continue
            for pair in self._fitting(wrapping):
                failure = self._trial(wrapping, pair)
                if failure is None:
                    return wrapping, pair
        if failure is not None and failure.retry:
            raise failure
        detail = (
            f"the token can neither RSA-OAEP, ECDH on P-256 nor raw RSA with its key "
            f"{self._key_label}: make a key of RSA 2048 or EC P-256 that may decrypt or derive"
        )
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def _fitting(self, wrapping: Wrapping) -> Iterator[KeyPair]:
        yield from [pair for pair in self._pairs() if wrapping.fits(pair)]

    def _trial(self, wrapping: Wrapping, pair: KeyPair) -> DeviceError | None:
        """Wrap and unwrap random bytes; return why that fails, in a fresh session then."""
        probe = secrets.token_bytes(KEK_BYTES)
        try:
            if wrapping.unwrap(pair, wrapping.wrap(pair, probe)) == probe:
                return None
            return corrupt()
        except DeviceError as error:
            return error
        except pkcs11.PKCS11Error as error:
            return self._renewed(explain(error))

    def _renewed(self, failure: DeviceError) -> DeviceError:
        try:
            self._session.renew()
        except pkcs11.PKCS11Error as error:
            return reset(type(error).__name__)
        return failure

    def _unwrap(self, wrapping: Wrapping, pair: KeyPair, wrapped: Wrapped) -> SecretBytes:
        try:
            return SecretBytes(wrapping.unwrap(pair, wrapped))
        except pkcs11.PKCS11Error as error:
            raise self._cause(error, wrapping, pair.fingerprint) from error

    def _cause(
        self, error: pkcs11.PKCS11Error, wrapping: Wrapping, fingerprint: bytes
    ) -> DeviceError:
        """Tell a damaged slot from a pulled token: modules answer GeneralError to both."""
        if isinstance(error, DAMAGE):
            return corrupt()
        failure = self._renewed(explain(error))
        if failure.code not in (SealerError.DEVICE_RESET, SealerError.INTERNAL):
            return failure
        try:
            pair = next(one for one in self._pairs() if one.fingerprint == fingerprint)
        except (DeviceError, StopIteration):
            return reset(type(error).__name__)
        return corrupt() if self._trial(wrapping, pair) is None else failure
