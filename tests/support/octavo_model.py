"""Questions about models that tests ask in more than one place."""

import json
import pathlib
import subprocess
import sys
import tempfile


def nodes(model):
    """What `octavo inspect --json` says of each node: {"name", "op", "precision", "reason", ...}, in order of the network."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        model.save(str(path))
        command = [sys.executable, "-m", "octavo", "inspect", str(path), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["nodes"]
