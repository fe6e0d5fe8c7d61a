"""
Checks that CUDA libraries have every function that onnxruntime's CUDA provider imports.

    python3 tools/cuda-pairs/check.py             # the CUDA of infra/image/bases.ts
    python3 tools/cuda-pairs/check.py 12.4.1      # another one

The libraries are those of NVIDIA's wheels on PyPI, in the versions that the packages of this CUDA have. The provider is
that of onnxruntime-gpu, in the version of onnxruntime-node: what onnxruntime-node itself fetches is on NuGet, and not
read here. From 1.27 on the wheel is built for CUDA 13 and NuGet's for CUDA 12, from the same sources; functions that only
the build for CUDA 13 imports would be reported too. Libraries that the provider opens late, as cuDNN, are not imported.

Needs Linux with nm, and 1.5 GB of downloads in out/cuda-pairs. The exit code is 1 if a function is missing.
"""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "out" / "cuda-pairs"

# Versions of a CUDA's packages, which are the same in Ubuntu's packages and on PyPI.
CUDAS = {
    "12.4.1": {"cuda-runtime": "12.4.127", "cublas": "12.4.5.8", "cufft": "11.2.1.3", "curand": "10.3.5.147"},
    "12.8.1": {"cuda-runtime": "12.8.90", "cublas": "12.8.4.1", "cufft": "11.3.3.83", "curand": "10.3.9.90"},
    "12.9.1": {"cuda-runtime": "12.9.79", "cublas": "12.9.1.4", "cufft": "11.4.1.4", "curand": "10.3.10.19"},
}

# Functions of CUDA's libraries. Those of the driver begin with cu and a capital, and are not in a wheel.
OF_CUDA = re.compile(r"(cuda|cublas|cufft|curand|nvrtc)[A-Z]\w+$")

PROVIDER = "onnxruntime/capi/libonnxruntime_providers_cuda.so"


def main(cuda: str) -> int:
    if cuda not in CUDAS:
        print(f"The versions of the packages of CUDA {cuda} are not known: add them to CUDAS.", file=sys.stderr)
        return 2
    if cuda == base_cuda():
        check_pins(CUDAS[cuda])
    version = json.loads((ROOT / "package.json").read_text())["dependencies"]["onnxruntime-node"]
    [provider] = libraries(f"onnxruntime-gpu=={version}", PROVIDER)
    imported = {name for name in symbols(provider, "--undefined-only") if OF_CUDA.match(name)}
    exported = set()
    for package, number in CUDAS[cuda].items():
        for library in libraries(f"nvidia-{package}-cu12=={number}", ".so"):
            exported |= symbols(library, "--defined-only")
    missing = sorted(imported - exported)
    print(f"onnxruntime {version} imports {len(imported)} functions of CUDA, and CUDA {cuda} lacks {len(missing)}")
    for name in missing:
        print(f"  {name}")
    return 1 if missing else 0


def base_cuda() -> str:
    """Returns the version of CUDA in the name of the base image."""
    return re.search(r"nvidia/cuda:([\d.]+)-", (ROOT / "infra/image/bases.ts").read_text())[1]


def check_pins(packages: dict) -> None:
    """Checks that the Dockerfile adds the libraries of these versions to the base image."""
    dockerfile = (ROOT / "functions/gpu/Dockerfile").read_text()
    for package, version in packages.items():
        if package == "cuda-runtime":
            continue
        pins = re.findall(rf"lib{package}-[\d-]+=([\d.]+)-", dockerfile)
        assert pins == [version], f"the Dockerfile has {package} {pins} instead of {version}"


def libraries(requirement: str, ending: str) -> list:
    """Downloads a wheel, unless it is there, and returns the paths of the libraries in it whose names have `ending`."""
    folder = WORK / requirement
    if not folder.exists():
        platforms = [f"--platform=manylinux{name}_x86_64" for name in ("2014", "_2_17", "_2_27", "_2_28")]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--python-version=3.12", *platforms, f"--dest={WORK}/wheels", requirement], check=True)
        name = requirement.replace("-", "_").replace("==", "-")
        [wheel] = (WORK / "wheels").glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [entry for entry in archive.namelist() if ".so" in entry])
        wheel.unlink()
    return sorted(path for path in folder.rglob("*.so*") if ending in str(path))


def symbols(library: Path, which: str) -> set:
    """Returns the names of a library's dynamic symbols, without their versions."""
    lines = subprocess.run(["nm", "-D", which, library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in lines.splitlines()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else base_cuda()))
