#!/usr/bin/env python3
"""A day of one application under autoscaling: what it costs, and how long requests take.

    autoscaling.py [--results benchmarks/results/DATE.json] [--service MS] [--seed N]

Prints a table in Markdown. Nothing is measured here. Starts and CPU time are medians of the committed results, what
orchestration takes is assumed, and the rest follows from a model:

* The trace has a request rate for each tenth of a second: a day and a night between 10 and 2,000 requests per second, and
  bursts of up to 10,000 that rise within a second and last 10 to 120 seconds.
* A request takes the same CPU time each, on one core. Requests wait in one queue, first come, first served, for all the cores that are
  there; so the wait of a request follows from the two curves of all that has arrived and all that was served. Two requests on
  one core do not slow each other down otherwise, and networks take no time.
* `pods`: each pod is one core, and its start takes `POD_START` and the start of its process. The HorizontalPodAutoscaler
  aims at `TARGET` requests in flight for each pod, waiting ones included, by its default rules: every 15 seconds by the average of the
  15 seconds before, at most twice as many pods (or four more) each time, fewer ones only after five minutes; between `LEAST_PODS` and
  `CORES`. Pods are paid for from their creation to their end.
* `nodes`: the application shares nodes with others. It has a process or an instance for each request and none between them, takes
  what is idle, up to `CORES`, at once, and pays for what it uses at the price of a core that is used to `TARGET`.
"""
import argparse
import collections
import heapq
import json
import math
import os
import random
import statistics
import sys

STEPS = 10  # a second
DAY = 24 * 3600 * STEPS

POD_START = 2.0  # seconds: scheduling, sandbox, network, the first probe; images are on the node
TARGET = 0.6  # of the cores, in use
CORES = 100  # that the application may have
LEAST_PODS = 2
PRICE = 0.04  # dollars for a core for an hour

SYNC = 15 * STEPS
STABLE = 300 * STEPS


def trace(seed):
    """Requests per second in each step of a day."""
    rng = random.Random(seed)
    rates = []
    for step in range(DAY):
        hour = step / (3600 * STEPS)
        day = 0.5 - 0.5 * math.cos(2 * math.pi * (hour - 3) / 24)
        rates.append(10 + 1990 * day**2)
    for number in range(40):
        start = rng.randrange(DAY - 200 * STEPS)
        length = rng.randint(10, 120) * STEPS
        height = 10 ** rng.uniform(3, 4) if number else 10_000
        for at in range(length):
            rise = min(1, at / STEPS)
            fall = min(1, (length - at) / (5 * STEPS))
            rates[start + at] = max(rates[start + at], height * min(rise, fall))
    return rates


class Pods:
    """Cores that a HorizontalPodAutoscaler adds and takes away."""

    def __init__(self, start):
        self.delay = round((POD_START + start) * STEPS)
        self.ready = LEAST_PODS
        self.starting = []  # steps at which pods become ready
        self.in_flight = 0.0  # of the steps since the last decision, summed up
        self.wanted = []  # what was recommended in the last five minutes
        self.paid = 0

    def cores(self, step, in_flight):
        while self.starting and self.starting[0] <= step:
            heapq.heappop(self.starting)
            self.ready += 1
        self.in_flight += in_flight
        if step % SYNC == 0 and step:
            self.decide(step)
        self.paid += self.ready + len(self.starting)
        return self.ready

    def decide(self, step):
        now = self.ready + len(self.starting)
        wanted = min(CORES, max(LEAST_PODS, math.ceil(self.in_flight / SYNC / TARGET)))
        self.in_flight = 0.0
        self.wanted = [(at, n) for at, n in self.wanted if at > step - STABLE] + [(step, wanted)]
        if wanted > now:
            wanted = min(wanted, max(2 * now, now + 4))
            for _ in range(wanted - now):
                heapq.heappush(self.starting, step + self.delay)
        elif (stable := max(n for _, n in self.wanted)) < now:
            # Those that are not ready yet go first.
            while self.starting and now > stable:
                self.starting.remove(max(self.starting))
                heapq.heapify(self.starting)
                now -= 1
            self.ready -= now - stable

    def core_hours(self, _used):
        return self.paid / STEPS / 3600


class Nodes:
    """Idle cores of nodes that other applications use too."""

    def cores(self, _step, _in_flight):
        return CORES

    def core_hours(self, used):
        return used / TARGET / 3600


