import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.octavo.Calibrator;
import org.octavo.DType;
import org.octavo.Model;
import org.octavo.OctavoException;
import org.octavo.Session;
import org.octavo.SessionOptions;
import org.octavo.Statistics;
import org.octavo.Tensor;

/**
 * An HTTP service that classifies digits with an INT8 model: loaded once, shared by all threads, a session for each thread.
 * POST 16x16 pixel bytes to /classify, get {"digit": 3, "scores": [..]}.
 *
 * <pre>
 * java -cp CLASSPATH Service.java digits.int8.onnx 8080            until it is stopped
 * java -cp CLASSPATH Service.java --load-test CLIENTS REQUESTS     on the loopback interface: checks every answer, tells the
 *                                                                  throughput, ends
 * </pre>
 */
public final class Service implements AutoCloseable {
  private static final int PIXELS = 16 * 16;
  private static final int CLASSES = 10;

  /** What one thread answers with: nothing is allocated outside the Java heap after this. */
  private static final class Worker {
    final Session session;
    final Tensor[] x = {Tensor.allocate(DType.FLOAT32, 1, 1, 16, 16)};
    final Tensor[] y = {Tensor.allocate(DType.FLOAT32, 1, CLASSES)};
    final FloatBuffer pixels = x[0].floatBuffer();

    Worker(Model model) {
      session = model.session(new SessionOptions().threads(1));
    }

    float[] scores(byte[] image) {
      for (int p = 0; p < PIXELS; p++) pixels.put(p, image[p] & 0xff);
      session.run(x, y, null);
      return y[0].toFloatArray();
    }
  }

  private final Model model;
  private final ThreadLocal<Worker> worker;
  private final HttpServer server;
  private final ExecutorService threads;

  Service(Path path, InetAddress address, int port, int threadCount) throws IOException {
    model = Model.load(path);
    worker = ThreadLocal.withInitial(() -> new Worker(model));
    server = HttpServer.create(new InetSocketAddress(address, port), 0);
    threads = Executors.newFixedThreadPool(threadCount);
    server.setExecutor(threads);
    server.createContext("/classify", this::classify);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  private void classify(HttpExchange exchange) throws IOException {
    int status = 200;
    String answer;
    try (exchange) {
      byte[] image = exchange.getRequestBody().readNBytes(PIXELS + 1);
      if (image.length != PIXELS) {
        status = 400;
        answer = "{\"error\": \"POST " + PIXELS + " bytes, a byte for each pixel\"}";
      } else {
        try {
          answer = json(worker.get().scores(image));
        } catch (OctavoException e) {
          status = 500;
          answer = "{\"error\": \"" + e.codeName() + "\"}";
          System.err.println(e.getMessage());
        }
      }
      byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  static String json(float[] scores) {
    int best = 0;
    StringBuilder list = new StringBuilder();
    for (int c = 0; c < scores.length; c++) {
      if (scores[c] > scores[best]) best = c;
      list.append(c == 0 ? "" : ", ").append(scores[c]);
    }
    return "{\"digit\": " + best + ", \"scores\": [" + list + "]}";
  }

  /** Sessions go with their threads; the garbage collector frees what those held. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdown();
    model.close();
  }

  public static void main(String[] args) throws Exception {
    System.setProperty("sun.net.httpserver.nodelay", "true"); // else each answer waits 40 ms for the client's acknowledgement
    if (args.length == 3 && args[0].equals("--load-test")) {
      loadTest(Integer.parseInt(args[1]), Integer.parseInt(args[2]));
    } else if (args.length == 2) {
      Service service = new Service(Path.of(args[0]), null, Integer.parseInt(args[1]), Runtime.getRuntime().availableProcessors());
      System.out.println("POST " + PIXELS + " bytes to http://localhost:" + service.port() + "/classify");
    } else {
      System.err.println("usage: Service MODEL PORT | Service --load-test CLIENTS REQUESTS");
      System.exit(2);
    }
  }

  /** Clients ask for all digits in turn, and compare each answer, a session's own bytes, with the expected one. */
  private static void loadTest(int clients, int requests) throws Exception {
    byte[] records = Files.readAllBytes(Path.of("examples/demo/digits.bin"));
    byte[][] images = new byte[records.length / (1 + PIXELS)][];
    for (int i = 0; i < images.length; i++) {
      int first = i * (1 + PIXELS) + 1;
      images[i] = Arrays.copyOfRange(records, first, first + PIXELS);
    }
    Path int8 = Files.createTempFile("digits", ".int8.onnx");
    String[] expected = quantize(images, int8);

    AtomicInteger next = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(clients);
    try (Service service = new Service(int8, InetAddress.getLoopbackAddress(), 0, clients)) {
      URI uri = URI.create("http://127.0.0.1:" + service.port() + "/classify");
      long start = System.nanoTime();
      List<Future<Integer>> wrong = new ArrayList<>();
      for (int c = 0; c < clients; c++) {
        wrong.add(pool.submit(() -> {
          HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
          int differ = 0;
          for (int i = next.getAndIncrement(); i < requests; i = next.getAndIncrement()) {
            HttpRequest request = HttpRequest.newBuilder(uri)
                .POST(HttpRequest.BodyPublishers.ofByteArray(images[i % images.length])).build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200 || !response.body().equals(expected[i % images.length])) differ++;
          }
          return differ;
        }));
      }
      int differ = 0;
      for (Future<Integer> one : wrong) differ += one.get();
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(Locale.ROOT, "%d requests of %d clients in %.2f s: %.0f a second; %d wrong answers%n", requests, clients,
          seconds, requests / seconds, differ);
      if (differ > 0) throw new AssertionError(differ + " wrong answers");
    } finally {
      pool.shutdown();
      Files.delete(int8);
    }
    System.exit(0); // the HTTP clients' own threads would linger
  }

  /** Writes the INT8 model; its answers to all images, by one session. */
  private static String[] quantize(byte[][] images, Path out) {
    float[] pixels = new float[images.length * PIXELS];
    for (int p = 0; p < pixels.length; p++) pixels[p] = images[p / PIXELS][p % PIXELS] & 0xff;
    Tensor all = Tensor.of(pixels, images.length, 1, 16, 16);
    try (Model f32 = Model.load(Path.of("examples/demo/digits.onnx")); Calibrator calibrator = f32.calibrator()) {
      calibrator.collect(all);
      try (Statistics statistics = calibrator.finish(); Model int8 = f32.quantize(statistics)) {
        int8.save(out);
        Worker worker = new Worker(int8);
        String[] answers = new String[images.length];
        for (int i = 0; i < images.length; i++) answers[i] = json(worker.scores(images[i]));
        return answers;
      }
    }
  }
}
