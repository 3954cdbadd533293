using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Octavo.Tests
{
    /// <summary>Writes small ONNX files: just enough protobuf for the tests.</summary>
    internal static class TinyModel
    {
        /// <summary>x: float32 [1, 3, 32, 32] -> Conv with 8 1x1 kernels, named `name` -> y.</summary>
        internal static byte[] Convolution(string name = "conv", string key = null, string value = null)
        {
            var weights = Enumerable.Range(0, 24).SelectMany(i => BitConverter.GetBytes((i % 5 - 2) / 4f)).ToArray();
            byte[] node = Join(Text(1, "x"), Text(1, "w"), Text(2, "y"), Text(3, name), Text(4, "Conv"));
            byte[] graph = Join(Bytes(1, node), Text(2, "g"), Bytes(5, Weights("w", weights, 8, 3, 1, 1)),
                                Bytes(11, Value("x", 1, 1, 3, 32, 32)), Bytes(12, Value("y", 1, 1, 8, 32, 32)));
            return File(graph, key, value);
        }

        /// <summary>a, b -> a + b and a - b, all int32 [4]: two inputs, two outputs.</summary>
        internal static byte[] TwoAndTwo()
        {
            byte[] nodes = Join(Bytes(1, Join(Text(1, "a"), Text(1, "b"), Text(2, "sum"), Text(4, "Add"))),
                                Bytes(1, Join(Text(1, "a"), Text(1, "b"), Text(2, "difference"), Text(4, "Sub"))));
            return File(Join(nodes, Text(2, "g"), Bytes(11, Value("a", 6, 4)), Bytes(11, Value("b", 6, 4)),
                             Bytes(12, Value("sum", 6, 4)), Bytes(12, Value("difference", 6, 4))), null, null);
        }

        /// <summary>x -> Not -> y, bool [n], n open.</summary>
        internal static byte[] Not()
        {
            return File(Join(Bytes(1, Join(Text(1, "x"), Text(2, "y"), Text(4, "Not"))), Text(2, "g"),
                             Bytes(11, Value("x", 9, -1)), Bytes(12, Value("y", 9, -1))), null, null);
        }

        private static byte[] File(byte[] graph, string key, string value)
        {
            byte[] metadata = key == null ? new byte[0] : Bytes(14, Join(Text(1, key), Text(2, value)));
            return Join(Number(1, 8), Bytes(7, graph), Bytes(8, Number(2, 17)), metadata);
        }

        private static byte[] Weights(string name, byte[] raw, params long[] dims)
        {
            return Join(dims.SelectMany(d => Number(1, d)).ToArray(), Number(2, 1), Text(8, name), Bytes(9, raw));
        }

        private static byte[] Value(string name, int dtype, params long[] dims)
        {
            byte[] shape = dims.SelectMany(d => Bytes(1, d < 0 ? Text(2, "n") : Number(1, d))).ToArray();
            return Join(Text(1, name), Bytes(2, Bytes(1, Join(Number(1, dtype), Bytes(2, shape)))));
        }

        private static byte[] Text(int field, string text) { return Bytes(field, Encoding.UTF8.GetBytes(text)); }

        private static byte[] Bytes(int field, byte[] bytes) { return Join(Varint(field << 3 | 2), Varint(bytes.Length), bytes); }

        private static byte[] Number(int field, long number) { return Join(Varint(field << 3), Varint(number)); }

        private static byte[] Varint(long number)
        {
            var bytes = new List<byte>();
            for (; number >= 0x80; number >>= 7) bytes.Add((byte)(number | 0x80));
            bytes.Add((byte)number);
            return bytes.ToArray();
        }

        private static byte[] Join(params byte[][] parts) { return parts.SelectMany(p => p).ToArray(); }
    }
}
