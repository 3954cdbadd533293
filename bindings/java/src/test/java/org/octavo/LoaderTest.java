package org.octavo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ways to the native library, each in a Java of its own. */
class LoaderTest {
  private static final Path NATIVE = Path.of(System.getProperty("octavo.native"));

  @TempDir Path folder;

  /** What the other Java runs. */
  public static final class Main {
    public static void main(String[] args) {
      System.out.println("version " + Octavo.versionString());
    }
  }

  /** Output and exit status; resources: the jar's copy of the library is on the class path. */
  private String java(boolean resources, String... options) throws IOException, InterruptedException {
    List<String> path = new ArrayList<>();
    for (Class<?> from : List.of(Octavo.class, LoaderTest.class)) {
      path.add(Path.of(java.net.URI.create(from.getProtectionDomain().getCodeSource().getLocation().toString())).toString());
    }
    if (resources) path.add(NATIVE.resolve("../../../..").normalize().toString());
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(options));
    command.addAll(List.of("-cp", String.join(java.io.File.pathSeparator, path), Main.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return output + "status " + process.waitFor();
  }

  private static void assertLoaded(String output) {
    assertEquals("version " + Octavo.versionString() + System.lineSeparator() + "status 0", output);
  }

  @Test
  void unpackedFromTheClassPathAndLeftNowhere() throws Exception {
    assertLoaded(java(true, "-Xcheck:jni", "-Doctavo.tmpdir=" + folder));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void onTheLibraryPath() throws Exception {
    assertLoaded(java(false, "-Djava.library.path=" + NATIVE));
  }

  @Test
  void namedByAProperty() throws Exception {
    Path copy = Files.copy(NATIVE.resolve("liboctavo_jni.so"), folder.resolve("another name.so"));
    assertLoaded(java(false, "-Doctavo.library=" + copy));
  }

  @Test
  void missingSaysWhatToDo() throws Exception {
    String output = java(false);
    assertTrue(output.contains("UnsatisfiedLinkError") && output.contains("add the jar with classifier " + Loader.platform()), output);
    assertFalse(output.endsWith("status 0"));
  }

  @Test
  void aFolderThatCannotBeUsedIsNamed() throws Exception {
    String output = java(true, "-Doctavo.tmpdir=" + folder.resolve("missing"));
    assertTrue(output.contains("UnsatisfiedLinkError") && output.contains("-Doctavo.tmpdir names another one"), output);
  }

  @Test
  void twoClassLoadersEachLoadIt() throws Exception {
    java.net.URL[] urls = {
      Octavo.class.getProtectionDomain().getCodeSource().getLocation(), NATIVE.resolve("../../../..").normalize().toUri().toURL()
    };
    for (int i = 0; i < 2; i++) {
      try (java.net.URLClassLoader loader = new java.net.URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
        Object version = loader.loadClass("org.octavo.Octavo").getMethod("versionString").invoke(null);
        assertEquals(Octavo.versionString(), version);
      }
    }
  }
}
