"""Reads a response body into a cap that holds after decompression.

httpx's own decoder inflates each received chunk whole: 64 KiB of gzip become 64 MiB before
anyone can count them (r11), so the raw bytes are inflated here, never beyond the cap.
"""

import zlib

import httpx

from psi.broker.infisical.outcome import UpstreamError, foreign

ACCEPT_ENCODING = "gzip"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to ask for the gzip container


async def read_body(response: httpx.Response, cap: int) -> bytes:
    """Return the body, at most ``cap`` bytes raw and decompressed.

    Raises UpstreamError (foreign) when it is larger, cut inside its gzip stream, or coded
    otherwise; httpx's errors pass.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", "x-gzip"}:
        raise foreign("a content-encoding that was not asked for", response.status_code)
    sink = _Plain(cap) if coding == "identity" else _Gzip(cap)
    async for chunk in response.aiter_raw():
        sink.feed(chunk)
    return sink.finish()


def _too_large(cap: int) -> UpstreamError:
    return foreign(f"a body of more than {cap} bytes")


class _Plain:
    """Collects bytes as they are."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._data = bytearray()

    def feed(self, chunk: bytes) -> None:
        if len(self._data) + len(chunk) > self._cap:
            raise _too_large(self._cap)
        self._data += chunk

    def finish(self) -> bytes:
        return bytes(self._data)


class _Gzip(_Plain):
    """Inflates as it collects, and never holds more than the cap and one byte."""

    def __init__(self, cap: int) -> None:
        super().__init__(cap)
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._received = 0

    def feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._cap:
            raise _too_large(self._cap)
        room = self._cap + 1 - len(self._data)
        try:
            super().feed(self._inflater.decompress(chunk, room))
        except zlib.error as error:
            raise foreign("a gzip body that is damaged") from error
        if self._inflater.unconsumed_tail:
            raise _too_large(self._cap)

    def finish(self) -> bytes:
        if not self._inflater.eof or self._inflater.unused_data:
            raise foreign("a gzip body that is cut, or has something behind it")
        return super().finish()
