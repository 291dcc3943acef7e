# Makes the metadata of this folder with python-tuf (pip install tuf), the reference implementation:
#     python3 make.py
# Two roots (the second wants two of two publishers), one bundle `hello@1.0`, everything valid until 2099.
import hashlib, os, pathlib
from datetime import datetime, timezone
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

here = pathlib.Path(__file__).parent
until = datetime(2099, 1, 1, tzinfo=timezone.utc)
first, second, snapshot_key, timestamp_key = (CryptoSigner.generate_ed25519() for _ in range(4))
manifest = b"manifest of hello 1.0\n"

root = Metadata(Root(version=1, expires=until, consistent_snapshot=True))
for role, key in [("root", first), ("targets", first), ("snapshot", snapshot_key), ("timestamp", timestamp_key)]:
    root.signed.add_key(key.public_key, role)
root.sign(first)
root.to_file(str(here / "1.root.json"))

root.signed.version = 2
for role in ["root", "targets"]:
    root.signed.add_key(second.public_key, role)
    root.signed.roles[role].threshold = 2
root.sign(first)
root.sign(second, append=True)
root.to_file(str(here / "2.root.json"))

targets = Metadata(Targets(version=1, expires=until))
targets.signed.targets["hello/1.0.json"] = TargetFile.from_data("hello/1.0.json", manifest)
targets.sign(first)
targets.sign(second, append=True)
targets.to_file(str(here / "1.targets.json"))

def meta(name):
    data = (here / name).read_bytes()
    return MetaFile(version=1, length=len(data), hashes={"sha256": hashlib.sha256(data).hexdigest()})

snapshot = Metadata(Snapshot(version=1, expires=until, meta={"targets.json": meta("1.targets.json")}))
snapshot.sign(snapshot_key)
snapshot.to_file(str(here / "1.snapshot.json"))
timestamp = Metadata(Timestamp(version=1, expires=until, snapshot_meta=meta("1.snapshot.json")))
timestamp.sign(timestamp_key)
timestamp.to_file(str(here / "timestamp.json"))
folder = here / "manifests" / "hello"
folder.mkdir(parents=True, exist_ok=True)
(folder / f"{hashlib.sha256(manifest).hexdigest()}.1.0.json").write_bytes(manifest)
