"""Images and containers without a registry and without a trace: podman's storage is a folder in .build-tree, and the
base images are made by debootstrap.

Where control groups are of both versions, as on many a virtual machine, the container runtime refuses to work, so it
runs in a mount namespace that has those of version 2 alone, and sets no limits by them.
"""
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / ".build-tree"
STORAGE = KEPT / "podman"
# What Swift itself is linked with, and calls.
FOR_SWIFT = ["binutils", "ca-certificates", "git", "libc6-dev", "libcurl4-openssl-dev", "libedit2", "libgcc-12-dev",
             "libncurses6", "libpython3.11", "libstdc++-12-dev", "libxml2", "libz3-4", "pkg-config", "tzdata",
             "zlib1g-dev"]
OPTIONS = ["--root", STORAGE / "graph", "--runroot", STORAGE / "run", "--storage-driver", "vfs",
           "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
ALONE = "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup; exec \"$@\""
# The host may not allow what podman would ask for.
LIMITS = ["--cgroups=disabled", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network=none"]


def podman(*arguments, check=True, seconds=120, **more):
    """A finished podman, with `returncode`, `stdout` and `stderr`."""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ALONE, "sh", "podman",
               *map(str, OPTIONS), *map(str, arguments)]
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=seconds, **more)
    if check and done.returncode:
        raise SystemExit(f"podman {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
    return done


def base_image(name, packages=()):
    """A Debian 12 with `packages` as localhost/`name`; its tree is kept."""
    tree = KEPT / name
    if not tree.exists():
        print(f"debootstrap: {tree}", flush=True)
        half = KEPT / f"{name}-half"
        KEPT.mkdir(exist_ok=True)
        include = [f"--include={','.join(packages)}"] if packages else []
        done = subprocess.run(["debootstrap", "--variant=minbase", *include, "bookworm", half],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(done.stdout)
        half.rename(tree)
    if podman("image", "exists", f"localhost/{name}", check=False).returncode:
        archive = STORAGE / f"{name}.tar"
        subprocess.run(["tar", "-C", tree, "-cf", archive, "."], check=True)
        podman("import", archive, f"localhost/{name}")
        archive.unlink()
    return f"localhost/{name}"


def swift_folders():
    """The folders of this machine that a build needs: Swift's, and those that git is told to fetch packages from."""
    swift = pathlib.Path(shutil.which("swift")).resolve().parents[2]
    urls = subprocess.run(["git", "config", "--get-regexp", r"^url\."], stdout=subprocess.PIPE, text=True).stdout
    mirrors = {line.split()[0].removeprefix("url.").rsplit(".", 1)[0] for line in urls.splitlines()}
    return swift, sorted(mirror for mirror in mirrors if mirror.startswith("/"))


def build():
    """The image of the Dockerfile, with this machine's Swift laid into its builder."""
    STORAGE.mkdir(parents=True, exist_ok=True)
    runtime = base_image("debian-runtime")
    builder = base_image("debian-builder", FOR_SWIFT)
    swift, mirrors = swift_folders()
    settings = [f"GIT_CONFIG_KEY_{index}=url.{mirror}.insteadOf GIT_CONFIG_VALUE_{index}=https://github.com/"
                for index, mirror in enumerate(mirrors)]
    recipe = STORAGE / "Dockerfile.builder"
    recipe.write_text(f"FROM {builder}\nENV PATH={swift}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                      f"ENV GIT_CONFIG_COUNT={len(mirrors)} {' '.join(settings)}\n")
    podman("build", "--format=docker", "--isolation=chroot", "--tag=localhost/swift-builder", "--file", recipe, STORAGE,
           seconds=300)
    volumes = [f"--volume={folder}:{folder}:ro" for folder in [swift, *mirrors]]
    podman("build", "--format=docker", "--isolation=chroot", "--layers=false", "--network=host",
           "--tag=localhost/hookd",
           "--build-arg=BUILDER=localhost/swift-builder", f"--build-arg=RUNTIME={runtime}", *volumes, ROOT,
           seconds=1500, stdout=sys.stderr, stderr=sys.stderr)
    return "localhost/hookd"


def inspect(what):
    return json.loads(podman("inspect", what).stdout)[0]


def forget_containers():
    """Ends all containers, and takes their state away. The storage is this test's alone."""
    podman("rm", "--all", "--force", "--time=5", check=False)
    podman("volume", "rm", "--all", "--force", check=False)
    # Control groups of the process that watched each container; one that a container of another hand is in stays.
    for parent in pathlib.Path("/sys/fs/cgroup").glob("**/libpod_parent"):
        for group in [*sorted(parent.glob("**/*/"), reverse=True), parent]:
            with contextlib.suppress(OSError):
                group.rmdir()


def forget_images():
    """Takes the images away; the trees that the base images were made of stay."""
    podman("rmi", "--all", "--force", check=False)
    shutil.rmtree(STORAGE)
