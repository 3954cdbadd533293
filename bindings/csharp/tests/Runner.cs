using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>Runs the tests where NUnit's console does not run, on .NET Core. Knows what they use of NUnit: Test, TestCase,
    /// TestCaseSource. An argument is a part of the names to run. Ends with "N passed, N failed, N skipped".</summary>
    internal static class Runner
    {
        private static int Main(string[] args)
        {
            int passed = 0, failed = 0, skipped = 0;
            foreach (MethodInfo method in typeof(Runner).Assembly.GetTypes().SelectMany(t => t.GetMethods()))
            {
                foreach (object[] values in Cases(method))
                {
                    string name = method.DeclaringType.Name + "." + method.Name + "(" + string.Join(", ", values) + ")";
                    if (args.Length > 0 && !name.Contains(args[0])) continue;
                    var watch = Stopwatch.StartNew();
                    try
                    {
                        method.Invoke(Activator.CreateInstance(method.DeclaringType), values);
                        passed++;
                    }
                    catch (TargetInvocationException e) when (e.InnerException is IgnoreException)
                    {
                        skipped++;
                        Console.WriteLine("skipped " + name + ": " + e.InnerException.Message);
                    }
                    catch (TargetInvocationException e)
                    {
                        failed++;
                        Console.WriteLine("FAILED " + name + ": " + e.InnerException);
                    }
                    if (watch.ElapsedMilliseconds > 3000) Console.WriteLine("slow: " + name + " took " + watch.Elapsed);
                }
            }
            Console.WriteLine(passed + " passed, " + failed + " failed, " + skipped + " skipped");
            return failed == 0 ? 0 : 1;
        }

        private static IEnumerable<object[]> Cases(MethodInfo method)
        {
            foreach (TestCaseAttribute one in method.GetCustomAttributes(typeof(TestCaseAttribute), false))
                yield return one.Arguments;
            foreach (TestCaseSourceAttribute source in method.GetCustomAttributes(typeof(TestCaseSourceAttribute), false))
            {
                const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
                object names = method.DeclaringType.GetProperty(source.SourceName, Any).GetValue(null, null);
                foreach (object one in (System.Collections.IEnumerable)names) yield return new[] { one };
            }
            if (method.IsDefined(typeof(TestAttribute), false)) yield return new object[0];
        }
    }
}
