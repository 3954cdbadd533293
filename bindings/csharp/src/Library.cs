using Octavo.Interop;

namespace Octavo
{
    /// <summary>The native library: its version and this machine's instruction sets.</summary>
    public static class Library
    {
        /// <summary>The release that runs: "0.1.0".</summary>
        public static string Version { get { return Text.FromC(Native.octavo_version_string()); } }

        /// <summary>The version of its binary interface.</summary>
        public static int AbiVersion { get { return Native.octavo_abi_version(); } }

        /// <summary>The instruction set that sessions use by default here: "avx3_dl", "avx2", "neon", ...</summary>
        public static string CpuTarget { get { return Text.FromC(Native.octavo_cpu_target()); } }

        /// <summary>The instruction sets that sessions can be asked for on this machine, best first. The last one is
        /// always "reference": the scalar definition of the arithmetic, slow and the same bytes.</summary>
        public static string[] CpuTargets
        {
            get
            {
                var targets = new string[(int)Native.octavo_cpu_target_count()];
                for (int i = 0; i < targets.Length; i++)
                    targets[i] = Text.FromC(Native.octavo_cpu_target_name((System.UIntPtr)(uint)i));
                return targets;
            }
        }
    }
}
