"""How artifacts are opened by proof and by signature."""

from __future__ import annotations

import os
from typing import Any, Iterable, Optional, Union

from ._errors import check
from ._library import ffi, runtime
from ._module import KEY_BYTES, Module

Path = Union[str, "os.PathLike[str]"]


class Loader:
    """Opens artifacts by proof, as `Module.open` does, with options. Any number of threads may use it.

    * `jobs`: threads that prove an artifact, 0 being one per core.
    * `proofs`: a folder where proofs are kept for other processes that have the same `proof_key`, of 32 random, secret bytes. The folder need not
      be trusted.
    * `keys`: Ed25519 public keys in PEM. If there are any, one of them has to have signed each artifact (`wasmaot sign`), in the file itself or in
      one beside it with `.sig` at the end of its name.
    * `unchanging`: folders beneath which no file is written to or truncated while a module of it exists. Such files are mapped where they lie, so
      that processes share their pages.
    """

    def __init__(
        self,
        *,
        jobs: int = 1,
        proofs: Optional[Path] = None,
        proof_key: Optional[bytes] = None,
        keys: Iterable[str] = (),
        unchanging: Iterable[Path] = (),
    ) -> None:
        self._pointer = ffi.gc(runtime.wasmaot_loader_new(), runtime.wasmaot_loader_delete)
        check(runtime.wasmaot_loader_set_jobs(self._pointer, jobs))
        if (proofs is None) != (proof_key is None):
            raise ValueError("`proofs` and `proof_key` go together")
        if proofs is not None and proof_key is not None:
            if len(proof_key) != KEY_BYTES:
                raise ValueError(f"`proof_key` has {len(proof_key)} bytes, not {KEY_BYTES}")
            check(runtime.wasmaot_loader_set_proofs(self._pointer, os.fsencode(proofs), proof_key))
        for key in keys:
            check(runtime.wasmaot_loader_add_key(self._pointer, key.encode()))
        for folder in unchanging:
            check(runtime.wasmaot_loader_add_unchanging_folder(self._pointer, os.fsencode(folder)))

    def _open(self, load: Any, *source: Any) -> Module:
        return Module._opened(lambda out: load(self._pointer, *source, out))

    def open(self, path: Path) -> Module:
        """Opens an artifact, if its code is proven and it is signed as asked."""
        return self._open(runtime.wasmaot_loader_open, os.fsencode(path))

    def from_bytes(self, artifact: bytes) -> Module:
        """Opens an artifact that is in memory, on the same terms."""
        return self._open(runtime.wasmaot_loader_from_bytes, artifact, len(artifact))

    def open_trusted(self, path: Path) -> Module:
        """Opens an artifact that is signed, without a proof: what the owners of the keys sign is to come from wasmaot's compiler."""
        return self._open(runtime.wasmaot_loader_open_trusted, os.fsencode(path))

    def from_bytes_trusted(self, artifact: bytes) -> Module:
        """Opens an artifact that is in memory, on the terms of `open_trusted`."""
        return self._open(runtime.wasmaot_loader_from_bytes_trusted, artifact, len(artifact))
