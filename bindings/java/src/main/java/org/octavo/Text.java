package org.octavo;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;

/** Text as it crosses to C: UTF-8 that ends with a zero byte. Null stays null: the C library names the argument. */
final class Text {
  private Text() {}

  static byte[] utf8(String text, String argument) {
    if (text == null) return null;
    if (text.indexOf('\0') >= 0) throw OctavoException.argument(argument + " holds a zero character");
    byte[] bytes = encode(text, argument);
    byte[] terminated = new byte[bytes.length + 1];
    System.arraycopy(bytes, 0, terminated, 0, bytes.length);
    return terminated;
  }

  /** Without the zero byte. */
  static byte[] encode(String text, String argument) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text)); // refuses lone surrogates
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw OctavoException.argument(argument + " is not Unicode text: it holds half of a surrogate pair");
    }
  }

  static byte[] path(Path path) {
    if (path == null) return null;
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw OctavoException.argument("path " + path + " is not in the default file system");
    }
    return utf8(path.toString(), "path");
  }

  static String of(byte[] utf8) {
    return utf8 == null ? null : new String(utf8, StandardCharsets.UTF_8);
  }

  /** Text that C lent. */
  static String at(long address) {
    return of(C.java_text(address));
  }

  /** The bytes of a buffer object, which is destroyed. */
  static byte[] bytes(long buffer) {
    try {
      long size = C.octavo_buffer_size(buffer);
      if (size > Integer.MAX_VALUE - 8) {
        throw OctavoException.of(OctavoException.LIMIT, size + " bytes are more than a Java array holds: save to a file");
      }
      byte[] bytes = new byte[(int) size];
      if (size > 0) ((ByteBuffer) C.java_view(C.octavo_buffer_data(buffer), size)).get(bytes);
      return bytes;
    } finally {
      C.octavo_buffer_destroy(buffer);
    }
  }

  static String text(long buffer) {
    return of(bytes(buffer));
  }
}
