// Files: mapped for reading, replaced atomically for writing.
#ifndef OCTAVO_CORE_BASE_FILE_H_
#define OCTAVO_CORE_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/status.h"

namespace octavo {

// A read-only private mapping of a regular file. The file must not be shortened while it is mapped; replacing it by
// rename (as AtomicWriteFile does) is safe.
class MappedFile {
 public:
  // Follows symbolic links. Directories, FIFOs, devices: kIo. Larger than `limit`: kLimit. `path` is UTF-8.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path, uint64_t limit);

  // For a path that a model file names: `relative` is resolved beneath the folder `directory` and may not leave it by
  // "..", absolute path, symbolic link or hard link (ONNX CVE-2022-25882 and its five successors).
  static Result<std::shared_ptr<const MappedFile>> OpenBeneath(const std::string& directory,
                                                               const std::string& relative, uint64_t limit);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Gives back the memory under a part of some mapping of this class. The bytes stay valid: the next look at them reads
  // them from the file again.
  static void DropPages(std::span<const std::byte> part);

 private:
  MappedFile() = default;
  static Result<std::shared_ptr<const MappedFile>> Map(int descriptor, const std::string& name, uint64_t limit);
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Receives the pieces of a file in order.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

// Replaces `path` whole or not at all: temporary file in the same folder, fsync, rename, fsync of the folder. `produce`
// writes through the sink it is given. On any error the old file is untouched and no temporary is left.
Status AtomicWriteFile(const std::string& path, const std::function<Status(const ByteSink&)>& produce);

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_FILE_H_
