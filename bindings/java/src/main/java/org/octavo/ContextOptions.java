package org.octavo;

import java.util.function.BiConsumer;

/** How a {@link Context} is made. What is not set has its default; values are checked where the options are used. */
public final class ContextOptions {
  private Integer threads;
  private Long memoryLimit;
  private Long fileLimit;
  private Long foldLimit;
  private Long nodeLimit;
  private Long stringLimit;
  private LogLevel level = LogLevel.WARNING;
  BiConsumer<LogLevel, String> log;

  /** All defaults. */
  public ContextOptions() {}

  /**
   * Threads of sessions and calibrators that do not say otherwise, the calling one included.
   *
   * @param threads at most 1024; 0, the default: one for each processor this process may use
   * @return this
   */
  public ContextOptions threads(int threads) {
    this.threads = threads;
    return this;
  }

  /**
   * Live bytes of all tensors, weights and scratch of the context. Exceeding any limit is {@link OctavoException#LIMIT}.
   *
   * @param bytes at least 1; default: no limit
   * @return this
   */
  public ContextOptions memoryLimit(long bytes) {
    memoryLimit = bytes;
    return this;
  }

  /**
   * Bytes of a model file, and of each external data file.
   *
   * @param bytes at least 1; default: 1 TiB
   * @return this
   */
  public ContextOptions fileLimit(long bytes) {
    fileLimit = bytes;
    return this;
  }

  /**
   * Bytes of all constants that simplifying one model makes.
   *
   * @param bytes at least 1; default: 64 MiB
   * @return this
   */
  public ContextOptions foldLimit(long bytes) {
    foldLimit = bytes;
    return this;
  }

  /**
   * Nodes of a model.
   *
   * @param nodes at least 1; default: 1 000 000
   * @return this
   */
  public ContextOptions nodeLimit(long nodes) {
    nodeLimit = nodes;
    return this;
  }

  /**
   * Bytes of a name in a model.
   *
   * @param bytes at least 1; default: 65 536
   * @return this
   */
  public ContextOptions stringLimit(long bytes) {
    stringLimit = bytes;
    return this;
  }

  /**
   * Tells a listener what the library does, on the thread that called the library, possibly from several at once. An
   * exception that it throws ends the call that logged and comes out of it.
   *
   * @param level messages up to this level
   * @param log takes level and message, one line without a line end; must not call the library; null: nobody is told
   * @return this
   */
  public ContextOptions log(LogLevel level, BiConsumer<LogLevel, String> log) {
    if (level == null) throw OctavoException.argument("level is null");
    this.level = level;
    this.log = log;
    return this;
  }

  /** logId: what Callbacks calls the listener. */
  static NativeOptions open(ContextOptions options, long logId) {
    return NativeOptions.of(options, C::octavo_context_options_create, C::octavo_context_options_destroy, o -> {
      if (options.threads != null) C.octavo_context_options_set_threads(o, options.threads);
      if (options.memoryLimit != null) C.octavo_context_options_set_memory_limit(o, options.memoryLimit);
      if (options.fileLimit != null) C.octavo_context_options_set_file_limit(o, options.fileLimit);
      if (options.foldLimit != null) C.octavo_context_options_set_fold_limit(o, options.foldLimit);
      if (options.nodeLimit != null) C.octavo_context_options_set_node_limit(o, options.nodeLimit);
      if (options.stringLimit != null) C.octavo_context_options_set_string_limit(o, options.stringLimit);
      if (options.log != null) C.octavo_context_options_set_log(o, options.level.code, logId);
    });
  }
}
