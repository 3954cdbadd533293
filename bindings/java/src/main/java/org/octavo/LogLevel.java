package org.octavo;

/** How much a {@link Context} tells its log; each level includes those before it. */
public enum LogLevel {
  /** Something that the caller may not have meant. */
  WARNING(octavo_log_level.OCTAVO_LOG_WARNING),
  /** What was loaded, made and decided. */
  INFO(octavo_log_level.OCTAVO_LOG_INFO),
  /** Every node's decision. */
  DEBUG(octavo_log_level.OCTAVO_LOG_DEBUG);

  final int code;

  LogLevel(int code) {
    this.code = code;
  }

  /** A level that this release does not know is finer than all it knows. */
  static LogLevel of(int code) {
    for (LogLevel level : values()) {
      if (level.code == code) return level;
    }
    return DEBUG;
  }
}
