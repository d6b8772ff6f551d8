#!/usr/bin/env bash
# Checks that containerd and runc take the images of `wasmaot image` and run them:
#
#     packaging/check-image.sh [WASMAOT]
#
# imports images into a containerd of its own (native snapshotter, CRI disabled), runs them, reads their
# output and status, asks them to end, kills and restarts them, and holds them to limits of memory and
# processor. WASMAOT is the command to make them with, by default the one in target/. Needs root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wasmaot=$(realpath "${1:-target/x86_64-unknown-linux-gnu/release/wasmaot}")
programs=$PWD/benchmarks/programs

work=$(mktemp -d)
daemon=
finish() {
    if [ -n "$daemon" ]; then
        for task in $(ctr task list --quiet); do
            ctr task delete --force "$task" >/dev/null 2>&1 || true
        done
        kill "$daemon" && wait "$daemon" || true
    fi
    rm -rf "$work"
}
trap finish EXIT

step() { echo "check: $*"; }
for tool in containerd ctr runc; do
    command -v "$tool" >/dev/null || { echo "check: skipped, there is no $tool"; exit 0; }
done

# Makes an image NAME of a module.
make() {
    "$wasmaot" compile --quiet --emit exe "$2" -o "$work/$1"
    "$wasmaot" image --quiet "$work/$1" -t "example.org/$1:1" -o "$work/$1.tar"
}

# Writes a module to $work/NAME.wat: what its `_start` does, and functions of WASI that it calls.
module() {
    cat >"$work/$1.wat" <<END
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func \$exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func \$write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (data (i32.const 16) "written\n")
  (func (export "_start") $2))
END
    make "$1" "$work/$1.wat"
}

# Waits until a command succeeds, for at most a minute.
until_() {
    local tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        test "$tries" -lt 600 || { echo "check: failed: $*"; return 1; }
        sleep 0.1
    done
}

cat >"$work/containerd.toml" <<END
version = 2
root = "$work/containerd"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/containerd.sock"
END
containerd --config "$work/containerd.toml" --log-level error &
daemon=$!
ctr() { command ctr --address "$work/containerd.sock" --namespace "check-$$" "$@"; }
until_ ctr version
run() { ctr run --snapshotter native "$@"; }
is_running() { ctr task list | grep -q "^$1 .*RUNNING"; }
is_stopped() { ctr task list | grep -q "^$1 .*STOPPED"; }

# The status of a command that may fail.
status() {
    local status=0
    "$@" || status=$?
    echo "$status"
}

make fasta "$programs/fasta.wasm"
module status '(drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) (call $exit (i32.const 7))'
module hello '(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))'
module spin '(loop $l (br $l))'
module hungry '(local $at i32)
    (drop (memory.grow (i32.const 4095)))
    (loop $l (i32.store (local.get $at) (i32.const 1))
      (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 0x0fff0000))))'

step "import"
for name in fasta status hello spin hungry; do
    ctr images import --snapshotter native "$work/$name.tar"
done
test "$(ctr images list --quiet | wc -l)" = 5

step "run, with arguments"
run --rm example.org/fasta:1 fasta /fasta 3 | head -1 | grep '^>ONE Homo sapiens alu$'

step "status and standard error"
test "$(status run --rm example.org/status:1 status 2>"$work/stderr")" = 7
grep '^written$' "$work/stderr"

step "logs"
run --detach --log-uri "file://$work/log" example.org/hello:1 logged
until_ grep '^written$' "$work/log"
until_ is_stopped logged
ctr task delete logged >/dev/null 2>&1 || true
ctr container delete logged

step "end when asked"
run --rm --null-io example.org/spin:1 asked &
until_ is_running asked
ctr task kill --signal SIGTERM asked
ended=0; wait $! || ended=$?
test "$ended" = 143

step "kill and restart"
run --null-io example.org/spin:1 killed &
until_ is_running killed
ctr task kill --signal SIGKILL killed
ended=0; wait $! || ended=$?
test "$ended" = 137
ctr task start --null-io killed &
until_ is_running killed
ctr task kill --signal SIGKILL killed
ended=0; wait $! || ended=$?
test "$ended" = 137
ctr container delete killed

step "limit of memory"
# 256 MiB are written to in 64, without swap.
test "$(status run --rm --memory-limit 67108864 example.org/hungry:1 hungry 2>"$work/stderr")" = 137
test "$(status run --rm example.org/hungry:1 hungry)" = 0

step "limit of the processor"
run --detach --null-io --cpu-quota 20000 --cpu-period 100000 example.org/spin:1 slow
until_ is_running slow
pid=$(ctr task list | awk '$1 == "slow" { print $2 }')
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
before=$(ticks)
sleep 3
used=$(($(ticks) - before))
echo "check: $used of 300 ticks were used"
test "$used" -le 120
ctr task kill --signal SIGKILL slow
until_ is_stopped slow

step "all of it works"
