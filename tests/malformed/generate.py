#!/usr/bin/env python3
"""Write the malformed (and the odd but right) models of this folder and expected.tsv, what the loader must say of each.

    generate.py            write all files anew; malformed_test.cc then loads each

A model is made of bytes by hand, so that anything can be wrong with it. Needs Python alone.
"""

import gzip
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
CASES = []  # name, bytes, code, fragment of the message

# --- protobuf, the wire format


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def tag(field, wire):
    return varint(field << 3 | wire)


def i(field, value):
    return tag(field, 0) + varint(value)


def f(field, value):
    return tag(field, 5) + struct.pack("<f", value)


def s(field, value):
    value = value.encode() if isinstance(value, str) else value
    return tag(field, 2) + varint(len(value)) + value


# --- ONNX messages

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT4, INT4 = 1, 2, 3, 6, 7, 8, 9, 10, 11, 21, 22
FORMATS = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q", BOOL: "B", DOUBLE: "d"}


def raw(dtype, values):
    return s(9, struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values))


def tensor(name, dtype, dims, data):
    return b"".join(i(1, d) for d in dims) + i(2, dtype) + s(8, name) + data


def floats(name, dims, values=None):
    count = 1
    for d in dims:
        count *= d
    return tensor(name, FLOAT, dims, raw(FLOAT, values or [0.5] * count))


def ints(name, values, dtype=INT64):
    return tensor(name, dtype, [len(values)], raw(dtype, values))


def scalar(name, dtype, value):
    return tensor(name, dtype, [], raw(dtype, [value]))


def value(name, dtype=FLOAT, dims=()):
    shape = b"".join(s(1, i(1, d) if isinstance(d, int) else s(2, d)) for d in dims)
    return s(1, name) + s(2, s(1, i(1, dtype) + s(2, shape)))


def attribute(name, v):
    if isinstance(v, bytes):  # a tensor
        return s(1, name) + s(5, v) + i(20, 4)
    if isinstance(v, str):
        return s(1, name) + s(4, v) + i(20, 3)
    if isinstance(v, float):
        return s(1, name) + f(2, v) + i(20, 1)
    if isinstance(v, int):
        return s(1, name) + i(3, v) + i(20, 2)
    if v and isinstance(v[0], float):
        return s(1, name) + b"".join(f(7, x) for x in v) + i(20, 6)
    return s(1, name) + b"".join(i(8, x) for x in v) + i(20, 7)


def node(op, inputs, outputs, name="n", domain="", extra=b"", **attributes):
    out = b"".join(s(1, x) for x in inputs) + b"".join(s(2, x) for x in outputs) + s(3, name) + s(4, op)
    out += b"".join(s(5, attribute(k, v)) for k, v in attributes.items())
    return out + (s(7, domain) if domain else b"") + extra


def graph(nodes, inputs, outputs, initializers=(), extra=b""):
    return (
        b"".join(s(1, n) for n in nodes)
        + s(2, "g")
        + b"".join(s(5, t) for t in initializers)
        + b"".join(s(11, v) for v in inputs)
        + b"".join(s(12, v) for v in outputs)
        + extra
    )


def model(g, opset=13, ir=8, extra=b""):
    return i(1, ir) + s(7, g) + s(8, i(2, opset)) + extra


def case(name, data, code, fragment=""):
    CASES.append((name, data, code, fragment))


def invalid(name, data, fragment):
    case(name, data, "INVALID_MODEL", fragment)


def unsupported(name, data, fragment):
    case(name, data, "UNSUPPORTED", fragment)


def limit(name, data, fragment):
    case(name, data, "LIMIT", fragment)


def ok(name, data):
    case(name, data, "OK")


X, Y = value("x", FLOAT, [2, 3]), value("y", FLOAT, [2, 3])


def one(
    op, inputs=("x",), dims=(2, 3), initializers=(), opset=13, dtype=FLOAT, outputs=("y",), domain="", **attributes
):
    """x -> op -> y, with initializers among the inputs; y's shape open."""
    nodes = [node(op, list(inputs), list(outputs), domain=domain, **attributes)]
    y = s(1, "y") + s(2, s(1, i(1, 0)))
    return model(graph(nodes, [value("x", dtype, dims)], [y], initializers), opset)


GOOD = model(graph([node("Relu", ["x"], ["y"])], [X], [Y]))


def with_tensor(data):
    """x + w, w being this TensorProto."""
    return model(graph([node("Add", ["x", "w"], ["y"])], [value("x", FLOAT, [2])], [value("y", FLOAT, [2])], [data]))


