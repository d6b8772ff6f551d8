"""Tests of the package, on the guests of the tests of the C API: `WASMAOT_GUESTS` is the folder with their artifacts."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
import unittest
from pathlib import Path

import wasmaot
from wasmaot import (
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    EXTERNREF,
    FuncRef,
    FuncType,
    Linker,
    Module,
    Pool,
    TrapCode,
    Wasi,
)
from wasmaot import _errors, _library, _limits

GUESTS = Path(os.environ["WASMAOT_GUESTS"])

#: A type of all values, there and back.
MIX = [I32, I64, F32, F64, EXTERNREF, V128]


def module(name: str) -> Module:
    return Module.open_trusted(GUESTS / f"{name}.so")


def guest_linker(next=lambda caller, number: number, mix=lambda caller, *values: tuple(reversed(values))) -> Linker:
    linker = Linker()
    linker.func("host", "next", [I32], [I64], next)
    linker.func("host", "mix", MIX, MIX[::-1], mix)
    linker.wasi()
    return linker


class Modules(unittest.TestCase):
    def test_lists_imports_and_exports(self) -> None:
        guest = module("guest")
        self.assertEqual(guest.imports[0], wasmaot.Import("host", "next", FuncType((I32,), (I64,))))
        exports = {export.name: export.type for export in guest.exports}
        self.assertEqual(exports["memory"], wasmaot.MemoryType(1, 4))
        self.assertEqual(exports["table"], wasmaot.TableType(2, 10, FUNCREF))
        self.assertEqual(exports["counter"], wasmaot.GlobalType(I32, True))
        self.assertEqual(exports["sum"], wasmaot.TagType((I32, I64)))
        self.assertEqual(str(exports["add"]), "(i32, i32) -> (i32)")

    def test_opens_copies(self) -> None:
        artifact = (GUESTS / "guest.so").read_bytes()
        sealed = Module.open_sealed_trusted(str(GUESTS / "guest.so"))
        self.assertEqual(Module.from_bytes_trusted(artifact).exports, sealed.exports)

    def test_refuses_other_files(self) -> None:
        with self.assertRaisesRegex(wasmaot.OpenError, "hello.txt|not an artifact|ELF|short"):
            Module.open_trusted(GUESTS / "hello.txt")
        with self.assertRaises(wasmaot.OpenError):
            Module.open_trusted(GUESTS / "no such file")

    def test_opens_by_proof(self) -> None:
        with self.assertRaises(wasmaot.OpenError):
            Module.open(GUESTS / "hello.txt")
        proven = Module.open(GUESTS / "plain.so")
        self.assertTrue(proven.is_proven and Module.from_bytes((GUESTS / "plain.so").read_bytes()).is_proven)
        self.assertFalse(module("plain").is_proven)
        pool = wasmaot.Pool(wasmaot.PoolConfig(slots=1, modules=wasmaot.Modules.PROVEN))
        pool.start(Linker().link(proven)).finish()
        with self.assertRaisesRegex(wasmaot.LinkError, "proven"):
            pool.start(Linker().link(module("plain")))

    def test_opens_what_is_signed(self) -> None:
        signer, other = ((GUESTS / name).read_text() for name in ("signer.pem", "other.pem"))
        with tempfile.TemporaryDirectory() as folder:
            loader = wasmaot.Loader(jobs=0, keys=[other, signer], proofs=folder, proof_key=b"k" * 32, unchanging=[GUESTS])
            signed = loader.open(GUESTS / "signed.so")
        self.assertTrue(signed.is_proven and signed.signer is not None and len(signed.signer) == 32)
        trusted = loader.from_bytes_trusted((GUESTS / "signed.so").read_bytes())
        self.assertEqual((trusted.is_proven, trusted.signer), (False, signed.signer))
        self.assertFalse(loader.open_trusted(GUESTS / "signed.so").is_proven)
        pool = Pool(slots=1, modules=wasmaot.Modules.PROVEN_AND_SIGNED)
        pool.start(Linker().link(signed)).finish()
        with self.assertRaisesRegex(wasmaot.LinkError, "signatures"):
            pool.start(Linker().link(Module.open(GUESTS / "plain.so")))
        with self.assertRaisesRegex(wasmaot.OpenError, "sign"):
            wasmaot.Loader(keys=[other]).from_bytes((GUESTS / "signed.so").read_bytes())
        with self.assertRaisesRegex(wasmaot.UsageError, "no keys"):
            wasmaot.Loader().open_trusted(GUESTS / "signed.so")
        with self.assertRaisesRegex(wasmaot.UsageError, "pem"):
            wasmaot.Loader(keys=["no key"])
        with self.assertRaises(ValueError):
            wasmaot.Loader(proofs=folder, proof_key=b"short")
        self.assertIsNone(wasmaot.Loader().open(GUESTS / "plain.so").signer)

    def test_reports_missing_imports(self) -> None:
        with self.assertRaisesRegex(wasmaot.LinkError, '"host" "next": function'):
            Linker().link(module("guest"))

    def test_limits_what_modules_ask_for(self) -> None:
        linker = guest_linker()
        linker.set_module_limits(functions=1)
        with self.assertRaisesRegex(wasmaot.LimitError, "functions"):
            linker.link(module("guest"))


class Calls(unittest.TestCase):
    def setUp(self) -> None:
        self.linked = guest_linker().link(module("guest"))
        self.pool = Pool(slots=2)

    def test_passes_values_of_all_types(self) -> None:
        values = (-1, 1 << 63, 1.5, -2.5, 9, bytes(range(16)))
        with self.pool.start(self.linked) as instance:
            self.assertEqual(instance.call("mix", *values), (bytes(range(16)), 9, -2.5, 1.5, -(1 << 63), -1))
            self.assertEqual(instance.call("mix", 0, 0, 0, 0, None, bytes(16))[1], None)
            self.assertIs(instance.call("null"), None)
            self.assertEqual(self.linked.func("add").call(instance, 0xFFFF_FFFF, 2), 1)

    def test_refuses_values_that_do_not_fit(self) -> None:
        with self.pool.start(self.linked) as instance:
            for args, error in [
                ((1,), wasmaot.UsageError),
                ((1, 2, 3), wasmaot.UsageError),
                ((1, "2"), TypeError),
                ((1, 1.0), TypeError),
                ((1, 1 << 32), OverflowError),
            ]:
                with self.assertRaises(error, msg=str(args)):
                    instance.call("add", *args)
            with self.assertRaisesRegex(wasmaot.UsageError, "no such function"):
                instance.call("no such function")

    def test_traps_name_the_functions(self) -> None:
        with self.pool.start(self.linked) as instance:
            with self.assertRaisesRegex(wasmaot.Trap, "unreachable") as caught:
                instance.call("trap")
            self.assertEqual(caught.exception.code, TrapCode.UNREACHABLE)
            self.assertEqual(caught.exception.frames[0].name, "inner")
            with self.assertRaises(wasmaot.Trap) as caught:
                instance.call("divide", 1, 0)
            self.assertEqual(caught.exception.code, TrapCode.INTEGER_DIVIDE_BY_ZERO)
            with self.assertRaises(wasmaot.Trap) as caught:
                instance.call("deep")
            self.assertEqual(caught.exception.code, TrapCode.STACK_OVERFLOW)
            with self.assertRaises(wasmaot.WasmException):
                instance.call("throw")
            self.assertEqual(instance.call("add", 40, 2), 42)

    def test_nothing_survives_an_instance(self) -> None:
        for _ in range(3):
            with self.pool.start(self.linked) as instance:
                self.assertEqual(instance.call("count"), 1)
        self.assertEqual(self.pool.stats.made, 1)

    def test_slots_are_prepared(self) -> None:
        pool = wasmaot.Pool(slots=2)
        pool.prepare(self.linked, 2)
        with pool.start(self.linked) as instance:
            self.assertEqual(instance.call("count"), 1)
        self.assertEqual(pool.stats.made, 2)

    def test_finished_instances_are_refused(self) -> None:
        instance = self.pool.start(self.linked)
        self.assertEqual((instance.usage.memory, instance.usage.reset), (65536, wasmaot.Reset.NONE))
        usage = instance.finish()
        self.assertEqual((usage.memory, usage.operators, usage.host_calls), (65536, None, 0))
        self.assertIs(instance.finish(), usage)
        self.assertIs(instance.usage, usage)
        with self.assertRaisesRegex(wasmaot.UsageError, "finished"):
            instance.call("count")

    def test_forgotten_instances_are_finished(self) -> None:
        pool = Pool(slots=1)
        instance = pool.start(self.linked)
        with self.assertRaises(wasmaot.ExhaustedError):
            pool.start(self.linked)
        del instance
        gc.collect()
        pool.start(self.linked).finish()


class Exports(unittest.TestCase):
    def setUp(self) -> None:
        linker = Linker()
        linker.func("host", "visit", [FUNCREF], [FUNCREF], self.visit)
        self.pool = Pool(slots=2)
        self.linked = linker.link(module("exports"))

    def visit(self, caller: wasmaot.Caller, func: FuncRef) -> FuncRef:
        self.called = caller.call_ref(func, FuncType((), (I32,)))
        caller.set_global("count", caller.get_global("count") + 1)
        caller.write(8, b"visited")
        self.caller = caller
        return caller.get_element("table", 1)

    def test_globals(self) -> None:
        with self.pool.start(self.linked) as instance:
            self.assertEqual((instance.get_global("pi"), instance.get_global("count")), (3.25, 7))
            instance.set_global("count", -8)
            self.assertEqual(instance.get_global("count"), -8)
            with self.assertRaisesRegex(wasmaot.UsageError, "immutable"):
                instance.set_global("pi", 3.0)
            with self.assertRaises(wasmaot.UsageError):
                instance.set_global("memory", 3)

    def test_tables_and_references(self) -> None:
        with self.pool.start(self.linked) as instance, self.pool.start(self.linked) as other:
            two = instance.get_element("table", 1)
            self.assertEqual(instance.call_ref(two, FuncType((), (I32,))), 2)
            instance.set_element("table", 2, two)
            self.assertEqual((instance.call("at", 2), instance.table_size("table")), (2, 3))
            self.assertEqual(instance.grow_table("table", 1, None), 3)
            self.assertIs(instance.grow_table("table", 1, None), None)
            self.assertIs(instance.get_element("table", 3), None)
            with self.assertRaises(wasmaot.AccessError):
                instance.get_element("table", 4)
            with self.assertRaisesRegex(wasmaot.UsageError, "another instance"):
                other.call("same", two)
            self.assertEqual(instance.call("same", two), two)

    def test_memory(self) -> None:
        with self.pool.start(self.linked) as instance:
            instance.write(100, b"abcd")
            self.assertEqual(bytes(instance.view(98, 4)), b"\0\0ab")
            view = instance.view(100, 4, writable=True)
            view[0] = ord("A")
            self.assertEqual(instance.read(100, 4), b"Abcd")
            with self.assertRaises(TypeError):
                instance.view(0, 4)[0] = 1
            self.assertEqual((instance.grow(1), instance.grow(9), instance.memory_size), (1, None, 131072))
            with self.assertRaises(wasmaot.AccessError):
                instance.read(131072, 1)
            del view

    def test_host_functions_reach_them(self) -> None:
        with self.pool.start(self.linked) as instance:
            found = instance.call("visit", instance.get_element("table", 0))
            self.assertEqual((self.called, instance.call_ref(found, FuncType((), (I32,)))), (1, 2))
            self.assertEqual((instance.get_global("count"), instance.read(8, 7)), (8, b"visited"))
            with self.assertRaisesRegex(wasmaot.UsageError, "has returned"):
                self.caller.get_global("count")


class HostFunctions(unittest.TestCase):
    def run_with(self, next, number: int = 1, data: object = None) -> object:
        linked = guest_linker(next).link(module("guest"))
        with Pool(slots=1).start(linked, data=data) as instance:
            return instance.call("next", number)

    def test_get_the_data_of_the_start(self) -> None:
        self.assertEqual(self.run_with(lambda caller, number: caller.data[number], 1, [5, 6]), 6)

    def test_what_they_raise_is_raised_again(self) -> None:
        raised = KeyError("lost")

        def fails(caller: wasmaot.Caller, number: int) -> int:
            raise raised

        with self.assertRaises(KeyError) as caught:
            self.run_with(fails)
        self.assertIs(caught.exception, raised)

    def test_what_they_catch_is_not_raised_again(self) -> None:
        def catches(caller: wasmaot.Caller, number: int) -> int:
            try:
                caller.call("trap")
            except wasmaot.Trap as trap:
                return int(trap.code)
            return 0

        self.assertEqual(self.run_with(catches), TrapCode.UNREACHABLE)

    def test_end_their_caller(self) -> None:
        def exits(caller: wasmaot.Caller, number: int) -> int:
            raise wasmaot.Exit(7)

        with self.assertRaises(wasmaot.Exit) as caught:
            self.run_with(exits)
        self.assertEqual(caught.exception.status, 7)

        def traps(caller: wasmaot.Caller, number: int) -> int:
            raise wasmaot.Trap(TrapCode.OUT_OF_FUEL)

        with self.assertRaises(wasmaot.Trap) as trap:
            self.run_with(traps)
        self.assertEqual(trap.exception.code, TrapCode.OUT_OF_FUEL)

    def test_return_what_their_type_says(self) -> None:
        for wrong in (None, "text", (1, 2), 1 << 64):
            with self.assertRaises((TypeError, OverflowError, wasmaot.UsageError), msg=repr(wrong)):
                self.run_with(lambda caller, number: wrong)


class Limits(unittest.TestCase):
    def test_meter_and_fuel(self) -> None:
        linked = Linker().link(module("metered"))
        with Pool(slots=1).start(linked, fuel=1000) as instance:
            instance.call("rounds", 10)
            self.assertEqual(instance.operators, 51)
            with self.assertRaises(wasmaot.Trap) as caught:
                instance.call("rounds", 1_000_000)
            self.assertEqual(caught.exception.code, TrapCode.OUT_OF_FUEL)
            instance.set_fuel(100)
            instance.call("rounds", 10)
        self.assertGreater(instance.usage.fuel, 1000)

    def test_times(self) -> None:
        linked = guest_linker().link(module("guest"))
        pool = Pool(slots=1)
        for limit, code in (
            ({"deadline": 0.02}, TrapCode.DEADLINE_EXCEEDED),
            ({"cpu_time": 0.02}, TrapCode.CPU_TIME_EXCEEDED),
        ):
            with pool.start(linked, **limit) as instance:
                with self.assertRaises(wasmaot.Trap) as caught:
                    instance.call("forever")
                self.assertEqual(caught.exception.code, code)
        with pool.start(linked) as instance:
            instance.set_deadline(0.02)
            with self.assertRaises(wasmaot.Trap):
                instance.call("forever")
            instance.set_deadline(None)
            self.assertEqual(instance.call("count"), 1)

    def test_memory(self) -> None:
        linked = guest_linker().link(module("guest"))
        with Pool(slots=1).start(linked, memory=2 * 65536, trap=True) as instance:
            self.assertEqual(instance.call("grow", 1), 1)
            with self.assertRaises(wasmaot.Trap) as caught:
                instance.call("grow", 1)
            self.assertEqual(caught.exception.code, TrapCode.MEMORY_LIMIT)

    def test_kill_from_another_thread(self) -> None:
        linked = guest_linker().link(module("guest"))
        with Pool(slots=1).start(linked) as instance:
            stop = instance.interrupt()
            thread = threading.Thread(target=lambda: (time.sleep(0.02), stop.kill()))
            thread.start()
            with self.assertRaises(wasmaot.Trap) as caught:
                instance.call("forever")
            self.assertEqual(caught.exception.code, TrapCode.KILLED)
            thread.join()

    def test_threads_run_beside_a_guest(self) -> None:
        linked = guest_linker().link(module("guest"))
        pool = Pool(slots=8)
        results: list[object] = []

        def work() -> None:
            for number in range(50):
                with pool.start(linked) as instance:
                    results.append(instance.call("next", number))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), sorted(list(range(50)) * 4))


class Wasis(unittest.TestCase):
    def test_streams_in_memory(self) -> None:
        linker = Linker()
        linker.wasi()
        wasi = Wasi(args=["wasi", "one"], env={"NAME": "value"}, stdin=b"input", capture=1000)
        wasi.preopen(GUESTS, "/guests", read_only=True)
        with Pool(slots=1).start(linker.link(module("wasi")), wasi=wasi) as instance:
            self.assertEqual(instance.call("copy", 0, 1), 0)
            self.assertEqual((instance.stdout, instance.stderr), (b"input", b""))
            self.assertFalse(instance.stdout_overflowed)
            instance.set_stdin(b"other")
        self.assertEqual(instance.usage.bytes_written, 5)

    def test_incomplete_output_is_noted(self) -> None:
        linker = Linker()
        linker.wasi()
        wasi = Wasi(stdin=b"input", capture=3)
        with Pool(slots=1).start(linker.link(module("wasi")), wasi=wasi) as instance:
            instance.call("copy", 0, 1)
            self.assertEqual(instance.stdout, b"inp")
            self.assertTrue(instance.stdout_overflowed)
            self.assertFalse(instance.stderr_overflowed)


class References(unittest.TestCase):
    def test_exceptions_pass_both_ways(self) -> None:
        linker = Linker()
        linker.func("host", "visit", [FUNCREF], [FUNCREF], lambda caller, func: func)
        linked = linker.link(module("exports"))
        pool = Pool(slots=2)
        with pool.start(linked) as instance, pool.start(linked) as other:
            self.assertIsNone(instance.call("none"))
            caught = instance.call("catch", 7)
            self.assertIsInstance(caught, wasmaot.ExnRef)
            self.assertEqual(instance.call("number", caught), 7)
            with self.assertRaisesRegex(wasmaot.UsageError, "another instance"):
                other.call("number", caught)
            with self.assertRaises(TypeError):
                instance.call("number", 7)


class Memories(unittest.TestCase):
    def test_instances_share_one(self) -> None:
        memory = wasmaot.SharedMemory(wasmaot.MemoryType(1, 3, is_shared=True))
        linker = Linker()
        linker.shared_memory("host", "memory", memory)
        linked = linker.link(module("shares"))
        pool = Pool(slots=2)
        with pool.start(linked) as one, pool.start(linked) as two:
            one.call("add", 40)
            two.call("add", 2)
            self.assertEqual(memory.read(8, 4), (42).to_bytes(4, "little"))
            memory.write(8, bytes(4))
            self.assertEqual(one.call("add", 1), 0)
            self.assertEqual((memory.grow(1), memory.size, two.call("pages")), (1, 2 * 65536, 2))
            self.assertIsNone(memory.grow(2))
        with self.assertRaises(wasmaot.AccessError):
            memory.read(2 * 65536 - 1, 2)
        with self.assertRaisesRegex(wasmaot.UsageError, "is_shared"):
            wasmaot.SharedMemory(wasmaot.MemoryType(1, 3))


class Compiler(unittest.TestCase):
    def setUp(self) -> None:
        try:
            _library.compiler()
        except OSError as error:
            self.skipTest(f"no compiler: {error}")

    def test_compiles_and_runs(self) -> None:
        text = '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'
        for opt in ("none", "speed", "full"):
            linked = Linker().link(Module(text, opt=opt, meter=True))
            with Pool(slots=1).start(linked) as instance:
                self.assertEqual((instance.call("add", 40, 2), instance.operators), (42, 3))

    def test_says_why_it_failed(self) -> None:
        with self.assertRaisesRegex(wasmaot.CompileError, "type mismatch"):
            wasmaot.compile("(module (func (result i32)))")
        with self.assertRaises(ValueError):
            wasmaot.compile(b"", opt="most")
        with self.assertRaisesRegex(wasmaot.CompileError, "tail-call"):
            wasmaot.compile("(module (func return_call 0))", disabled=["tail-call"])


class Declarations(unittest.TestCase):
    """What is written out in Python beside what the header says."""

    def test_enumerations(self) -> None:
        for name, prefix, here in (
            ("wasmaot_trap_t", "WASMAOT_TRAP_", TrapCode),
            ("wasmaot_reset_t", "WASMAOT_RESET_", wasmaot.Reset),
            ("wasmaot_hot_sets_t", "WASMAOT_HOT_SETS_", wasmaot.HotSets),
            ("wasmaot_host_signals_t", "WASMAOT_SIGNALS_", wasmaot.HostSignals),
            ("wasmaot_modules_t", "WASMAOT_MODULES_", wasmaot.Modules),
        ):
            numbers = {key: value for key, value in _library.ffi.typeof(name).relements.items()}
            numbers.pop("WASMAOT_TRAP_NONE", None)
            self.assertEqual(numbers, {prefix + one.name: one.value for one in here})
        for one in wasmaot.Type:
            self.assertEqual(getattr(_library.runtime, f"WASMAOT_{one.name}"), one.value)
        kinds = set(_library.ffi.typeof("wasmaot_error_kind_t").relements.values())
        self.assertEqual(kinds, set(_errors._KINDS) | {_errors._TRAP, _errors._EXIT})

    def test_fields(self) -> None:
        for name, here in (
            ("wasmaot_module_limits_t", wasmaot.ModuleLimits),
            ("wasmaot_resource_limits_t", wasmaot.ResourceLimits),
            ("wasmaot_pool_config_t", wasmaot.PoolConfig),
            ("wasmaot_pool_stats_t", wasmaot.PoolStats),
            ("wasmaot_usage_t", wasmaot.Usage),
        ):
            fields = {field for field, _ in _library.ffi.typeof(name).fields}
            self.assertEqual(fields, {field.name for field in _limits.fields(here)}, name)


if __name__ == "__main__":
    unittest.main()
