"""Reads a recording row by row, with bounded memory, whatever its compression."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from venues.recording.format import MAX_LINE, NoticeRow, RecordingError, Row, is_symbol, parse_row

_CHUNK = 1 << 16
# 1 KiB of zstd expands to 32 MiB at most (four bytes can stand for a block of 128 KiB).
_ZSTD_CHUNK = 1 << 10
_ZSTD_WINDOW = 1 << 27
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_REMEDY = "what stands before it can be played; delete the rest, or record again"


class RecordingReader:
    """The rows of the file at `path`, in order. Each iteration reads the file anew.

    `quarantined` counts the rows of the newest iteration that were left out, by symbol (shortened, as `ascii`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.quarantined: Counter[str] = Counter()

    def __iter__(self) -> Generator[Row]:
        """Raises RecordingError: the file can not be read, or not any further; names file, line and remedy."""
        self.quarantined = Counter()
        number = 0
        try:
            with self.path.open("rb") as file:
                for line in _lines(_chunks(file)):
                    number += 1
                    if len(line) > MAX_LINE:
                        raise ValueError(f"it is longer than {MAX_LINE} bytes")
                    if not line.strip():
                        continue
                    row = parse_row(line)
                    if isinstance(row, NoticeRow) or is_symbol(row.symbol):
                        yield row
                    else:
                        self.quarantined[self._quarantine_name(row.symbol)] += 1
        except FileNotFoundError:
            raise RecordingError(f"there is no recording {self.path}; check the path") from None
        except (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile) as error:
            raise self._error(number + 1, f"the compressed data are damaged or cut off ({error})") from None
        except ValueError as error:
            raise self._error(number, str(error)) from None
        except OSError as error:
            raise RecordingError(f"{self.path} can not be read: {error.strerror}; check the path") from None

    def _quarantine_name(self, symbol: str) -> str:
        name = ascii(symbol[:32])
        # A file of a million bad symbols must not become a million entries.
        return name if name in self.quarantined or len(self.quarantined) < 100 else "others"

    def _error(self, line: int, what: str) -> RecordingError:
        return RecordingError(f"{self.path.name}, line {line}: {what}; {_REMEDY}", line)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        with gzip.GzipFile(fileobj=file) as unpacked:
            while chunk := unpacked.read1(_CHUNK):
                yield chunk
    elif magic == _ZSTD:
        yield from _zstd_chunks(file)
    else:
        while chunk := file.read(_CHUNK):
            yield chunk


def _zstd_chunks(file: BinaryIO) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    is_inside = False
    while chunk := file.read(_ZSTD_CHUNK):
        while chunk:
            is_inside = True
            yield frame.decompress(chunk)
            chunk = b""
            if frame.eof:
                chunk = frame.unused_data
                frame = decompressor.decompressobj()
                is_inside = False
    if is_inside:
        raise EOFError("the file ends inside a zstd frame")


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields lines without their ends; one that grows beyond `MAX_LINE` is yielded cut, as the last."""
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from lines
        if len(rest) > MAX_LINE:
            yield rest
            return
    if rest:
        yield rest
