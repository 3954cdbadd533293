#!/usr/bin/env python3
"""Makes the NuGet package from what build.sh left: pack.py LIB OUT_FOLDER. Prints its path. The same input gives the same bytes."""

import platform
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RIDS = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}

NUSPEC = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>Octavo</id>
    <version>{version}</version>
    <authors>The Octavo authors</authors>
    <description>INT8 quantization of ONNX models: the same bytes on every CPU, from any language.</description>
    <license type="file">LICENSE</license>
    <readme>README.md</readme>
    <tags>onnx int8 quantization inference</tags>
    <dependencies>
      <group targetFramework=".NETStandard2.0">
        <dependency id="System.Memory" version="4.5.4" />
      </group>
    </dependencies>
  </metadata>
</package>
"""
RELATIONS = """<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/Octavo.nuspec" Id="manifest" />
</Relationships>
"""
TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />
{defaults}
  <Default Extension="third-party" ContentType="application/octet" />
  <Override PartName="/LICENSE" ContentType="application/octet" />
</Types>
"""


def pack(lib, out):
    version = (ROOT / "VERSION").read_text().strip()
    types = "\n".join(
        f'  <Default Extension="{extension}" ContentType="application/octet" />'
        for extension in ("nuspec", "dll", "xml", "so", "md")
    )
    parts = {
        "[Content_Types].xml": TYPES.format(defaults=types).encode(),
        "_rels/.rels": RELATIONS.encode(),
        "Octavo.nuspec": NUSPEC.format(version=version).encode(),
        "lib/netstandard2.0/Octavo.dll": (lib / "Octavo.dll").read_bytes(),
        "lib/netstandard2.0/Octavo.xml": (lib / "Octavo.xml").read_bytes(),
        f"runtimes/{RIDS[platform.machine()]}/native/liboctavo_csharp.so": (lib / "liboctavo_csharp.so").read_bytes(),
        "README.md": (ROOT / "bindings/csharp/README.md").read_bytes(),
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "LICENSE.third-party": (ROOT / "LICENSE.third-party").read_bytes(),
    }
    package = out / f"Octavo.{version}.nupkg"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return package


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]), Path(sys.argv[2])))
