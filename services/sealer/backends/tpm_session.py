"""A connection to the TPM: the storage root key, encrypted sessions, and handles that are flushed.

Used on one thread (libtss2 answers 0x70007 otherwise), for one job, then closed. All of it blocks.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_ALG,
    TPM2_SE,
    TPM2B_PRIVATE,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPM_OBJECT,
    TPMA_OBJECT,
    TPMA_SESSION,
    TPMS_KEYEDHASH_PARMS,
    TPMS_SENSITIVE_CREATE,
    TPMT_KEYEDHASH_SCHEME,
    TPMT_PUBLIC,
    TPMT_SIGNATURE,
    TPMT_SYM_DEF,
    TPMT_TK_VERIFIED,
    TPMU_PUBLIC_PARMS,
    TPMU_SYM_KEY_BITS,
    TPMU_SYM_MODE,
    TSS2_Exception,
)

from psi.sealer.backends.tpm_errors import corrupt, explained, explained_blob
from psi.sealer.backends.tpm_tcti import check_path, unanswered
from psi.shared.secret import SecretBytes

# libtss2 logs to stderr by itself, at its finest level with the contents of its buffers.
os.environ["TSS2_LOG"] = "all+NONE"

_STORAGE: Final = (
    TPMA_OBJECT.RESTRICTED
    | TPMA_OBJECT.DECRYPT
    | TPMA_OBJECT.FIXEDTPM
    | TPMA_OBJECT.FIXEDPARENT
    | TPMA_OBJECT.SENSITIVEDATAORIGIN
    | TPMA_OBJECT.USERWITHAUTH
    | TPMA_OBJECT.NODA
)
"""A storage root key, made anew at each open: the seed and this template give the same one."""
_SEALED: Final = TPMA_OBJECT.FIXEDTPM | TPMA_OBJECT.FIXEDPARENT | TPMA_OBJECT.NODA
"""NODA: the object has no password, so a lockout that others caused must not shut it."""
_BOTH_WAYS: Final = TPMA_SESSION.ENCRYPT | TPMA_SESSION.DECRYPT | TPMA_SESSION.CONTINUESESSION
_REPLY_ONLY: Final = TPMA_SESSION.ENCRYPT | TPMA_SESSION.CONTINUESESSION


class TpmSession:
    """An open TPM; :meth:`open` it, and :meth:`close` it whatever happened."""

    def __init__(self, tcti: str) -> None:
        self._tcti = tcti
        self._stack = ExitStack()
        self._esapi: ESAPI = None
        self._srk: ESYS_TR = ESYS_TR.NONE
        self._channel: ESYS_TR = ESYS_TR.NONE
        self.srk_name = b""

    def open(self) -> None:
        """Connect, make the storage root key and a session that hides what is sent.

        Raises DeviceError: DEVICE_UNAVAILABLE, DEVICE_BUSY, WRONG_AUTHORISATION, UNSUPPORTED.
        """
        check_path(self._tcti)
        try:
            self._esapi = self._stack.enter_context(ESAPI(self._tcti))
        except TSS2_Exception as error:
            raise unanswered(self._tcti) from error
        with explained():
            template = TPM2B_PUBLIC.parse("ecc256:null:aes128cfb", objectAttributes=_STORAGE)
            self._srk, *_ = self._esapi.create_primary(None, template)
            self._stack.callback(self._flush, self._srk)
            self.srk_name = bytes(self._esapi.tr_get_name(self._srk))
            self._channel = self._start(TPM2_SE.HMAC, _BOTH_WAYS)
            self._stack.callback(self._flush, self._channel)

    def close(self) -> None:
        """Flush every handle and disconnect. Raises nothing."""
        self._stack.close()
        self._esapi = None

    @property
    def esapi(self) -> ESAPI:
        """The connection, for commands that need no session."""
        return self._esapi

    def seal(self, secret: SecretBytes, policy: bytes) -> tuple[bytes, bytes]:
        """Return public and private part of a new sealed object; an empty policy is none."""
        attributes = _SEALED if policy else _SEALED | TPMA_OBJECT.USERWITHAUTH
        scheme = TPMT_KEYEDHASH_SCHEME(scheme=TPM2_ALG.NULL)
        template = TPMT_PUBLIC(
            type=TPM2_ALG.KEYEDHASH,
            nameAlg=TPM2_ALG.SHA256,
            objectAttributes=attributes,
            authPolicy=policy,
            parameters=TPMU_PUBLIC_PARMS(keyedHashDetail=TPMS_KEYEDHASH_PARMS(scheme=scheme)),
        )
        sensitive = TPM2B_SENSITIVE_CREATE(TPMS_SENSITIVE_CREATE(data=secret.reveal()))
        public_area = TPM2B_PUBLIC(publicArea=template)
        with explained():
            private, public, *_ = self._esapi.create(
                self._srk, sensitive, public_area, session1=self._channel
            )
        return bytes(public.marshal()), bytes(private.marshal())

    @contextmanager
    def loaded(self, public: bytes, private: bytes) -> Iterator[ESYS_TR]:
        """Load a sealed object; raises DeviceError (CORRUPT), and flushes it afterwards."""
        with explained_blob():
            parts = unmarshal(TPM2B_PRIVATE, private), unmarshal(TPM2B_PUBLIC, public)
            handle = self._esapi.load(self._srk, *parts, session1=self._channel)
        try:
            yield handle
        finally:
            self._flush(handle)

    def unseal(self, handle: ESYS_TR, policy_session: ESYS_TR | None) -> SecretBytes:
        """Return what is sealed, encrypted on its way; raises TSS2_Exception."""
        session = policy_session
        if session is None:
            session = self._channel
            self._esapi.trsess_set_attributes(session, _REPLY_ONLY)
        return SecretBytes(bytes(self._esapi.unseal(handle, session1=session)))

    @contextmanager
    def policy(self) -> Iterator[ESYS_TR]:
        """Start a policy session, and flush it afterwards."""
        with explained():
            session = self._start(TPM2_SE.POLICY, _REPLY_ONLY)
        try:
            yield session
        finally:
            self._flush(session)

    def verify(self, authority: bytes, digest: bytes, signature: bytes) -> TPMT_TK_VERIFIED:
        """Return the TPM's word that the authority signed; raises DeviceError (CORRUPT)."""
        with explained_blob():
            public = unmarshal(TPM2B_PUBLIC, authority)
            signed = unmarshal(TPMT_SIGNATURE, signature)
            # A ticket of the null hierarchy would count for nothing.
            key = self._esapi.load_external(public, hierarchy=ESYS_TR.OWNER)
            try:
                return self._esapi.verify_signature(key, digest, signed)
            finally:
                self._flush(key)

    def _start(self, kind: TPM2_SE, attributes: TPMA_SESSION) -> ESYS_TR:
        """Start a session salted with the storage root key, parameters under AES-128-CFB."""
        cipher = TPMT_SYM_DEF(
            algorithm=TPM2_ALG.AES,
            keyBits=TPMU_SYM_KEY_BITS(aes=128),
            mode=TPMU_SYM_MODE(aes=TPM2_ALG.CFB),
        )
        session = self._esapi.start_auth_session(
            self._srk, ESYS_TR.NONE, kind, cipher, TPM2_ALG.SHA256
        )
        self._esapi.trsess_set_attributes(session, attributes)
        return session

    def _flush(self, handle: ESYS_TR) -> None:
        # A TPM that is gone has forgotten it already.
        with suppress(TSS2_Exception):
            self._esapi.flush_context(handle)


def unmarshal(kind: type[TPM_OBJECT], data: bytes) -> TPM_OBJECT:
    """Decode a whole structure; raises DeviceError (CORRUPT) or TSS2_Exception."""
    structure, length = kind.unmarshal(data)
    # libtss2 does not look at every length that stands in it.
    if length != len(data) or structure.marshal() != data:
        raise corrupt()
    return structure
