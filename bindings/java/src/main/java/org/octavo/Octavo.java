package org.octavo;

import java.util.ArrayList;
import java.util.List;

/** The library as a whole. */
public final class Octavo {
  private Octavo() {}

  /**
   * The release that runs.
   *
   * @return {@code "0.1.0"}
   */
  public static String versionString() {
    return Text.of(C.octavo_version_string());
  }

  /**
   * The binary interface of the native library, which must be that of these classes.
   *
   * @return the number in the C library's name
   */
  public static int abiVersion() {
    return C.octavo_abi_version();
  }

  /**
   * The instruction set that sessions use by default here.
   *
   * @return {@code "avx2"}, {@code "neon"} and so on
   */
  public static String cpuTarget() {
    return Text.of(C.octavo_cpu_target());
  }

  /**
   * The instruction sets that sessions can be asked for on this machine.
   *
   * @return names, best first; the last is always {@code "reference"}, the scalar definition: slow and the same bytes
   */
  public static List<String> cpuTargets() {
    List<String> names = new ArrayList<>();
    long count = C.octavo_cpu_target_count();
    for (long i = 0; i < count; i++) names.add(Text.of(C.octavo_cpu_target_name(i)));
    return List.copyOf(names);
  }
}