def container():
    ok("good", GOOD)
    invalid("bytes_0", b"", "empty")
    for count in (1, 4, 7, 8):
        invalid(f"bytes_{count}", GOOD[:count], "")
    invalid("tflite", struct.pack("<I", 0x18) + b"TFL3" + bytes(64), "TensorFlow Lite")
    invalid("png", b"\x89PNG\r\n\x1a\n" + bytes(32), "PNG")
    invalid("zip", b"PK\x03\x04" + bytes(32), "ZIP")
    invalid("gzip", gzip.compress(GOOD, mtime=0), "gzip")
    invalid("hdf5", b"\x89HDF\r\n\x1a\n" + bytes(32), "HDF5")
    invalid("lfs_pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull")
    invalid("text_format", b'ir_version: 8\ngraph {\n  name: "g"\n}\n', "as text")
    invalid("html", b"<!DOCTYPE html><html><body>404</body></html>", "malformed protobuf")
    invalid("zeros", bytes(1000), "malformed protobuf")
    invalid("ones", b"\xff" * 1000, "malformed protobuf")
    invalid("zlib", zlib.compress(GOOD), "")
    invalid("truncated_half", GOOD[: len(GOOD) // 2], "longer than the message")
    invalid("truncated_by_1", GOOD[:-1], "")
    invalid("trailing_garbage", GOOD + b"garbage!", "malformed protobuf")
    invalid("trailing_zeros", GOOD + bytes(16), "malformed protobuf")
    invalid("two_models", GOOD + GOOD, "field 7: it stands twice")
    invalid("tensor_file", floats("w", [2]), "field 2: wrong wire type")
    invalid("graph_file", graph([node("Relu", ["x"], ["y"])], [X], [Y]), "field 1: wrong wire type")


def wire():
    def with_bytes(extra):
        return i(1, 8) + extra + GOOD[2:]

    invalid("varint_truncated", GOOD + b"\x08\xff", "end of buffer")
    invalid("varint_11_bytes", with_bytes(b"\x28" + b"\xff" * 10 + b"\x01"), "varint too long")
    for wire_type, name in ((3, "group"), (4, "group_end"), (6, "wire_type_6"), (7, "wire_type_7")):
        invalid(name, with_bytes(tag(99, wire_type) + b"\x00"), "unknown pbf field type")
    invalid("field_0", with_bytes(b"\x00\x00"), "invalid tag")
    invalid("field_19000", with_bytes(i(19000, 1)), "invalid tag")
    for name, length in (
        ("2_31", 1 << 31),
        ("2_32", 1 << 32),
        ("2_32_and_5", (1 << 32) + 5),
        ("2_63", 1 << 63),
        ("max", (1 << 64) - 1),
    ):
        invalid(f"length_{name}", with_bytes(tag(2, 2) + varint(length) + b"hello"), "longer than the message")
    invalid(
        "child_longer_than_parent",
        i(1, 8) + s(8, i(2, 13)) + s(7, tag(1, 2) + varint(100) + b"\x0a"),
        "longer than the message",
    )
    invalid("fixed32_truncated", GOOD + tag(99, 5) + b"ab", "end of buffer")
    invalid("fixed64_truncated", GOOD + tag(99, 1) + b"abcdefg", "end of buffer")
    invalid("ir_version_as_string", s(1, "8") + GOOD[2:], "field 1: wrong wire type")
    invalid("graph_as_varint", i(1, 8) + i(7, 1), "field 7: wrong wire type")
    invalid("node_as_varint", model(i(1, 5)), "field 1: wrong wire type")
    ok("unknown_fields", with_bytes((i(1000, 5) + s(1001, "xyz") + f(1002, 1)) * 2000))
    nested = b""
    for _ in range(8000):
        nested = s(99, nested)
    ok("nesting_in_unknown_fields", with_bytes(nested))
    deep = i(1, 1)
    for _ in range(5000):
        deep = s(4, s(1, deep))
    unsupported(
        "nesting_of_types", model(graph([node("Relu", ["x"], ["y"])], [s(1, "x") + s(2, deep)], [Y])), "is a sequence"
    )


def header():
    g = graph([node("Relu", ["x"], ["y"])], [X], [Y])
    opset = s(8, i(2, 13))
    invalid("no_graph", i(1, 8) + opset, "no graph")
    invalid("no_opset", i(1, 8) + s(7, g), "opset_import does not name")
    invalid("other_opset_only", i(1, 8) + s(7, g) + s(8, s(1, "ai.onnx.ml") + i(2, 3)), "opset_import does not name")
    invalid("no_ir_version", s(7, g) + opset, "ir_version is missing")
    invalid("ir_version_negative", model(g, ir=-1), "ir_version is negative")
    unsupported("ir_version_2", model(g, ir=2), "ir_version 2 is not supported")
    unsupported("ir_version_2_31", model(g, ir=1 << 31), "ir_version 2147483648 is not supported")
    ok("ir_version_3", model(g, ir=3))
    ok("ir_version_of_tomorrow", model(g, ir=20))
    invalid("opset_0", model(g, opset=0), "version 0")
    invalid("opset_negative", model(g, opset=-5), "version -5")
    unsupported("opset_6", model(g, opset=6), "operator set 6 is not supported, only 7 to")
    unsupported("opset_9999", model(g, opset=9999), "operator set 9999 is not supported")
    invalid("opset_twice", model(g, extra=s(8, s(1, "ai.onnx") + i(2, 14))), "twice, as 13 and as 14")
    ok("opset_twice_the_same", model(g, extra=s(8, s(1, "ai.onnx") + i(2, 13))))
    unsupported("training_info", model(g, extra=s(20, s(1, g))), "training_info")
    unsupported("functions", model(g, extra=s(25, s(1, "F"))), "functions")
    invalid("graph_empty", model(b""), "no outputs")
    invalid("graph_no_outputs", model(graph([node("Relu", ["x"], ["y"])], [X], [])), "no outputs")
    ok("graph_no_nodes", model(graph([], [X], [X])))


def tensors():
    for name, dims in (
        ("2_32_squared", [1 << 32, 1 << 32]),
        ("int64_max", [(1 << 63) - 1, 2]),
        ("2_61", [1 << 61]),
        ("eight_times_2_16", [1 << 16] * 8),
    ):
        limit(f"dims_{name}", with_tensor(tensor("w", FLOAT, dims, b"")), "tensor 'w': ")
    for name, dims in (("2_42_and_1", [(1 << 42) + 1]), ("int32_max", [(1 << 31) - 1]), ("2_21", [1 << 21, 1 << 21])):
        invalid(f"dims_{name}", with_tensor(tensor("w", FLOAT, dims, raw(FLOAT, [1.0]))), "4 bytes of raw_data where")
    invalid("dim_negative", with_tensor(tensor("w", FLOAT, [-1], b"")), "negative dimension")
    invalid("dim_int64_min", with_tensor(tensor("w", FLOAT, [-(1 << 63)], b"")), "negative dimension")
    limit("rank_9", with_tensor(tensor("w", FLOAT, [1] * 9, raw(FLOAT, [1.0]))), "rank 9")
    limit("rank_1000", with_tensor(tensor("w", FLOAT, [1] * 1000, raw(FLOAT, [1.0]))), "rank 9 is more")
    ok(
        "dims_zero",
        model(
            graph(
                [node("Add", ["x", "w"], ["y"])],
                [value("x", FLOAT, [0])],
                [value("y", FLOAT, [0])],
                [tensor("w", FLOAT, [0], b"")],
            )
        ),
    )
    ok(
        "dims_2_0_3",
        model(
            graph(
                [node("Add", ["x", "w"], ["y"])],
                [value("x", FLOAT, [2, 0, 3])],
                [value("y", FLOAT, [2, 0, 3])],
                [tensor("w", FLOAT, [2, 0, 3], s(9, b""))],
            )
        ),
    )
    mixed = s(1, varint(1) + varint(2)) + i(1, 3)
    ok("dims_packed_and_not", one("Add", ["x", "w"], (2, 3), [mixed + i(2, FLOAT) + s(8, "w") + raw(FLOAT, [1.0] * 6)]))
    invalid("raw_short", with_tensor(tensor("w", FLOAT, [2], s(9, bytes(7)))), "7 bytes of raw_data where a float32")
    invalid("raw_long", with_tensor(tensor("w", FLOAT, [2], s(9, bytes(12)))), "12 bytes of raw_data")
    invalid("raw_empty", with_tensor(tensor("w", FLOAT, [128], s(9, b""))), "0 bytes of raw_data")
    invalid("no_data", with_tensor(tensor("w", FLOAT, [2], b"")), "0 numbers of data")
    invalid("typed_short", with_tensor(tensor("w", FLOAT, [2], f(4, 1.0))), "1 numbers of data")
    invalid("typed_long", with_tensor(tensor("w", FLOAT, [2], f(4, 1.0) * 3)), "3 numbers of data")
    invalid("typed_not_whole", with_tensor(tensor("w", FLOAT, [2], s(4, bytes(9)))), "end in the middle")
    invalid(
        "raw_and_typed",
        with_tensor(tensor("w", FLOAT, [2], raw(FLOAT, [1.0, 2.0]) + f(4, 1.0))),
        "both raw_data and float_data",
    )
    invalid("int32_data_of_float", with_tensor(tensor("w", FLOAT, [2], i(5, 1) * 2)), "int32_data in a float32 tensor")
    invalid("float_data_of_int64", with_tensor(tensor("w", INT64, [2], f(4, 1.0) * 2)), "float_data in a int64 tensor")
    invalid("int8_300", with_tensor(tensor("w", INT8, [2], i(5, 1) + i(5, 300))), "element 1 is 300")
    invalid("bool_2", with_tensor(tensor("w", BOOL, [2], i(5, 1) + i(5, 2))), "element 1 is 2")
    invalid("bool_raw_255", with_tensor(tensor("w", BOOL, [2], s(9, b"\x01\xff"))), "bool 1 is 255")
    invalid("int4_too_many", with_tensor(tensor("w", INT4, [3], s(9, bytes(3)))), "3 bytes of raw_data where a int4")
    ok(
        "int4_odd",
        one(
            "DequantizeLinear",
            ["w", "s"],
            initializers=[tensor("w", INT4, [3], s(9, b"\x21\x03")), scalar("s", FLOAT, 0.5)],
            opset=21,
        ),
    )
    for data_type in (0, -1, 9999):
        invalid(
            f"data_type_{data_type}",
            with_tensor(tensor("w", data_type, [2], s(9, bytes(8)))),
            f"element type {data_type}, which does not exist",
        )
    for data_type, name in ((8, "string"), (14, "complex64"), (17, "float8e4m3fn"), (23, "float4e2m1"), (26, "int2")):
        unsupported(
            f"data_type_{name}",
            with_tensor(tensor("w", data_type, [2], s(9, bytes(8)))),
            f"element type {name}, which is not supported",
        )
    unsupported("strings", with_tensor(tensor("w", STRING, [2], s(6, "a") + s(6, "b"))), "element type string")
    unsupported("segment", with_tensor(floats("w", [2]) + s(3, i(1, 0) + i(2, 1))), "segments")
    invalid("no_name", with_tensor(i(1, 2) + i(2, FLOAT) + raw(FLOAT, [1.0, 2.0])), "an initializer has no name")
    unsupported(
        "sparse", model(graph([node("Relu", ["x"], ["y"])], [X], [Y], extra=s(15, s(1, floats("w", [1]))))), "sparse"
    )
    invalid(
        "two_of_a_name",
        model(
            graph(
                [node("Add", ["x", "w"], ["y"])],
                [value("x", FLOAT, [2])],
                [value("y", FLOAT, [2])],
                [floats("w", [2])] * 2,
            )
        ),
        "two initializers are named 'w'",
    )
    ok("unused", model(graph([node("Relu", ["x"], ["y"])], [X], [Y], [floats("w", [1000])])))


def external():
    def at(*entries):
        data = b"".join(s(13, s(1, k) + s(2, v)) for k, v in entries)
        return with_tensor(tensor("w", FLOAT, [2], data + i(14, 1)))

    for name, path, why in (
        ("parent", "../x", '".."'),
        ("inner_parent", "a/../../x", '".."'),
        ("absolute", "/etc/passwd", "relative"),
        ("backslash", "..\\x", "backslash"),
        ("drive", "C:x", "drive"),
        ("unc", "\\\\host\\x", "backslash"),
        ("empty", "", "empty"),
        ("dot", ".", "empty component"),
        ("folder", "a//x", ""),
        ("dots", "..", '".."'),
        ("ends_with_slash", "a/", ""),
        ("proc", "/proc/self/environ", "relative"),
    ):
        code = "IO" if name in ("folder", "ends_with_slash") else "INVALID_MODEL"
        case(f"external_{name}", at(("location", path)), code, why)
    invalid("external_zero_byte", at(("location", "x\0y")), "zero byte")
    case("external_absent", at(("location", "absent.bin")), "IO", "cannot open external file 'absent.bin'")
    invalid("external_no_location", at(), "no location")
    here = ("location", "weights.bin")
    ok("external_good", at(here, ("offset", "8"), ("length", "8"), ("checksum", "0")))
    for name, entry, why in (
        ("offset_negative", ("offset", "-1"), "offset '-1'"),
        ("offset_text", ("offset", "ten"), "offset 'ten'"),
        ("offset_overflow", ("offset", "18446744073709551616"), "is no number of bytes"),
        ("offset_beyond", ("offset", "18446744073709551615"), "8 bytes at offset"),
        ("length_wrong", ("length", "4"), "4 bytes where"),
        ("length_negative", ("length", "-8"), "length '-8'"),
        ("key_unknown", ("basepath", "/"), "key 'basepath'"),
        ("key_twice", here, "key 'location'"),
    ):
        invalid(f"external_{name}", at(here, entry), why)
    invalid(
        "external_and_raw",
        with_tensor(floats("w", [2]) + s(13, s(1, "location") + s(2, "weights.bin")) + i(14, 1)),
        "both external data and data",
    )
    invalid("external_location_2", with_tensor(floats("w", [2]) + i(14, 2)), "data_location 2")
    invalid(
        "external_of_attribute",
        one("Constant", [], value=tensor("", FLOAT, [2], s(13, s(1, "location") + s(2, "../x")) + i(14, 1))),
        "'../x' is refused",
    )


def names():
    def named(name):
        return model(graph([node("Relu", ["x"], [name])], [X], [value(name, FLOAT, [2, 3])]))

    invalid("name_not_utf8", named(b"\xff\xfe"), "not UTF-8 or has a zero byte")
    invalid("name_zero_byte", named(b"a\0b"), "not UTF-8 or has a zero byte")
    limit("name_long", named("n" * 5000), "has 5000 bytes, the limit is 4096")
    ok("name_printf", named("%n%s%d"))
    ok("name_unicode", named("Größe 大きさ"))
    unsupported("name_escape", one("\x1b[31mRelu"), "operator \\x1b[31mRelu")
    unsupported("op_empty", one(""), "operator  at opset 13 is not supported")
    limit("op_long", one("R" * 5000), "operator type 'RRR")
    invalid(
        "input_no_name", model(graph([node("Relu", ["x"], ["y"])], [X, value("")], [Y])), "a graph input has no name"
    )
    invalid(
        "output_no_name", model(graph([node("Relu", ["x"], ["y"])], [X], [value("")])), "a graph output has no name"
    )


def structure():
    relu = node("Relu", ["x"], ["y"])
    invalid(
        "cycle_2",
        model(
            graph([node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second")], [X], [value("b")])
        ),
        "cycle of 2 nodes: node 'first' (Add) reads node 'second' (Relu) reads node 'first'",
    )
    invalid("cycle_self", one("Relu", ["y"]), "cycle of 1 nodes: node 'n' (Relu) reads node 'n' (Relu)")
    long = [node("Relu", [f"v{(k + 9) % 10}"], [f"v{k}"], f"n{k}") for k in range(10)]
    invalid("cycle_10", model(graph(long, [X], [value("v0", FLOAT, [2, 3])])), "cycle of 10 nodes")
    ok("not_sorted", model(graph([node("Relu", ["a"], ["y"]), node("Neg", ["x"], ["a"])], [X], [Y])))
    invalid("undefined_input", one("Relu", ["ghost"]), "node 'n' (Relu): input 'ghost' is not made by any node")
    invalid(
        "undefined_output",
        model(graph([relu], [X], [value("ghost", FLOAT, [2, 3])])),
        "graph output 'ghost' is not made",
    )
    invalid(
        "output_twice_made",
        model(graph([relu, node("Neg", ["x"], ["y"], "m")], [X], [Y])),
        "node 'm' (Neg): output 'y' is already made by node 'n' (Relu)",
    )
    invalid("output_twice_listed", model(graph([relu], [X], [Y, Y])), "graph output 'y' is listed twice")
    invalid("output_of_node_twice", one("Split", outputs=["y", "y"], axis=1), "output 'y' is already made by")
    invalid("input_twice_listed", model(graph([relu], [X, X], [Y])), "graph input 'x' is listed twice")
    invalid("input_made_by_node", model(graph([relu], [X, Y], [Y])), "output 'y' is also a graph input")
    invalid(
        "initializer_made_by_node",
        model(graph([relu], [X], [Y], [floats("y", [2, 3])])),
        "output 'y' is also a graph initializer",
    )
    ok("input_is_output", model(graph([relu], [X], [Y, X])))
    unsupported(
        "unknown_op", one("Frobnicate"), "node 'n' (Frobnicate): operator Frobnicate at opset 13 is not supported"
    )
    unsupported("unknown_domain", one("Relu", domain="com.example"), "operator Relu of domain 'com.example'")
    unsupported("op_too_new", one("Mish", opset=13), "operator Mish at opset 13 is not supported, only at 18")
    unsupported(
        "op_too_old",
        one("Upsample", ["x", "s"], initializers=[floats("s", [2])], opset=13),
        "operator Upsample at opset 13",
    )
    unsupported("internal_op", one("QGemm", domain="ai.octavo"), "'ai.octavo'")
    body = graph([node("Relu", ["x"], ["z"])], [], [value("z", FLOAT, [2, 3])])
    branch = s(1, "then_branch") + s(6, body) + i(20, 5)
    unsupported(
        "if",
        model(graph([node("If", ["c"], ["y"], extra=s(5, branch))], [value("c", BOOL, [])], [Y])),
        "node 'n' (If): attribute 'then_branch' is a graph; control flow",
    )
    deep = body
    for _ in range(1000):
        deep = graph(
            [node("If", ["c"], ["z"], extra=s(5, s(1, "then_branch") + s(6, deep) + i(20, 5)))], [], [value("z")]
        )
    unsupported("if_nested_1000", model(deep), "control flow")
    unsupported(
        "graphs",
        model(graph([node("Relu", ["x"], ["y"], extra=s(5, s(1, "g") + s(11, body) + i(20, 10)))], [X], [Y])),
        "control flow",
    )
    unsupported(
        "function_call",
        model(graph([node("Relu", ["x"], ["y"], extra=s(8, "overload"))], [X], [Y])),
        "model-local function",
    )
    for kind, field in (("sequence", 4), ("map", 5), ("sparse tensor", 8), ("optional", 9)):
        unsupported(
            "type_" + kind.replace(" ", "_"),
            model(graph([relu], [s(1, "x") + s(2, s(field, b""))], [Y])),
            f"'x' is {'a ' if kind != 'optional' else ''}{kind}",
        )
    invalid("input_no_type", model(graph([relu], [s(1, "x")], [Y])), "graph input 'x' has element type undefined")
    unsupported("input_of_strings", model(graph([relu], [value("x", STRING, [2])], [Y])), "element type string")
    invalid(
        "input_type_99",
        model(graph([relu], [value("x", 99, [2])], [Y])),
        "graph input 'x' has element type 99, which does not exist",
    )
    invalid("input_dim_negative", model(graph([relu], [value("x", FLOAT, [-5])], [Y])), "has the dimension -5")
    ok("input_dim_minus_1", model(graph([relu], [value("x", FLOAT, [-1, 3])], [value("y", FLOAT, ["batch", 3])])))
    limit("input_rank_9", model(graph([relu], [value("x", FLOAT, [1] * 9)], [Y])), "more than 8 dimensions")
    limit("input_huge", model(graph([relu], [value("x", FLOAT, [1 << 40, 1 << 40])], [value("y")])), "graph input 'x'")
    invalid(
        "stated_shape",
        model(graph([relu], [X], [value("y", FLOAT, [3, 2])])),
        "output 'y' has shape [2, 3], but the model states [3, 2]",
    )
    invalid("stated_rank", model(graph([relu], [X], [value("y", FLOAT, [6])])), "but the model states [6]")
    invalid(
        "stated_type",
        model(graph([relu], [X], [value("y", INT8, [2, 3])])),
        "output 'y' is float32, but the model states int8",
    )
    inner = graph(
        [node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["y"], "m")], [X], [Y], extra=s(13, value("a", FLOAT, [2, 4]))
    )
    invalid("stated_inner_shape", model(inner), "output 'a' has shape [2, 3], but the model states [2, 4]")
    ok("stated_of_nothing", model(graph([relu], [X], [Y], extra=s(13, value("gone", FLOAT, [7])))))
    ok(
        "input_is_output_stated_closer",
        model(graph([relu], [value("x", FLOAT, [2, "n"])], [Y, value("x", FLOAT, [2, 7])])),
    )
    ok("shape_symbols", model(graph([relu], [value("x", FLOAT, ["N", 3])], [value("y", FLOAT, ["M", 3])])))


def arity():
    invalid("inputs_missing", one("Conv"), "1 inputs where 2 to 3 are allowed")
    invalid("inputs_none", one("Relu", []), "0 inputs where 1 are allowed")
    invalid("inputs_extra", one("Relu", ["x", "x"]), "2 inputs where 1 are allowed")
    invalid("input_left_out", one("Gemm", ["", "x"]), "input 0 is left out but required")
    invalid("concat_left_out", one("Concat", ["x", "", "x"], axis=0), "input 1 is left out")
    invalid("outputs_none", one("Relu", outputs=[]), "0 outputs where 1 are allowed")
    invalid("outputs_extra", one("Relu", outputs=["y", "z"]), "2 outputs where 1 are allowed")
    invalid("outputs_left_out", one("Relu", outputs=[""]), "all outputs are left out")
    ok("optional_left_out", one("Clip", ["x", "", "hi"], initializers=[scalar("hi", FLOAT, 6.0)]))

    def attr(data):
        return model(graph([node("Flatten", ["x"], ["y"], extra=s(5, data))], [X], [s(1, "y")]))

    invalid("attribute_unknown", one("Flatten", axes=1), "Flatten has no attribute 'axes'; it has axis")
    invalid(
        "attribute_twice",
        model(graph([node("Flatten", ["x"], ["y"], extra=s(5, attribute("axis", 1)) * 2)], [X], [s(1, "y")])),
        "'axis' stands twice",
    )
    invalid("attribute_wrong_type", one("Flatten", axis=1.0), "'axis' is a float, not an int")
    invalid("attribute_no_type", attr(s(1, "axis") + i(3, 1)), "attribute 'axis' does not state its type")
    invalid("attribute_other_content", attr(s(1, "axis") + f(2, 1.0) + i(20, 2)), "'axis' holds something else")
    invalid("attribute_type_99", attr(s(1, "axis") + i(3, 1) + i(20, 99)), "'axis' has type 99")
    unsupported("attribute_type_proto", attr(s(1, "axis") + i(20, 13)), "'axis' has type 13")
    invalid("attribute_reference", attr(s(1, "axis") + s(21, "outer") + i(20, 2)), "refers to a function's")
    invalid("attribute_missing", one("Concat", ["x", "x"]), "required attribute 'axis' is missing")
    invalid("attribute_tensor_empty", one("Constant", [], value=b""), "element type 0")
    invalid(
        "attribute_tensor_twice",
        model(
            graph(
                [node("Constant", [], ["y"], extra=s(5, s(1, "value") + s(5, floats("", [1])) * 2 + i(20, 4)))],
                [],
                [s(1, "y")],
            )
        ),
        "it stands twice",
    )
    invalid("constant_without_value", one("Constant", []), "node 'n' (Constant): ")
    invalid("list_of_10000", one("Transpose", perm=[0] * 10000), "node 'n' (Transpose): ")


def convolution():
    w = floats("w", [4, 2, 3, 3])

    def conv(x=(1, 2, 8, 8), weights=w, bias=None, **attributes):
        extra = [] if bias is None else [floats("b", bias)]
        return one("Conv", ["x", "w"] + ["b"] * len(extra), x, [weights] + extra, **attributes)

    ok("conv_good", conv(pads=[1, 1, 1, 1]))
    for name in ("strides", "dilations", "kernel_shape"):
        for number in (0, -1, 1 << 62):
            case(f"conv_{name}_{number}", conv(**{name: [number, 1]}), "INVALID_MODEL", "node 'n' (Conv): ")
        invalid(f"conv_{name}_length", conv(**{name: [1, 1, 1]}), "node 'n' (Conv): ")
    invalid("conv_pads_2_62", conv(pads=[1 << 62, 1 << 62, 1 << 62, 1 << 62]), "node 'n' (Conv): ")
    invalid("conv_pads_minus_2_62", conv(pads=[-(1 << 62)] * 4), "node 'n' (Conv): ")
    invalid("conv_pads_length", conv(pads=[1, 1]), "node 'n' (Conv): ")
    for group in (0, -1, 3, 1 << 62):
        invalid(f"conv_group_{group}", conv(group=group), "node 'n' (Conv): ")
    invalid("conv_auto_pad", conv(auto_pad="SOMETIMES"), "SOMETIMES")
    invalid("conv_weight_rank", conv(weights=floats("w", [4, 2, 3])), "node 'n' (Conv): ")
    invalid("conv_weight_scalar", conv(weights=scalar("w", FLOAT, 1.0)), "node 'n' (Conv): ")
    invalid("conv_channels", conv(x=(1, 3, 8, 8)), "node 'n' (Conv): ")
    invalid("conv_bias_length", conv(bias=[5]), "node 'n' (Conv): ")
    invalid("conv_bias_rank", conv(bias=[4, 1]), "node 'n' (Conv): ")
    invalid("conv_kernel_too_large", conv(x=(1, 2, 2, 2)), "node 'n' (Conv): ")
    invalid("conv_weight_type", conv(weights=tensor("w", INT8, [4, 2, 3, 3], s(9, bytes(72)))), "node 'n' (Conv): ")
    invalid("conv_weight_empty", conv(weights=tensor("w", FLOAT, [4, 2, 0, 3], b"")), "node 'n' (Conv): ")
    ok("conv_batch_0", conv(x=(0, 2, 8, 8)))
    pool = {"kernel_shape": [2, 2]}
    ok("pool_good", one("MaxPool", dims=(1, 1, 4, 4), **pool))
    invalid("pool_stride_0", one("MaxPool", dims=(1, 1, 4, 4), strides=[0, 1], **pool), "node 'n' (MaxPool): ")
    invalid("pool_kernel_0", one("MaxPool", dims=(1, 1, 4, 4), kernel_shape=[0, 2]), "node 'n' (MaxPool): ")
    invalid("pool_kernel_missing", one("AveragePool", dims=(1, 1, 4, 4)), "kernel_shape")
    ok("pool_pads_as_large_as_kernel", one("AveragePool", dims=(1, 1, 4, 4), pads=[2, 2, 2, 2], **pool))
    invalid("pool_rank_2", one("MaxPool", dims=(4, 4), **pool), "node 'n' (MaxPool): ")
    invalid(
        "transpose_conv_output_padding",
        one("ConvTranspose", ["x", "w"], (1, 4, 8, 8), [w], output_padding=[5, 5]),
        "node 'n' (ConvTranspose): ",
    )


def shapes():
    lowest = -(1 << 63)
    for op in ("Softmax", "Concat", "Flatten", "Gather", "Split", "ArgMax", "ReduceSum", "Squeeze", "Unsqueeze"):
        for axis in (3, -4, -100000, lowest):
            inputs = ["x", "x"] if op == "Concat" else ["x"]
            initializers, attributes = [], {"axis": axis}
            if op == "Gather":
                inputs, initializers = ["x", "w"], [ints("w", [0])]
            if op in ("ReduceSum", "Squeeze", "Unsqueeze"):
                inputs, initializers, attributes = (
                    ["x", "w"],
                    [ints("w", [axis if op != "Unsqueeze" else axis + (4 if axis == 3 else 0)])],
                    {},
                )
            if op == "Flatten" and axis == -4 or op == "Unsqueeze" and axis == -4:
                continue
            code = "INVALID_MODEL"
            case(f"axis_{op}_{axis}", one(op, inputs, (2, 3), initializers, **attributes), code, f"node 'n' ({op}): ")
    invalid("axes_twice", one("Squeeze", ["x", "w"], (1, 1), [ints("w", [0, 0])]), "node 'n' (Squeeze): ")
    invalid(
        "axes_unsqueeze_twice", one("Unsqueeze", ["x", "w"], (1, 1), [ints("w", [0, -4])]), "node 'n' (Unsqueeze): "
    )
    invalid("squeeze_not_1", one("Squeeze", ["x", "w"], (2, 3), [ints("w", [0])]), "node 'n' (Squeeze): ")
    for name, perm in (
        ("twice", [0, 0]),
        ("short", [0]),
        ("long", [0, 1, 2]),
        ("outside", [0, 2]),
        ("negative", [-1, 0]),
    ):
        invalid(f"perm_{name}", one("Transpose", perm=perm), "node 'n' (Transpose): ")
    for name, target, dims in (
        ("two_open", [-1, -1], (2, 3)),
        ("zero_past_rank", [6, 1, 0], (2, 3)),
        ("mismatch", [4, 2], (2, 3)),
        ("minus_2", [-2, 3], (2, 3)),
        ("not_dividing", [-1, 4], (2, 3)),
    ):
        invalid(f"reshape_{name}", one("Reshape", ["x", "w"], dims, [ints("w", target)]), "node 'n' (Reshape): ")
    limit(
        "reshape_overflow", one("Reshape", ["x", "w"], (2, 3), [ints("w", [1 << 62, 1 << 62])]), "node 'n' (Reshape): "
    )
    limit(
        "reshape_nothing_to_huge",
        one("Reshape", ["x", "w"], (0, 3), [ints("w", [0, (1 << 62) + 3])]),
        "node 'n' (Reshape): ",
    )
    ok("reshape_open_of_nothing", one("Reshape", ["x", "w"], (0, 3), [ints("w", [0, -1])]))
    invalid("reshape_target_float", one("Reshape", ["x", "w"], (2, 3), [floats("w", [2])]), "node 'n' (Reshape): ")
    invalid(
        "reshape_target_rank_2",
        one("Reshape", ["x", "w"], (2, 3), [tensor("w", INT64, [1, 2], raw(INT64, [3, 2]))]),
        "node 'n' (Reshape): ",
    )
    case(
        "reshape_target_long",
        one("Reshape", ["x", "w"], (2, 3), [ints("w", [1] * 1000)]),
        "LIMIT",
        "node 'n' (Reshape): ",
    )

    def slice_(starts, ends, axes, steps):
        return one(
            "Slice",
            ["x", "a", "b", "c", "d"],
            (2, 3),
            [ints("a", starts), ints("b", ends), ints("c", axes), ints("d", steps)],
        )

    invalid("slice_step_0", slice_([0], [2], [0], [0]), "node 'n' (Slice): ")
    ok("slice_extremes", slice_([(1 << 63) - 1], [lowest], [1], [lowest]))
    invalid("slice_axis", slice_([0], [2], [5], [1]), "node 'n' (Slice): ")
    invalid("slice_axes_twice", slice_([0, 0], [1, 1], [0, 0], [1, 1]), "node 'n' (Slice): ")
    invalid("slice_lengths", slice_([0, 0], [1], [0], [1]), "node 'n' (Slice): ")
    for name, parts in (("sum", [1, 1]), ("negative", [4, -1]), ("count", [1, 1, 1])):
        invalid(
            f"split_{name}",
            one("Split", ["x", "w"], (2, 3), [ints("w", parts)], outputs=["y", "z"], axis=1),
            "node 'n' (Split): ",
        )
    invalid(
        "split_num_outputs",
        one("Split", dims=(2, 3), outputs=["y", "z"], axis=1, num_outputs=3, opset=18),
        "node 'n' (Split): ",
    )
    invalid(
        "gather_outside",
        model(
            graph(
                [node("Gather", ["w", "k"], ["g"], "pick"), node("Add", ["x", "g"], ["y"])],
                [value("x", FLOAT, [1])],
                [s(1, "y")],
                [floats("w", [3]), ints("k", [7])],
            )
        ),
        "node 'pick' (Gather): ",
    )
    invalid("gather_index_type", one("Gather", ["x", "w"], (2, 3), [floats("w", [1])]), "node 'n' (Gather): ")
    invalid("concat_dims", one("Concat", ["x", "w"], (2, 3), [floats("w", [3, 4])], axis=0), "node 'n' (Concat): ")
    invalid("concat_ranks", one("Concat", ["x", "w"], (2, 3), [floats("w", [3])], axis=0), "node 'n' (Concat): ")
    invalid(
        "concat_types",
        one("Concat", ["x", "w"], (2, 3), [tensor("w", INT8, [2, 3], s(9, bytes(6)))], axis=0),
        "node 'n' (Concat): ",
    )
    invalid("broadcast", one("Add", ["x", "w"], (2, 3), [floats("w", [2])]), "node 'n' (Add): ")
    ok("broadcast_empty", one("Add", ["x", "w"], (0, 3), [floats("w", [1, 3])]))
    invalid("broadcast_empty_and_2", one("Add", ["x", "w"], (0, 3), [floats("w", [2, 3])]), "node 'n' (Add): ")
    invalid("types_differ", one("Add", ["x", "w"], (2,), [ints("w", [1, 2])]), "node 'n' (Add): ")
    invalid("matmul_inner", one("MatMul", ["x", "w"], (2, 3), [floats("w", [4, 2])]), "node 'n' (MatMul): ")
    invalid("matmul_scalar", one("MatMul", ["x", "w"], (2, 3), [scalar("w", FLOAT, 1.0)]), "node 'n' (MatMul): ")
    invalid("gemm_rank", one("Gemm", ["x", "w"], (2, 3, 4), [floats("w", [4, 2])]), "node 'n' (Gemm): ")
    invalid(
        "gemm_bias", one("Gemm", ["x", "w", "b"], (2, 3), [floats("w", [3, 4]), floats("b", [5])]), "node 'n' (Gemm): "
    )
    four = floats("v", [4])
    invalid(
        "batch_norm_length",
        one("BatchNormalization", ["x", "v", "v", "v", "v"], (1, 3, 2, 2), [four]),
        "node 'n' (BatchNormalization): ",
    )
    for number in (0.0, -1.0, float("nan"), float("inf"), 1e30):
        case(
            f"resize_scale_{number}",
            one("Resize", ["x", "", "s"], (1, 1, 4, 4), [floats("s", [4], [1.0, 1.0, number, 1.0])]),
            "LIMIT" if number == 1e30 else "INVALID_MODEL",
            "node 'n' (Resize): ",
        )
    invalid(
        "resize_scales_length", one("Resize", ["x", "", "s"], (1, 1, 4, 4), [floats("s", [3])]), "node 'n' (Resize): "
    )
    invalid("resize_nothing", one("Resize", ["x"], (1, 1, 4, 4)), "node 'n' (Resize): ")
    invalid("resize_mode", one("Resize", ["x", "", "s"], (1, 1, 4, 4), [floats("s", [4])], mode="fuzzy"), "fuzzy")
    for op in ("SpaceToDepth", "DepthToSpace"):
        for block in (0, -1, 3, 1 << 16, 1 << 32):
            invalid(f"block_{op}_{block}", one(op, dims=(1, 4, 4, 4), blocksize=block), f"node 'n' ({op}): ")
    invalid("cast_to_nothing", one("Cast", to=9999), "node 'n' (Cast): ")
    case("cast_to_string", one("Cast", to=STRING), "UNSUPPORTED", "node 'n' (Cast): ")
    invalid(
        "topk_k_too_large", one("TopK", ["x", "k"], (2, 3), [ints("k", [4])], outputs=["y", "z"]), "node 'n' (TopK): "
    )
    invalid(
        "topk_k_negative", one("TopK", ["x", "k"], (2, 3), [ints("k", [-1])], outputs=["y", "z"]), "node 'n' (TopK): "
    )
    invalid("pad_length", one("Pad", ["x", "p"], (2, 3), [ints("p", [1, 1])]), "node 'n' (Pad): ")
    invalid("pad_below_0", one("Pad", ["x", "p"], (2, 3), [ints("p", [-2, 0, -2, 0])]), "node 'n' (Pad): ")
    invalid("expand", one("Expand", ["x", "w"], (2, 3), [ints("w", [4, 3])]), "node 'n' (Expand): ")
    invalid("expand_negative", one("Expand", ["x", "w"], (2, 3), [ints("w", [-1, 3])]), "node 'n' (Expand): ")
    invalid("tile_negative", one("Tile", ["x", "w"], (2, 3), [ints("w", [-1, 3])]), "node 'n' (Tile): ")
    invalid("einsum", one("Einsum", dims=(2, 3), equation="ij,jk->ik"), "node 'n' (Einsum): ")


def amplification():
    """A few bytes that ask for very much: refused, or left for the run, but never allocated."""

    def fill(dims):
        return model(
            graph(
                [node("ConstantOfShape", ["w"], ["c"]), node("Add", ["x", "c"], ["y"], "m")],
                [value("x", FLOAT, [1])],
                [s(1, "y")],
                [ints("w", dims)],
            )
        )

    ok("fill_2_40", fill([1 << 20, 1 << 20]))
    limit("fill_2_80", fill([1 << 40, 1 << 40]), "node 'n' (ConstantOfShape): ")
    limit("tile_2_80", one("Tile", ["x", "w"], (2, 3), [ints("w", [1 << 40, 1 << 40])]), "node 'n' (Tile): ")
    limit("tile_int64_max", one("Tile", ["x", "w"], (2, 3), [ints("w", [(1 << 63) - 1, 1])]), "node 'n' (Tile): ")
    limit("expand_2_80", one("Expand", ["x", "w"], (1, 1), [ints("w", [1 << 40, 1 << 40])]), "node 'n' (Expand): ")
    invalid("pad_2_62", one("Pad", ["x", "p"], (2, 3), [ints("p", [1 << 62, 0, 1 << 62, 0])]), "node 'n' (Pad): ")
    ok(
        "range_2_40",
        model(
            graph(
                [node("Range", ["a", "b", "c"], ["r"]), node("Add", ["x", "r"], ["y"], "m")],
                [value("x", INT64, [1])],
                [s(1, "y")],
                [scalar("a", INT64, 0), scalar("b", INT64, 1 << 40), scalar("c", INT64, 1)],
            )
        ),
    )
    case(
        "range_step_0",
        one(
            "Range", ["a", "b", "c"], initializers=[scalar("a", INT64, 0), scalar("b", INT64, 5), scalar("c", INT64, 0)]
        ),
        "INVALID_MODEL",
        "node 'n' (Range): ",
    )
    chain = [node("Concat", [f"v{k}"] * 2, [f"v{k + 1}"], f"n{k}", axis=0) for k in range(70)]
    limit("doubling_70", model(graph(chain, [value("v0", FLOAT, [1])], [s(1, "v70")])), "(Concat): ")
    doubled = [node("Concat", [f"v{k}"] * 2, [f"v{k + 1}"], f"n{k}", axis=0) for k in range(40)]
    ok(
        "doubling_40_of_constants",
        model(
            graph(
                doubled + [node("Add", ["x", "v40"], ["y"])], [value("x", FLOAT, [1])], [s(1, "y")], [floats("v0", [1])]
            )
        ),
    )
    limit(
        "nodes_2001",
        model(
            graph(
                [node("Relu", ["x" if k == 0 else f"v{k}"], [f"v{k + 1}"], "") for k in range(2001)],
                [X],
                [value("v2001")],
            )
        ),
        "2001 nodes, the limit is 2000",
    )


def arithmetic():
    def folded(op, dtype, a, b, **attributes):
        return model(
            graph(
                [node(op, ["a", "b"], ["c"], **attributes), node("Add", ["x", "c"], ["y"], "m")],
                [value("x", dtype, [1])],
                [s(1, "y")],
                [ints("a", [a], dtype), ints("b", [b], dtype)],
            )
        )

    ok("div_by_0", folded("Div", INT32, 1, 0))  # has a defined result, as all of these
    ok("div_int_min", folded("Div", INT32, -(1 << 31), -1))
    ok("mod_by_0", folded("Mod", INT64, 1, 0))
    ok("mod_int_min", folded("Mod", INT64, -(1 << 63), -1))


def quantization():
    def q(op, scale, zero=None, dims=(2, 3), opset=13, dtype=FLOAT, **attributes):
        extra = [] if zero is None else [zero]
        return one(op, ["x", "s"] + ["z"] * len(extra), dims, [scale] + extra, opset, dtype, **attributes)

    good = scalar("s", FLOAT, 0.5)
    ok("q_good", q("QuantizeLinear", good, scalar("z", UINT8, 128)))
    ok("q_no_zero_point", q("QuantizeLinear", good))
    for number in (0.0, -1.0, float("nan"), float("inf")):
        invalid(f"q_scale_{number}", q("QuantizeLinear", scalar("s", FLOAT, number)), "node 'n' (QuantizeLinear): ")
        invalid(
            f"dq_scale_{number}",
            q("DequantizeLinear", scalar("s", FLOAT, number), dtype=UINT8),
            "node 'n' (DequantizeLinear): ",
        )
    ok("q_scale_denormal", q("QuantizeLinear", scalar("s", FLOAT, 1e-45)))
    ok("q_scale_largest", q("QuantizeLinear", scalar("s", FLOAT, 3.4028234e38)))
    invalid("q_scale_length", q("QuantizeLinear", floats("s", [4]), axis=1), "node 'n' (QuantizeLinear): ")
    invalid(
        "q_zero_length",
        q("QuantizeLinear", floats("s", [3]), ints("z", [0, 0], UINT8), axis=1),
        "node 'n' (QuantizeLinear): ",
    )
    invalid("q_zero_type", q("QuantizeLinear", good, scalar("z", INT64, 0)), "node 'n' (QuantizeLinear): ")
    invalid("q_zero_float", q("QuantizeLinear", good, scalar("z", FLOAT, 0.0)), "node 'n' (QuantizeLinear): ")
    invalid(
        "dq_zero_type", q("DequantizeLinear", good, scalar("z", INT8, 0), dtype=UINT8), "node 'n' (DequantizeLinear): "
    )
    invalid("dq_of_float", q("DequantizeLinear", good), "node 'n' (DequantizeLinear): ")
    for axis in (2, -3, -(1 << 63)):
        invalid(f"q_axis_{axis}", q("QuantizeLinear", floats("s", [3]), axis=axis), "node 'n' (QuantizeLinear): ")
    ok("q_block_larger_than_axis", q("QuantizeLinear", floats("s", [2, 1]), axis=1, block_size=1 << 62, opset=21))
    for block in (-1, 2):
        invalid(
            f"q_block_{block}",
            q("QuantizeLinear", floats("s", [2, 1]), axis=1, block_size=block, opset=21),
            "node 'n' (QuantizeLinear): ",
        )
    invalid(
        "q_block_rank",
        q("QuantizeLinear", floats("s", [3]), axis=1, block_size=3, opset=21),
        "node 'n' (QuantizeLinear): ",
    )
    eight = [tensor("w", UINT8, [3, 2], s(9, bytes(6))), good]
    invalid(
        "qlinear_matmul_inputs",
        one("QLinearMatMul", ["x", "s", "z", "w"], (2, 3), eight, dtype=UINT8),
        "4 inputs where 8 are allowed",
    )
    invalid(
        "conv_integer_types",
        one("ConvInteger", ["x", "w"], (1, 1, 4, 4), [floats("w", [1, 1, 3, 3])], dtype=UINT8),
        "node 'n' (ConvInteger): ",
    )


def main():
    for group in (
        container,
        wire,
        header,
        tensors,
        external,
        names,
        structure,
        arity,
        convolution,
        shapes,
        amplification,
        arithmetic,
        quantization,
    ):
        group()
    for old in HERE.glob("*.onnx"):
        old.unlink()
    lines = ["# file\tcode\tfragment of the message; written by generate.py"]
    seen = set()
    for name, data, code, fragment in CASES:
        name = name.replace("-", "minus_").replace("+", "")
        assert name.lower() not in seen, name
        seen.add(name.lower())
        assert len(data) <= 65536, (name, len(data))
        (HERE / f"{name}.onnx").write_bytes(data)
        lines.append(f"{name}.onnx\t{code}\t{fragment}")
    (HERE / "weights.bin").write_bytes(struct.pack("<4f", 1, 2, 3, 4))
    (HERE / "expected.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(CASES)} files, {sum(len(c[1]) for c in CASES)} bytes")


if __name__ == "__main__":
    main()
