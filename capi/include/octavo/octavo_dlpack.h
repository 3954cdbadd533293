/* DLPack tensors as views and back, without copying. Only inline functions: nothing here is part of the library.
 *
 * Include DLPack's own dlpack.h first, if you have it; otherwise the parts needed are declared here.
 */
#ifndef OCTAVO_DLPACK_H_
#define OCTAVO_DLPACK_H_

#include <string.h>

#include "octavo.h"

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(DLPACK_MAJOR_VERSION) && !defined(DLPACK_DLPACK_H_)
#define OCTAVO_OWN_DLPACK 1
#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION 1
#define DLPACK_FLAG_BITMASK_READ_ONLY (1UL << 0UL)
#define DLPACK_FLAG_BITMASK_IS_COPIED (1UL << 1UL)

typedef struct DLPackVersion {
  uint32_t major;
  uint32_t minor;
} DLPackVersion;

typedef struct DLDevice {
  int32_t device_type; /* 1: CPU */
  int32_t device_id;
} DLDevice;

typedef struct DLDataType {
  uint8_t code; /* 0 int, 1 uint, 2 float, 4 bfloat, 6 bool */
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

typedef struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: dense */
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;
#endif

/* The octavo_dtype of a DLPack type; OCTAVO_UNDEFINED if there is none. Since 0.1. */
static inline int32_t octavo_dtype_from_dlpack(DLDataType type) {
  if (type.lanes != 1) return OCTAVO_UNDEFINED;
  switch (type.code) {
    case 0: /* kDLInt */
      switch (type.bits) {
        case 8:
          return OCTAVO_INT8;
        case 16:
          return OCTAVO_INT16;
        case 32:
          return OCTAVO_INT32;
        case 64:
          return OCTAVO_INT64;
        default:
          return OCTAVO_UNDEFINED;
      }
    case 1: /* kDLUInt */
      switch (type.bits) {
        case 8:
          return OCTAVO_UINT8;
        case 16:
          return OCTAVO_UINT16;
        case 32:
          return OCTAVO_UINT32;
        case 64:
          return OCTAVO_UINT64;
        default:
          return OCTAVO_UNDEFINED;
      }
    case 2: /* kDLFloat */
      switch (type.bits) {
        case 16:
          return OCTAVO_FLOAT16;
        case 32:
          return OCTAVO_FLOAT32;
        case 64:
          return OCTAVO_FLOAT64;
        default:
          return OCTAVO_UNDEFINED;
      }
    case 4: /* kDLBfloat */
      return type.bits == 16 ? OCTAVO_BFLOAT16 : OCTAVO_UNDEFINED;
    case 6: /* kDLBool */
      return type.bits == 8 ? OCTAVO_BOOL : OCTAVO_UNDEFINED;
    default:
      return OCTAVO_UNDEFINED;
  }
}

/* The inverse; lanes is 0 if DLPack has no such type. Since 0.1. */
static inline DLDataType octavo_dtype_to_dlpack(int32_t dtype) {
  DLDataType type;
  type.lanes = 1;
  type.bits = (uint8_t)octavo_dtype_bits(dtype);
  switch (dtype) {
    case OCTAVO_INT8:
    case OCTAVO_INT16:
    case OCTAVO_INT32:
    case OCTAVO_INT64:
      type.code = 0;
      break;
    case OCTAVO_UINT8:
    case OCTAVO_UINT16:
    case OCTAVO_UINT32:
    case OCTAVO_UINT64:
      type.code = 1;
      break;
    case OCTAVO_FLOAT16:
    case OCTAVO_FLOAT32:
    case OCTAVO_FLOAT64:
      type.code = 2;
      break;
    case OCTAVO_BFLOAT16:
      type.code = 4;
      break;
    case OCTAVO_BOOL:
      type.code = 6;
      break;
    default:
      type.code = 0;
      type.bits = 0;
      type.lanes = 0;
  }
  return type;
}

/* Describes a DLPack tensor in *out, which then points to the tensor's memory, shape and strides: keep it alive. 0:
 * done. -1: not in the CPU's memory. -2: an element type or a rank that the library does not have. Since 0.1. */
static inline int octavo_view_from_dlpack(const DLTensor *tensor, octavo_tensor_view *out) {
  size_t bytes = 0;
  int32_t i;
  const int32_t dtype = octavo_dtype_from_dlpack(tensor->dtype);
  if ((int)tensor->device.device_type != 1) return -1;
  if (dtype == OCTAVO_UNDEFINED || tensor->ndim < 0 || tensor->ndim > OCTAVO_MAX_RANK) return -2;
  bytes = octavo_dtype_bits(dtype) / 8;
  for (i = 0; i < tensor->ndim; ++i) bytes *= (size_t)tensor->shape[i];
  memset(out, 0, sizeof(*out));
  out->struct_size = (uint32_t)sizeof(*out);
  out->dtype = dtype;
  out->rank = tensor->ndim;
  out->data = bytes ? (void *)((char *)tensor->data + tensor->byte_offset) : NULL;
  out->bytes = bytes;
  out->dims = tensor->shape;
  out->strides = tensor->strides;
  return 0;
}

/* Describes a view in *out, whose shape and strides then point to the view's dims and strides: keep them alive. 0:
 * done. -2: DLPack has no such element type. Since 0.1. */
static inline int octavo_view_to_dlpack(const octavo_tensor_view *view, DLTensor *out) {
  memset(out, 0, sizeof(*out));
  out->dtype = octavo_dtype_to_dlpack(view->dtype);
  if (out->dtype.lanes == 0) return -2;
  out->data = view->data;
  memset(&out->device, 0, sizeof(out->device));
  {
    const int32_t cpu = 1;
    memcpy(&out->device.device_type, &cpu, sizeof(out->device.device_type));
  }
  out->ndim = view->rank;
  out->shape = (int64_t *)(uintptr_t)view->dims;
  out->strides = (int64_t *)(uintptr_t)view->strides;
  return 0;
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* OCTAVO_DLPACK_H_ */
