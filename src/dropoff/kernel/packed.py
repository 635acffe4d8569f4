"""A file as it is inside, whether it came packed by gzip, in a zip, or not at all. The content tells, not the name.

What a packed file says of its size is not believed: what comes out is counted, so that a bomb fills neither memory nor
disk beyond the limit.
"""

import contextlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from dropoff.kernel.textfile import FileInvalid

_PIECE: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


@contextlib.contextmanager
def unpacked(path: Path, limit: int) -> Iterator[Path]:
    """The file itself when it is not packed, else a temporary one. Raises `FileInvalid` for what cannot be unpacked to
    its end or has more than `limit` bytes, packed or not."""
    with path.open("rb") as file:
        head = file.read(4)
    if path.stat().st_size > limit:
        raise FileInvalid(f"The file has more than {limit} bytes.")
    if not head.startswith((_GZIP, _ZIP)):
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="dropoff-unpacked-") as into:
        (_gunzip if head.startswith(_GZIP) else _unzip)(path, into, limit)
        into.flush()
        yield Path(into.name)


def _gunzip(path: Path, into: IO[bytes], limit: int) -> None:
    unpack, size = zlib.decompressobj(wbits=31), 0
    with path.open("rb") as file:
        while piece := file.read(1 << 16):
            while piece:
                if unpack.eof:  # several packed one behind the other are one file
                    unpack = zlib.decompressobj(wbits=31)
                try:
                    part = unpack.decompress(piece, _PIECE)
                except zlib.error as error:
                    raise FileInvalid(f"The file cannot be unpacked: {error}.") from error
                size = _write(into, part, size, limit)
                piece = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    if not unpack.eof:
        raise FileInvalid("The packed file has no end.")


def _unzip(path: Path, into: IO[bytes], limit: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise FileInvalid(f"The zip file holds {len(members)} files; one is expected.")
            if members[0].file_size > limit:
                raise FileInvalid(f"The file unpacks to more than {limit} bytes.")
            size = 0
            with archive.open(members[0]) as member:
                while part := member.read(_PIECE):
                    size = _write(into, part, size, limit)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileInvalid(f"The file cannot be unpacked: {error}.") from error


def _write(into: IO[bytes], part: bytes, size: int, limit: int) -> int:
    if size + len(part) > limit:
        raise FileInvalid(f"The file unpacks to more than {limit} bytes.")
    into.write(part)
    return size + len(part)
