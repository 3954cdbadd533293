package org.octavo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads, closing at the wrong moment, and the garbage collector. */
@Timeout(120)
class ThreadTest {
  private static <T> List<T> onThreads(int threads, Callable<T> work) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (int i = 0; i < threads; i++) futures.add(pool.submit(work));
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) results.add(future.get());
      return results;
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void eightThreadsGiveTheBytesOfOne() throws Exception {
    try (Model int8 = Digits.int8(); Session one = int8.session(new SessionOptions().threads(1))) {
      float[] expected = Digits.scores(one, 100, 100);
      List<float[]> found = onThreads(8, () -> {
        try (Session own = int8.session(new SessionOptions().threads(1))) {
          return Digits.scores(own, 100, 100);
        }
      });
      for (float[] scores : found) assertArrayEquals(expected, scores);
    }
  }

  @Test
  void eightThreadsLoadCalibrateAndQuantize() throws Exception {
    byte[] expected;
    try (Model int8 = Digits.int8()) {
      expected = int8.toBytes();
    }
    List<byte[]> found = onThreads(8, () -> {
      try (Model int8 = Digits.int8()) {
        return int8.toBytes();
      }
    });
    for (byte[] bytes : found) assertArrayEquals(expected, bytes);
  }

  /** A callback holds its caller's thread inside a native call. */
  private static void insideQuantize(Model model, Statistics statistics, Recipe recipe, Runnable meanwhile) {
    AtomicBoolean first = new AtomicBoolean(true);
    model.quantize(statistics, recipe, new QuantizeOptions().progress((fraction, what) -> {
      if (first.getAndSet(false)) meanwhile.run();
      return true;
    })).close();
  }

  @Test
  void whatIsInUseIsClosedAfterwards() {
    Model model = Digits.load();
    Statistics statistics = Digits.calibrate(model, 0, 5);
    Recipe recipe = Recipe.staticInt8();
    insideQuantize(model, statistics, recipe, () -> {
      model.close();
      statistics.close();
      recipe.close();
    });
    assertEquals(OctavoException.INVALID_STATE, assertThrows(OctavoException.class, model::inputs).code());
    assertEquals(OctavoException.INVALID_STATE, assertThrows(OctavoException.class, statistics::samples).code());
  }

  @Test
  void collectingGarbageDuringACallFreesNothingOfIt() throws Exception {
    int[] length = new int[1];
    insideQuantize(Digits.load(), statisticsOfTheirOwn(), Recipe.staticInt8(), () -> {
      try {
        ModelTest.collectGarbage();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      length[0]++;
    });
    assertEquals(1, length[0]);
    // Inputs that nobody holds while they are run.
    Thread collector = new Thread(() -> {
      while (!Thread.interrupted()) System.gc();
    });
    collector.start();
    try (Model int8 = Digits.int8(); Session reference = int8.session()) {
      float[] expected = reference.run(Digits.images(100, 50)).toFloatArray();
      for (int i = 0; i < 50; i++) {
        assertArrayEquals(expected, int8.session(new SessionOptions().threads(1)).run(Digits.images(100, 50)).toFloatArray());
      }
    } finally {
      collector.interrupt();
      collector.join();
    }
  }

  private static Statistics statisticsOfTheirOwn() {
    return Digits.calibrate(Digits.load(), 0, 5);
  }

  @Test
  void whatWasNeverClosedIsFreed() throws Exception {
    try (Context context = new Context()) {
      for (int i = 0; i < 20; i++) {
        Model.load(Digits.MODEL, new LoadOptions().context(context)).session().run(Digits.images(0, 1));
      }
      for (int i = 0; i < 100 && context.liveMemory() > 0; i++) ModelTest.collectGarbage();
      assertTrue(context.peakMemory() > 0);
      assertEquals(0, context.liveMemory());
    }
  }

  @Test
  void twoThreadsCannotShareASession() throws Exception {
    try (Model model = Digits.load(); Session session = model.session(new SessionOptions().threads(1))) {
      Tensor many = Digits.images(0, 200);
      CountDownLatch refused = new CountDownLatch(1);
      Callable<Integer> runs = () -> {
        int done = 0;
        while (refused.getCount() > 0) {
          try {
            session.run(many);
            done++;
          } catch (OctavoException e) {
            assertEquals(OctavoException.INVALID_STATE, e.code());
            assertTrue(e.getMessage().contains("in use"), e.getMessage());
            refused.countDown();
          }
        }
        return done;
      };
      onThreads(3, runs);
      assertArrayEquals(new long[] {200, 10}, session.run(many).shape());
    }
  }

  @Test
  void anyThreadMayCloseAnything() throws Exception {
    for (int round = 0; round < 20; round++) {
      Model model = Digits.load();
      Session session = model.session(new SessionOptions().threads(1));
      CountDownLatch started = new CountDownLatch(1);
      ExecutorService pool = Executors.newSingleThreadExecutor();
      Future<?> running = pool.submit(() -> {
        Tensor x = Digits.images(0, 50);
        for (;;) {
          session.run(x);
          started.countDown();
        }
      });
      started.await();
      session.close();
      model.close();
      ExecutionException end = assertThrows(ExecutionException.class, running::get);
      assertEquals("session is closed", end.getCause().getMessage());
      pool.shutdown();
    }
  }

  @Test
  void aTensorClosedDuringItsRunIsReadToTheEnd() throws Exception {
    try (Model int8 = Digits.int8(); Session session = int8.session(new SessionOptions().threads(1))) {
      float[] expected = session.run(Digits.images(0, 100)).toFloatArray();
      for (int round = 0; round < 20; round++) {
        Tensor x = Digits.images(0, 100);
        Thread closer = new Thread(() -> {
          x.close();
          System.gc();
        });
        closer.start();
        try {
          assertArrayEquals(expected, session.run(x).toFloatArray());
        } catch (OctavoException e) {
          assertEquals("tensor is closed", e.getMessage());
        }
        closer.join();
      }
    }
  }

  @Test
  void anotherThreadCancels() throws Exception {
    try (Model model = Digits.load(); Statistics statistics = Digits.calibrate(model, 0, 5);
        Session session = model.session(new SessionOptions().threads(1).cpuTarget("reference")); Cancel cancel = new Cancel()) {
      Tensor many = Digits.images(0, 200); // takes long in the scalar definition
      Thread other = new Thread(() -> {
        try {
          Thread.sleep(20);
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
        cancel.request();
      });
      other.start();
      int runs = 0;
      OctavoException.Cancelled end;
      for (;;) {
        try {
          session.runAll(new Tensor[] {many}, cancel);
          runs++;
        } catch (OctavoException.Cancelled e) {
          end = e;
          break;
        }
      }
      other.join();
      assertEquals(OctavoException.CANCELLED, end.code(), "after " + runs + " runs");
      // From another thread while a callback waits for it: the work stops at its next step.
      cancel.reset();
      assertThrows(OctavoException.Cancelled.class, () -> model.quantize(statistics, null,
          new QuantizeOptions().cancel(cancel).progress((fraction, what) -> {
            Thread requester = new Thread(cancel::request);
            requester.start();
            try {
              requester.join();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            return true;
          })));
      cancel.reset();
      assertEquals(10, session.runAll(new Tensor[] {Digits.images(0, 1)}, cancel)[0].toFloatArray().length);
    }
  }
}