def simulate(rates, capacity, cpu, latency):
    """Core-hours, and requests by how long they took: `cpu` seconds of a core each, `latency` seconds without a wait."""
    queue, waiting, total, waits = collections.deque(), 0.0, 0.0, {}
    for step, rate in enumerate(rates):
        cores = capacity.cores(step, waiting + rate * cpu)
        queue.append([step, rate / STEPS])
        waiting += rate / STEPS
        room = cores / STEPS / cpu
        while queue and room > 0:
            arrived, left = queue[0]
            now = min(room, left)
            waits[step - arrived] = waits.get(step - arrived, 0.0) + now
            room, waiting, total = room - now, waiting - now, total + now
            if now < left:
                queue[0][1] = left - now
            else:
                queue.popleft()
        if not queue:
            waiting = 0.0
    times = sorted((wait / STEPS + latency, count) for wait, count in waits.items())
    return capacity.core_hours(total * cpu), times


def quantile(times, q):
    left = q * sum(count for _, count in times)
    for time, count in times:
        left -= count
        if left <= 0:
            return time
    return times[-1][0]


class Results:
    """What was measured, in seconds."""

    def __init__(self, path):
        with open(path) as file:
            self.all = json.load(file)

    def runs(self, peer):
        for row in self.all["measurements"]:
            if (row["figure"], row["program"], row["peer"]) == ("start", "nop", peer):
                return row["outcome"]["measured"]["runs"]
        sys.exit(f"autoscaling: the results have no start of {peer}")

    def start(self, peer):
        return statistics.median(run["wall"] for run in self.runs(peer)) / 1e9

    def start_cpu(self, peer):
        """CPU time of a start; of one that a daemon makes, where nothing was counted, None."""
        runs = [run["used"] for run in self.runs(peer)]
        if None in runs:
            return None
        return statistics.median(used["user"] + used["system"] for used in runs) / 1e9

    def instance(self, side):
        """Start, call and end of an instance in a process, by the best setting of one side."""
        rows = [row["p50"] for row in self.all["instances"] if row["guest"] == "hello, quiet WASI" and row["side"].startswith(side)]
        return min(rows) / 1e9


def report(results, rates, service):
    native = service / 1e3
    wasmaot, wasmtime = results.instance("wasmaot"), results.instance("Wasmtime")
    rows = [
        ("pods, native program, requests share a process", Pods(results.start("docker")), native, 0.0),
        ("pods, Wasmtime, an instance for each request", Pods(results.start("docker")), native + wasmtime, 0.0),
        ("pods, wasmaot, an instance for each request", Pods(results.start("docker")), native + wasmaot, 0.0),
    ]
    for name, peer in [
        ("a container of runc", "runc"),
        ("a process of `wasmtime run`", "wasmtime"),
        ("a process of `wasmaot run`", "wasmaot"),
    ]:
        cpu, start = results.start_cpu(peer), results.start(peer)
        rows.append((f"nodes, {name} for each request", Nodes(), native + cpu, max(start - cpu, 0.0)))
    rows += [
        ("nodes, an instance of Wasmtime for each request", Nodes(), native + wasmtime, 0.0),
        ("nodes, an instance of wasmaot for each request", Nodes(), native + wasmaot, 0.0),
    ]
    print(f"| {service:g} ms of CPU per request | core-hours | dollars | p50, ms | p99 | p99.9 | longest |")
    print("|---|---|---|---|---|---|---|")
    for name, capacity, cpu, more in rows:
        hours, times = simulate(rates, capacity, cpu, cpu + more)
        ms = [1e3 * quantile(times, q) for q in (0.5, 0.99, 0.999, 1)]
        print(f"| {name} | {hours:,.1f} | {hours * PRICE:,.2f} | " + " | ".join(f"{value:,.2f}" for value in ms) + " |")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    newest = max(name for name in os.listdir(f"{here}/results") if name.endswith(".json") and len(name) == 15)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default=f"{here}/results/{newest}")
    parser.add_argument("--service", type=float, nargs="+", default=[0.2, 5.0], metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    results, rates = Results(options.results), trace(options.seed)
    total = sum(rates) / STEPS
    print(f"Inputs: `{os.path.basename(options.results)}`; seed {options.seed}, {total / 1e6:,.1f} million requests, {min(rates):,.0f} to {max(rates):,.0f} a second.\n")
    print("| measured | start, ms | its CPU time, ms |")
    print("|---|---|---|")
    for peer in ["docker", "runc", "wasmtime", "wasmaot"]:
        cpu = results.start_cpu(peer)
        print(f"| {peer} | {1e3 * results.start(peer):.2f} | {'–' if cpu is None else f'{1e3 * cpu:.2f}'} |")
    for side in ["Wasmtime", "wasmaot"]:
        print(f"| an instance of {side} in a process | {1e3 * results.instance(side):.4f} | the same |")
    for service in options.service:
        print()
        report(results, rates, service)


if __name__ == "__main__":
    main()
