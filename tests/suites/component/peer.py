"""Calls components in Wasmtime: reads a line of JSON for each, and answers each with one.

    {"wasm": BASE64, "calls": [[FUNCTION, ARGUMENT...]...]}  ->  [RESULT or {"error": MESSAGE}...]

FUNCTION is one of the exported instance "api". Floats are their bits, flags lists of names, cases of variants, options and results lists of a name
and perhaps a payload.
"""

import base64
import json
import struct
import sys

from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker, _types as t

# Cases that their payloads would tell apart have names, too.
t.VariantLikeType._tagged = lambda self: True

FLOATS = {t.F32: ("<f", "<I"), t.F64: ("<d", "<Q")}


def case(ty, name):
    return dict(ty._cases())[name]


def to_python(ty, value):
    if type(ty) in FLOATS:
        real, bits = FLOATS[type(ty)]
        return struct.unpack(real, struct.pack(bits, value))[0]
    if isinstance(ty, t.ListType):
        return bytes(value) if isinstance(ty.element, t.U8) else [to_python(ty.element, one) for one in value]
    if isinstance(ty, t.RecordType):
        record = t.Record()
        for name, field in ty.fields:
            setattr(record, name, to_python(field, value[name]))
        return record
    if isinstance(ty, t.TupleType):
        return tuple(to_python(element, one) for element, one in zip(ty.elements, value))
    if isinstance(ty, t.VariantLikeType):
        payload = case(ty, value[0])
        return t.Variant(value[0], None if payload is None else to_python(payload, value[1]))
    return set(value) if isinstance(ty, t.FlagsType) else value


def to_json(ty, value):
    if type(ty) in FLOATS:
        real, bits = FLOATS[type(ty)]
        return struct.unpack(bits, struct.pack(real, value))[0]
    if isinstance(ty, t.ListType):
        return [to_json(ty.element, one) for one in value]
    if isinstance(ty, t.RecordType):
        return {name: to_json(field, getattr(value, name)) for name, field in ty.fields}
    if isinstance(ty, t.TupleType):
        return [to_json(element, one) for element, one in zip(ty.elements, value)]
    if isinstance(ty, t.VariantLikeType):
        payload = case(ty, value.tag)
        return [value.tag] if payload is None else [value.tag, to_json(payload, value.payload)]
    return [name for name in ty.names if name in value] if isinstance(ty, t.FlagsType) else value


def call(store, instance, name, arguments):
    api = instance.get_export_index(store, "api")
    func = instance.get_func(store, instance.get_export_index(store, name, api))
    ty = func.type(store)
    try:
        result = func(store, *(to_python(of, value) for (_, of), value in zip(ty.params, arguments)))
        func.post_return(store)
    except WasmtimeError as error:
        return {"error": str(error)}
    return None if ty.result is None else to_json(ty.result, result)


engine = Engine()
for line in sys.stdin:
    given = json.loads(line)
    store = Store(engine)
    component = Component(engine, base64.b64decode(given["wasm"]))
    instance = Linker(engine).instantiate(store, component)
    print(json.dumps([call(store, instance, name, arguments) for name, *arguments in given["calls"]]), flush=True)
