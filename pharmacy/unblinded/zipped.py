"""Files in one ZIP, made in memory: the same files are the same bytes, whenever they are packed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from pharmacy.domain.errors import Refusal

MOST_BYTES = 256 * 1024 * 1024
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the earliest moment that the format can say


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Pack files by name, in the order of their names; refused (409) above 256 MiB unpacked."""
    if sum(map(len, files.values())) > MOST_BYTES:
        raise Refusal("These files are too large for one archive. Call the administrator.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _ALWAYS)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()
