"""Documents that clients name instead of sending them: automatic persisted queries and trusted documents.

`Documents.resolve` puts the text in place of the name, and refuses what may not run here.
"""

from gateway.documents.errors import DocumentRefused, ManifestInvalid
from gateway.documents.manifest import Manifest, TrustedDocument, read_manifest
from gateway.documents.resolve import Documents
from gateway.documents.watch import ManifestWatch

__all__ = [
    "DocumentRefused",
    "Documents",
    "Manifest",
    "ManifestInvalid",
    "ManifestWatch",
    "TrustedDocument",
    "read_manifest",
]
