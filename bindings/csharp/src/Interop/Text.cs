using System;
using System.Text;

namespace Octavo.Interop
{
    /// <summary>UTF-8 across the border. The runtime's own string marshalling uses the system's code page.</summary>
    internal static unsafe class Text
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        /// <summary>The bytes of a C string; null stays null. Refuses what a C string cannot hold.</summary>
        internal static byte[] ToC(string text, string argument)
        {
            if (text == null) return null;
            if (text.IndexOf('\0') >= 0)
                throw OctavoException.Argument(argument + ": the text has a zero character");
            byte[] bytes = ToBytes(text, argument);
            Array.Resize(ref bytes, bytes.Length + 1);
            return bytes;
        }

        /// <summary>The same where the text must not be null.</summary>
        internal static byte[] Required(string text, string argument)
        {
            if (text == null) throw new ArgumentNullException(argument);
            return ToC(text, argument);
        }

        /// <summary>The UTF-8 bytes of a text whose size is handed over, too.</summary>
        internal static byte[] ToBytes(string text, string argument)
        {
            try
            {
                return Strict.GetBytes(text);
            }
            catch (EncoderFallbackException)
            {
                throw OctavoException.Argument(argument +
                                               ": the text has half of a surrogate pair, which UTF-8 cannot hold");
            }
        }

        /// <summary>A C string as text; null for address 0.</summary>
        internal static string FromC(IntPtr address)
        {
            if (address == IntPtr.Zero) return null;
            byte* bytes = (byte*)address;
            int length = 0;
            while (bytes[length] != 0) length++;
            return Encoding.UTF8.GetString(bytes, length);
        }

        /// <summary>The text in a buffer of the library, which is destroyed.</summary>
        internal static string FromBuffer(BufferHandle buffer)
        {
            using (buffer)
                return Encoding.UTF8.GetString((byte*)Native.octavo_buffer_data(buffer), SizeOf(buffer));
        }

        /// <summary>The bytes in a buffer of the library, which is destroyed.</summary>
        internal static byte[] BytesFromBuffer(BufferHandle buffer)
        {
            using (buffer)
                return new ReadOnlySpan<byte>((void*)Native.octavo_buffer_data(buffer), SizeOf(buffer)).ToArray();
        }

        private static int SizeOf(BufferHandle buffer)
        {
            ulong size = (ulong)Native.octavo_buffer_size(buffer);
            if (size > 0x7FFFFFC7) throw new OctavoException(StatusCode.Limit, size + " bytes are more than an array holds");
            return (int)size;
        }
    }
}
