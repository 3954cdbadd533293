package org.octavo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** Tensors and the arithmetic on single ones. */
class TensorTest {
  @Test
  void ofCopiesAndReadsBack() {
    float[] floats = {1, -2, 3.5f, 4, 5, 6};
    Tensor x = Tensor.of(floats, 2, 3);
    floats[0] = 9;
    assertArrayEquals(new float[] {1, -2, 3.5f, 4, 5, 6}, x.toFloatArray());
    assertEquals("float32[2, 3]", x.toString());
    assertEquals(6, x.elements());
    assertEquals(24, x.toByteArray().length);
    assertArrayEquals(new double[] {1, 2}, Tensor.of(new double[] {1, 2}, 2).toDoubleArray());
    assertArrayEquals(new int[] {1, -2}, Tensor.of(new int[] {1, -2}, 2).toIntArray());
    assertArrayEquals(new long[] {1L << 40}, Tensor.of(new long[] {1L << 40}).toLongArray());
    assertArrayEquals(new byte[] {-1, 2}, Tensor.of(DType.UINT8, new byte[] {-1, 2}, 2, 1).toByteArray());
    assertArrayEquals(new byte[] {0x21, 3}, Tensor.of(DType.INT4, new byte[] {0x21, 3}, 3).toByteArray());
    assertEquals(0, Tensor.of(new float[0], 0, 3).toFloatArray().length);
    assertEquals(1, Tensor.allocate(DType.BOOL).elements());
  }

  @Test
  void wrapSharesMemoryFromThePosition() {
    FloatBuffer floats = ByteBuffer.allocateDirect(40).order(ByteOrder.nativeOrder()).asFloatBuffer();
    floats.position(2).limit(6);
    Tensor x = Tensor.wrap(floats, 4);
    floats.put(2, 7).put(5, 8);
    assertArrayEquals(new float[] {7, 0, 0, 8}, x.toFloatArray());
    x.floatBuffer().put(1, 5);
    assertEquals(5, floats.get(3));
    assertEquals(2, floats.position());
    assertEquals(16, x.toByteArray().length);
    ByteBuffer bytes = ByteBuffer.allocateDirect(10).position(3);
    Tensor y = Tensor.wrap(bytes, DType.INT8, 7);
    y.buffer().put(0, (byte) 4);
    assertEquals(4, bytes.get(3));
    assertTrue(Tensor.wrap(bytes.asReadOnlyBuffer(), DType.INT8, 7).buffer().isReadOnly());
  }

  @Test
  void stridesSeeATransposedAndAReversedView() {
    ByteBuffer memory = ByteBuffer.allocateDirect(4 * 7).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 6; i++) memory.putFloat(4 + 4 * i, i);
    memory.position(4);
    Tensor scale = Tensor.of(new float[] {1}, 1);
    Tensor transposed = Tensor.strided(memory, DType.FLOAT32, new long[] {3, 2}, new long[] {1, 3}, 0);
    Tensor y = Tensor.allocate(DType.INT8, 3, 2);
    Tensors.quantize(transposed, scale, null, 0, y);
    assertArrayEquals(new byte[] {0, 3, 1, 4, 2, 5}, y.toByteArray());
    Tensor reversed = Tensor.strided(memory, DType.FLOAT32, new long[] {6}, new long[] {-1}, 5);
    Tensor z = Tensor.allocate(DType.INT8, 6);
    Tensors.quantize(reversed, scale, null, 0, z);
    assertArrayEquals(new byte[] {5, 4, 3, 2, 1, 0}, z.toByteArray());
  }

  @Test
  void theFormulasOfQuantization() {
    Tensor x = Tensor.of(new float[] {-1, -0.26f, 0, 0.25f, 0.5f, 3}, 6);
    Tensor scale = Tensor.allocate(DType.FLOAT32, 1);
    Tensor zeroPoint = Tensor.allocate(DType.UINT8, 1);
    Tensors.chooseScale(x, 0, false, scale, zeroPoint);
    float s = scale.toFloatArray()[0];
    int z = zeroPoint.toByteArray()[0] & 0xff;
    assertEquals(4f / 255, s, 1e-6f);
    Tensor q = Tensor.allocate(DType.UINT8, 6);
    Tensors.quantize(x, scale, zeroPoint, 0, q);
    Tensor back = Tensor.allocate(DType.FLOAT32, 6);
    Tensors.dequantize(q, scale, zeroPoint, 0, back);
    Tensor fake = Tensor.allocate(DType.FLOAT32, 6);
    Tensors.fakeQuantize(x, scale, zeroPoint, DType.UINT8, 0, fake);
    float[] floats = x.toFloatArray();
    for (int i = 0; i < 6; i++) {
      int expected = Math.max(0, Math.min(255, (int) Math.rint(floats[i] / s) + z));
      assertEquals(expected, q.toByteArray()[i] & 0xff);
      assertEquals((expected - z) * s, back.toFloatArray()[i]);
    }
    assertArrayEquals(back.toFloatArray(), fake.toFloatArray());
  }

  @Test
  void matmulSumsExactly() {
    Tensor a = Tensor.of(DType.UINT8, new byte[] {1, 2, (byte) 255, 4, 5, 6}, 2, 3);
    Tensor b = Tensor.of(DType.INT8, new byte[] {1, -1, 2, -2, 127, -127}, 3, 2);
    Tensor sums = Tensor.allocate(DType.INT32, 2, 2);
    Tensors.matmul(a, null, null, b, null, null, null, null, sums);
    assertArrayEquals(new int[] {1 + 4 + 255 * 127, -1 - 4 - 255 * 127, 4 + 10 + 762, -4 - 10 - 762}, sums.toIntArray());
    Tensor floats = Tensor.allocate(DType.FLOAT32, 2, 2);
    Tensor half = Tensor.of(new float[] {0.5f}, 1);
    Tensors.matmul(a, half, null, b, half, null, null, null, floats);
    assertEquals(sums.toIntArray()[2] * 0.25f, floats.toFloatArray()[2]);
  }
}
