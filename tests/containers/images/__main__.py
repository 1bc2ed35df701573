"""python -m tests.containers.images: build the stand-ins for Elastic's images, those that are missing or changed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from native.settings import Settings
from native.toolchain import tools
from native.toolchain.tools import ELASTICSEARCH_VERSION
from tests.paths import ROOT

HERE = Path(__file__).parent
TAG = f"{ELASTICSEARCH_VERSION}-standin"
IMAGES = {
    "elasticsearch": "docker.elastic.co/elasticsearch/elasticsearch",
    "logstash": "docker.elastic.co/logstash/logstash",
    "kibana": "docker.elastic.co/kibana/kibana",
    "filebeat": "docker.elastic.co/beats/filebeat",
}


def fill(name: str, context: Path, cache: Path) -> None:
    """What an image is built from beside the files of its folder."""
    folders = {tool.name: tool.folder(cache) for tool in tools.tools()}
    if name == "elasticsearch":
        shutil.copytree(folders["elasticsearch"], context / "distribution", symlinks=True)
    elif name == "filebeat":
        shutil.copy(folders["filebeat"] / "bin" / "filebeat", context)
    elif name == "logstash":
        shutil.copytree(
            ROOT / "infra/logstash_py", context / "logstash_py", ignore=shutil.ignore_patterns("__pycache__")
        )
        command = ["uv", "pip", "compile", "--group", f"{ROOT}/pyproject.toml:logstash", "--generate-hashes", "--quiet"]
        command += ["--constraint", f"{ROOT}/requirements.lock", "--python-version", "3.12", "--no-header"]
        command += ["--output-file", context / "requirements.txt"]
        subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], check=True, cwd=context)


def main() -> int:
    settings = Settings.load()
    if not tools.ready(settings.cache):
        print("The native tools are missing: python -m native toolchain gets them.", file=sys.stderr)
        return 1
    for name, image in IMAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder) / name
            shutil.copytree(HERE / name, context)
            fill(name, context, settings.cache)
            subprocess.run(["docker", "build", "--quiet", "--tag", f"{image}:{TAG}", context], check=True)
        print(f"{image}:{TAG}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
