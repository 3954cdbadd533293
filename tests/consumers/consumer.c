/* The least that shows a library was found, linked and runs: that of these headers, and it quantizes. */
#include <octavo/octavo.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  float x[4] = {-1.0f, 0.0f, 0.25f, 2.0f}, scale = 0.125f;
  uint8_t y[4], zero_point = 8;
  const uint8_t expected[4] = {0, 8, 10, 24};
  const int64_t four[1] = {4}, one[1] = {1};
  octavo_tensor_view from = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, x, sizeof(x), four, 1);
  octavo_tensor_view to = OCTAVO_TENSOR_VIEW(OCTAVO_UINT8, y, sizeof(y), four, 1);
  octavo_tensor_view by = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, &scale, sizeof(scale), one, 1);
  octavo_tensor_view at = OCTAVO_TENSOR_VIEW(OCTAVO_UINT8, &zero_point, 1, one, 1);
  octavo_context *context;
  if (strcmp(octavo_version_string(), OCTAVO_VERSION) != 0 || octavo_abi_version() != OCTAVO_ABI_VERSION) {
    printf("headers of %s, library of %s\n", OCTAVO_VERSION, octavo_version_string());
    return 1;
  }
  if (octavo_context_create(NULL, &context) || octavo_tensor_quantize(context, &from, &by, &at, 0, &to)) {
    printf("%s\n", octavo_last_error());
    return 1;
  }
  octavo_context_destroy(context);
  return memcmp(y, expected, sizeof(y)) != 0;
}
