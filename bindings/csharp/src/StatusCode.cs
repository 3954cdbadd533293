using Octavo.Interop;

namespace Octavo
{
    /// <summary>Why a call failed: the octavo_status of the C library. 1 to 63 are the caller's mistake, 64 to 127 the
    /// data's, 128 to 191 the machine's, 192 to 255 the caller's own wish. New values may appear in these ranges: treat
    /// an unknown one by its range.</summary>
    public enum StatusCode
    {
        /// <summary>Success.</summary>
        Ok = octavo_status_code.OCTAVO_OK,
        /// <summary>An argument is wrong: null, dtype, shape, range.</summary>
        InvalidArgument = octavo_status_code.OCTAVO_INVALID_ARGUMENT,
        /// <summary>The object cannot do this now.</summary>
        InvalidState = octavo_status_code.OCTAVO_INVALID_STATE,
        /// <summary>No such name, key or target.</summary>
        NotFound = octavo_status_code.OCTAVO_NOT_FOUND,
        /// <summary>Malformed or contradictory model file.</summary>
        InvalidModel = octavo_status_code.OCTAVO_INVALID_MODEL,
        /// <summary>Well formed, but not something this library does.</summary>
        Unsupported = octavo_status_code.OCTAVO_UNSUPPORTED,
        /// <summary>Malformed statistics or recipe.</summary>
        InvalidData = octavo_status_code.OCTAVO_INVALID_DATA,
        /// <summary>Memory ran out.</summary>
        OutOfMemory = octavo_status_code.OCTAVO_OUT_OF_MEMORY,
        /// <summary>A file could not be opened, read or written.</summary>
        Io = octavo_status_code.OCTAVO_IO,
        /// <summary>A limit of the context would be exceeded.</summary>
        Limit = octavo_status_code.OCTAVO_LIMIT,
        /// <summary>A bug of the library: please report it.</summary>
        Internal = octavo_status_code.OCTAVO_INTERNAL,
        /// <summary>The object was inherited through fork().</summary>
        Forked = octavo_status_code.OCTAVO_FORKED,
        /// <summary>The work was cancelled, or a callback asked to stop.</summary>
        Cancelled = octavo_status_code.OCTAVO_CANCELLED
    }
}
