// Retarget.exe IN.dll OUT.dll NETSTANDARD.dll: what mcs compiled against Mono's own libraries, referring to netstandard 2.0
// instead, so that it runs on .NET Core, .NET Framework and Mono alike. mcs cannot do it: it follows the type forwards of
// netstandard.dll. Refuses types that NETSTANDARD.dll, Mono's own of version 2.0, does not forward.
using System;
using System.Collections.Generic;
using System.Linq;
using Mono.Cecil;

internal static class Retarget
{
    // Of System.Memory, which netstandard 2.0 has as a package.
    private static readonly HashSet<string> Memory = new HashSet<string>
    {
        "System.Span`1", "System.ReadOnlySpan`1", "System.Memory`1", "System.ReadOnlyMemory`1", "System.Buffers.IPinnable",
        "System.Buffers.MemoryHandle", "System.Runtime.InteropServices.MemoryMarshal"
    };
    private static readonly HashSet<string> Mono = new HashSet<string> { "mscorlib", "System", "System.Core" };
    private static readonly byte[] Token = { 0xcc, 0x7b, 0x13, 0xff, 0xcd, 0x2d, 0xdd, 0x51 };

    private static int Main(string[] args)
    {
        var known = new HashSet<string>(ModuleDefinition.ReadModule(args[2]).ExportedTypes.Select(t => t.FullName));
        var netstandard = new AssemblyNameReference("netstandard", new Version(2, 0, 0, 0)) { PublicKeyToken = Token };
        var memory = new AssemblyNameReference("System.Memory", new Version(4, 0, 1, 1)) { PublicKeyToken = Token };

        ModuleDefinition module = ModuleDefinition.ReadModule(args[0]);
        module.AssemblyReferences.Add(netstandard);
        module.AssemblyReferences.Add(memory);
        foreach (TypeReference type in module.GetTypeReferences())
        {
            if (type.IsNested || !Mono.Contains(type.Scope.Name)) continue;
            if (!Memory.Contains(type.FullName) && !known.Contains(type.FullName))
            {
                Console.Error.WriteLine(args[0] + ": " + type.FullName + " is not in netstandard 2.0");
                return 1;
            }
            type.Scope = Memory.Contains(type.FullName) ? memory : netstandard;
        }
        foreach (AssemblyNameReference old in module.AssemblyReferences.Where(r => Mono.Contains(r.Name)).ToList())
            module.AssemblyReferences.Remove(old);
        module.Write(args[1]);
        return 0;
    }
}
