using System;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>Element types; the numbers are those of ONNX's TensorProto.DataType.</summary>
    public enum DType
    {
        /// <summary>None, or unknown.</summary>
        Undefined = octavo_dtype.OCTAVO_UNDEFINED,
        /// <summary>float.</summary>
        Float32 = octavo_dtype.OCTAVO_FLOAT32,
        /// <summary>byte.</summary>
        UInt8 = octavo_dtype.OCTAVO_UINT8,
        /// <summary>sbyte.</summary>
        Int8 = octavo_dtype.OCTAVO_INT8,
        /// <summary>ushort.</summary>
        UInt16 = octavo_dtype.OCTAVO_UINT16,
        /// <summary>short.</summary>
        Int16 = octavo_dtype.OCTAVO_INT16,
        /// <summary>int.</summary>
        Int32 = octavo_dtype.OCTAVO_INT32,
        /// <summary>long.</summary>
        Int64 = octavo_dtype.OCTAVO_INT64,
        /// <summary>bool, one byte: 0 or 1.</summary>
        Bool = octavo_dtype.OCTAVO_BOOL,
        /// <summary>16-bit float; its bits in C#'s ushort.</summary>
        Float16 = octavo_dtype.OCTAVO_FLOAT16,
        /// <summary>double.</summary>
        Float64 = octavo_dtype.OCTAVO_FLOAT64,
        /// <summary>uint.</summary>
        UInt32 = octavo_dtype.OCTAVO_UINT32,
        /// <summary>ulong.</summary>
        UInt64 = octavo_dtype.OCTAVO_UINT64,
        /// <summary>The upper half of a float32; its bits in C#'s ushort.</summary>
        BFloat16 = octavo_dtype.OCTAVO_BFLOAT16,
        /// <summary>4 bits without sign, two a byte, the first in the low half; in C#'s byte.</summary>
        UInt4 = octavo_dtype.OCTAVO_UINT4,
        /// <summary>4 bits with sign, two a byte, the first in the low half; in C#'s byte.</summary>
        Int4 = octavo_dtype.OCTAVO_INT4
    }

    /// <summary>What there is to know of element types.</summary>
    public static class DTypes
    {
        /// <summary>"float32", "uint8", ...; "undefined" for anything else.</summary>
        public static string Name(this DType dtype) { return Text.FromC(Native.octavo_dtype_name((int)dtype)); }

        /// <summary>Bits of one element: 32 for Float32, 4 for Int4; 0 for anything unknown.</summary>
        public static int Bits(this DType dtype) { return (int)Native.octavo_dtype_bits((int)dtype); }
    }

    /// <summary>The element type that T stands for, and T's bytes.</summary>
    internal static class Element<T> where T : struct
    {
        internal static readonly DType DType = Find();
        internal static readonly int Size = DType == DType.Undefined ? 0 : DType.Bits() / 8;

        /// <summary>Throws InvalidArgument if T is no element type.</summary>
        internal static void Check()
        {
            if (Size == 0)
                throw OctavoException.Argument("T: " + typeof(T) + " is no element type; allowed are float, double, bool " +
                                               "and the integers from sbyte and byte to long and ulong");
        }

        private static DType Find()
        {
            switch (Type.GetTypeCode(typeof(T)))
            {
                case TypeCode.Single: return DType.Float32;
                case TypeCode.Double: return DType.Float64;
                case TypeCode.Byte: return DType.UInt8;
                case TypeCode.SByte: return DType.Int8;
                case TypeCode.UInt16: return DType.UInt16;
                case TypeCode.Int16: return DType.Int16;
                case TypeCode.UInt32: return DType.UInt32;
                case TypeCode.Int32: return DType.Int32;
                case TypeCode.UInt64: return DType.UInt64;
                case TypeCode.Int64: return DType.Int64;
                case TypeCode.Boolean: return DType.Bool;
                default: return DType.Undefined;
            }
        }
    }
}
