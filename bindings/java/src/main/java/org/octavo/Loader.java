package org.octavo;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Finds the native library: the file named by the system property {@code octavo.library}, else {@code octavo_jni} on
 * {@code java.library.path}, else the copy in the jar of this platform's classifier, unpacked into the folder named by
 * {@code octavo.tmpdir} or {@code java.io.tmpdir}.
 */
final class Loader {
  private Loader() {}

  static void load() {
    String file = System.getProperty("octavo.library");
    if (file != null) {
      System.load(Path.of(file).toAbsolutePath().toString());
    } else {
      try {
        System.loadLibrary("octavo_jni");
      } catch (UnsatisfiedLinkError notOnPath) {
        unpack(notOnPath);
      }
    }
    if (CJNI.octavo_abi_version() != java_constants.JAVA_ABI_VERSION) {
      throw new UnsatisfiedLinkError("the native library has ABI version " + CJNI.octavo_abi_version()
          + ", these classes were made for " + java_constants.JAVA_ABI_VERSION);
    }
  }

  /** {@code linux-x86_64} and so on: the classifier of the jar with the native library. */
  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch");
    return (os.startsWith("mac") ? "macos" : os.startsWith("windows") ? "windows" : os) + "-"
        + (arch.equals("amd64") ? "x86_64" : arch);
  }

  private static void unpack(UnsatisfiedLinkError notOnPath) {
    String resource = "org/octavo/native/" + platform() + "/" + System.mapLibraryName("octavo_jni");
    URL url = Loader.class.getClassLoader().getResource(resource);
    if (url == null) {
      throw new UnsatisfiedLinkError("no octavo_jni on java.library.path (" + notOnPath.getMessage() + ") and no "
          + resource + " on the class path: add the jar with classifier " + platform()
          + ", or set -Doctavo.library to the library's file");
    }
    String folder = System.getProperty("octavo.tmpdir", System.getProperty("java.io.tmpdir"));
    Path copy = null;
    try {
      // A name of its own for each class loader and process; the folder's owner alone may write to it.
      copy = Files.createTempFile(Path.of(folder), "octavo_jni", null);
      URLConnection connection = url.openConnection();
      connection.setUseCaches(false); // a jar replaced meanwhile must not be read through an old table
      byte[] bytes;
      try (InputStream in = connection.getInputStream()) {
        bytes = in.readAllBytes();
      }
      Files.write(copy, bytes);
      System.load(copy.toAbsolutePath().toString());
    } catch (IOException | UnsatisfiedLinkError e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError("cannot load the library unpacked into " + folder + ": "
          + e.getMessage() + " (is the folder mounted noexec? -Doctavo.tmpdir names another one)");
      error.initCause(e);
      throw error;
    } finally {
      if (copy != null && !copy.toFile().delete()) copy.toFile().deleteOnExit(); // Windows keeps it while it is mapped
    }
  }
}
