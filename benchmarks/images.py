#!/usr/bin/env python3
"""Starts of one program that does nothing, from an image of `wasmaot image` and from one of the same program in C.

    images.py --wasmaot PATH [--rounds 20] [--scratch DIRECTORY]

Runs `docker run` and `ctr run` with each image, in an order that is random in each round, and prints medians and ratios of the two images
in Markdown. The native program is static, and its image is made by `docker import`. Needs root, gcc, docker, containerd and ctr;
containerd is one of its own, with the native snapshotter.
"""
import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = {"wasmaot": "example.org/bench-wasmaot:1", "native": "example.org/bench-native:1"}


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **more).stdout


def make(wasmaot, scratch):
    program = f"{HERE}/programs/nop"
    run(wasmaot, "compile", "--quiet", "--emit", "exe", f"{program}.wasm", "-o", f"{scratch}/nop")
    run(wasmaot, "image", "--quiet", f"{scratch}/nop", "-t", IMAGES["wasmaot"], "-o", f"{scratch}/wasmaot.tar")
    os.makedirs(f"{scratch}/root")
    run("gcc", "-O3", "-static", "-s", f"{program}.c", "-o", f"{scratch}/root/nop")
    archive = run("tar", "--create", "--directory", f"{scratch}/root", "nop")
    run("docker", "import", "--change", 'ENTRYPOINT ["/nop"]', "-", IMAGES["native"], input=archive)
    run("docker", "save", "--output", f"{scratch}/native.tar", IMAGES["native"])
    run("docker", "load", "--quiet", "--input", f"{scratch}/wasmaot.tar")


def containerd(scratch):
    config = f"{scratch}/containerd.toml"
    with open(config, "w") as file:
        file.write(
            f'version = 2\nroot = "{scratch}/containerd"\nstate = "{scratch}/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{scratch}/sock"\n'
        )
    daemon = subprocess.Popen(["containerd", "--config", config, "--log-level", "error"])
    ctr = ["ctr", "--address", f"{scratch}/sock"]
    for _ in range(100):
        if subprocess.run(ctr + ["version"], capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    else:
        sys.exit("images: containerd does not start")
    for name in IMAGES:
        run(*ctr, "images", "import", "--snapshotter", "native", f"{scratch}/{name}.tar")
    return daemon, ctr


def measure(commands, rounds):
    times = {key: [] for key in commands}
    for number in range(rounds + 1):
        order = list(commands)
        random.shuffle(order)
        for key in order:
            command = [word.format(id=f"bench-{os.getpid()}-{number}") for word in commands[key]]
            start = time.monotonic()
            run(*command)
            # The first round fills caches.
            if number:
                times[key].append(time.monotonic() - start)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasmaot", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--scratch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        make(os.path.abspath(options.wasmaot), scratch)
        daemon, ctr = containerd(scratch)
        try:
            commands = {}
            for name, image in IMAGES.items():
                commands["docker run", name] = ["docker", "run", "--rm", "--network", "none", image]
                commands["ctr run", name] = ctr + ["run", "--rm", "--snapshotter", "native", image, "{id}-" + name]
            times = measure(commands, options.rounds)
        finally:
            daemon.terminate()
            daemon.wait()
            for image in IMAGES.values():
                subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True)
        sizes = {name: os.path.getsize(f"{scratch}/{name}.tar") for name in IMAGES}
    print("| | wasmaot | native, static | ratio (quartiles) |")
    print("|---|---|---|---|")
    print(f"| bytes of the image | {sizes['wasmaot']:,} | {sizes['native']:,} | {sizes['wasmaot'] / sizes['native']:.2f} |")
    for tool in ["docker run", "ctr run"]:
        ours, theirs = times[tool, "wasmaot"], times[tool, "native"]
        ratios = statistics.quantiles([a / b for a, b in zip(ours, theirs)], n=4)
        print(
            f"| `{tool}`, ms | {1e3 * statistics.median(ours):.1f} | {1e3 * statistics.median(theirs):.1f} | "
            f"{ratios[1]:.2f} ({ratios[0]:.2f}–{ratios[2]:.2f}) |"
        )


if __name__ == "__main__":
    main()
