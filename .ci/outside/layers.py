"""The build stage of Dockerfile, carried out without a container: what .dockerignore lets in is copied into an empty
directory, and each RUN is run there.

    layers.py DIRECTORY    a directory that is not there yet; paths from the root of the image begin there

The toolchain is the machine's instead of the base image's. The packages come from where cargo has them; CARGO_TARGET_DIR
is not heeded, but a `target` beside the manifest is the repository's own, so that what is built already is not built again.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


def instructions(text):
    """Each instruction of the first stage with its arguments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, arguments = line.strip().partition(" ")
        if name:
            yield name, arguments.strip()


def let_in():
    """What .dockerignore lets in: everything is kept out but what is named."""
    first, *rest = (
        line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    )
    assert first == "*" and all(line.startswith("!") for line in rest), "written as a list of what is let in"
    return [pathlib.PurePosixPath(line.removeprefix("!")) for line in rest]


def copy(source, to):
    path = pathlib.PurePosixPath(source)
    if not any(path == allowed or allowed in path.parents for allowed in let_in()):
        sys.exit(f"COPY {source}: .dockerignore keeps it out")
    if (REPOSITORY / path).is_dir():
        # A directory's contents are copied.
        shutil.copytree(REPOSITORY / path, to, dirs_exist_ok=True)
    else:
        target = to / path.name if to.is_dir() else to
        shutil.copy2(REPOSITORY / path, target)


def main(root):
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    here = root
    stages = 0
    for name, arguments in instructions((REPOSITORY / "Dockerfile").read_text()):
        if name == "FROM":
            stages += 1
            if stages == 2:
                break
        elif name == "WORKDIR":
            here = root / arguments.lstrip("/")
            here.mkdir(parents=True)
            (REPOSITORY / "target").mkdir(exist_ok=True)
            (here / "target").symlink_to(REPOSITORY / "target")
        elif name == "ENV":
            variable, _, value = arguments.partition("=")
            environment[variable] = "".join(shlex.split(value))
        elif name == "COPY":
            *sources, to = arguments.split()
            directory = here / to
            if to.endswith("/"):
                directory.mkdir(parents=True, exist_ok=True)
            for source in sources:
                copy(source, directory)
        elif name == "RUN":
            command = arguments.replace(" /", f" {root}/")
            subprocess.run(["sh", "-ec", command], cwd=here, env=environment, check=True)
        else:
            sys.exit(f"{name}: an instruction that this does not know")
    print(f"built by the layers of Dockerfile: {root}/image", file=sys.stderr)


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).absolute()
    root.mkdir()
    main(root)
