#include "core/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace octavo {
namespace {

// A descriptor that is closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // Closes now and tells whether that worked: on network file systems it is where a full disk shows.
  bool Close() { return close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

template <typename F>
auto RetryOnSignal(F&& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

int OpenAt(int folder, const std::string& name, int flags, mode_t mode = 0) {
  return RetryOnSignal([&] { return openat(folder, name.c_str(), flags | O_CLOEXEC, mode); });
}

// "cannot open 'net.onnx': No such file or directory"; takes errno, so call it first thing.
Status SystemError(const char* verb, const std::string& path) {
  const int number = errno;
  char text[128] = "";
  const auto message = strerror_r(number, text, sizeof(text));  // GNU returns the text, POSIX fills the buffer
  const char* words = text;
  if constexpr (std::is_convertible_v<decltype(message), const char*>) words = message;
  return Error(Code::kIo, "cannot %s '%s': %s", verb, Printable(path).c_str(), words);
}

// The path without its last component: "" for "net.onnx", "/" for "/net.onnx".
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

Status CheckPath(const std::string& path) {
  if (path.empty()) return Error(Code::kInvalidArgument, "the path is empty");
  if (path.find('\0') != std::string::npos) {
    return Error(Code::kInvalidArgument, "path '%s' contains a zero byte", Printable(path).c_str());
  }
  return Ok();
}

// O_NONBLOCK: opening a FIFO or a device must not wait for someone at its other end; it is refused after fstat.
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// A name for a file that does not exist yet. Not derived from the target's name, which may be as long as names can be.
std::string TemporaryName() {
  static std::atomic<unsigned> counter{0};
  char name[64];
  std::snprintf(name, sizeof(name), ".octavo-%ld-%u.tmp", static_cast<long>(getpid()),
                counter.fetch_add(1, std::memory_order_relaxed));
  return name;
}

// A file that exists only while this object does, unless it is renamed away.
struct Temporary {
  std::string path;
  bool exists = false;
  ~Temporary() {
    if (exists) unlink(path.c_str());
  }
};

Status WriteAll(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const size_t piece = std::min<size_t>(bytes.size(), size_t{1} << 30);
    const ssize_t written = RetryOnSignal([&] { return write(fd, bytes.data(), piece); });
    if (written < 0) return SystemError("write", path);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Ok();
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Map(int descriptor, const std::string& name, uint64_t limit) {
  struct stat info;
  if (fstat(descriptor, &info) != 0) return SystemError("examine", name);
  if (!S_ISREG(info.st_mode)) {
    return Error(Code::kIo, "'%s' is not a regular file%s", Printable(name).c_str(),
                 S_ISDIR(info.st_mode) ? " but a directory" : "");
  }
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > limit || size > PTRDIFF_MAX) {
    return Error(Code::kLimit, "'%s' has %llu bytes, the limit is %llu", Printable(name).c_str(),
                 static_cast<unsigned long long>(size), static_cast<unsigned long long>(limit));
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  if (size != 0) {  // an empty mapping is an error of mmap, an empty file is none of ours
    void* data = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) return SystemError("map", name);
    file->data_ = static_cast<const std::byte*>(data);
    file->size_ = static_cast<size_t>(size);
  }
  return std::shared_ptr<const MappedFile>(std::move(file));
}

MappedFile::~MappedFile() {
  if (size_ != 0) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::DropPages(std::span<const std::byte> part) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data()) / page * page;  // neighbours lie in the same mapping
  const auto end = reinterpret_cast<uintptr_t>(part.data()) + part.size();
  if (!part.empty()) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // advice: may be refused
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path, uint64_t limit) {
  OCTAVO_RETURN_IF_ERROR(CheckPath(path));
  const Descriptor file(OpenAt(AT_FDCWD, path, kReadFlags));
  if (!file) return SystemError("open", path);
  return Map(file.get(), path, limit);
}

// Walks down one component at a time, each opened relative to the folder already held and never through a link. As ".."
// is refused before, nothing that happens to the tree meanwhile can lead out of it: what openat2(RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS) promises on Linux, in a form that every POSIX system has and every test run exercises.
Result<std::shared_ptr<const MappedFile>> MappedFile::OpenBeneath(const std::string& directory,
                                                                  const std::string& relative, uint64_t limit) {
  const auto refuse = [&](const char* why) {
    return Error(Code::kInvalidModel, "external file '%s' is refused: %s", Printable(relative).c_str(), why);
  };
  if (relative.empty()) return refuse("the path is empty");
  if (relative.find('\0') != std::string::npos) return refuse("the path contains a zero byte");
  if (relative[0] == '/') return refuse("the path must be relative to the model's folder");
  // Separators and drive letters of Windows: a model must not mean different files on different systems.
  if (relative.find('\\') != std::string::npos) return refuse("the path contains a backslash");
  if (relative.size() > 1 && relative[1] == ':') return refuse("the path must not name a drive");

  for (std::string_view rest = relative;;) {
    const size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return refuse("the path must not contain \"..\"");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }

  const std::string start = directory.empty() ? "." : directory;
  OCTAVO_RETURN_IF_ERROR(CheckPath(start));
  Descriptor folder(OpenAt(AT_FDCWD, start, O_RDONLY | O_DIRECTORY));
  if (!folder) return SystemError("open folder", start);

  std::string_view rest = relative;
  for (;;) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    if (name.empty() || (last && name == ".")) return refuse("the path has an empty component");
    Descriptor next(OpenAt(folder.get(), name, (last ? kReadFlags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW));
    if (!next) {
      // Which errno tells of a link differs between systems and flags, so ask.
      const int number = errno;
      struct stat info;
      if (fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
        return refuse("it is, or lies behind, a symbolic link");
      }
      errno = number;
      return SystemError("open external file", relative);
    }
    folder = std::move(next);
    if (last) break;
    rest.remove_prefix(slash + 1);
  }
  struct stat info;
  if (fstat(folder.get(), &info) != 0) return SystemError("examine", relative);
  if (!S_ISREG(info.st_mode)) return refuse("it is not a regular file");
  // A hard link can stand for a file anywhere on the same file system.
  if (info.st_nlink != 1) return refuse("it has more than one hard link");
  return Map(folder.get(), relative, limit);
}

Status AtomicWriteFile(const std::string& path, const std::function<Status(const ByteSink&)>& produce) {
  OCTAVO_RETURN_IF_ERROR(CheckPath(path));
  const std::string folder = FolderOf(path);
  struct stat old;
  const bool replaces = stat(path.c_str(), &old) == 0;
  if (replaces && !S_ISREG(old.st_mode)) {
    return Error(Code::kIo, "cannot replace '%s': it is not a regular file", Printable(path).c_str());
  }

  Temporary temporary;
  Descriptor file;
  for (int attempt = 0; !file; ++attempt) {
    temporary.path = folder + TemporaryName();
    file = Descriptor(OpenAt(AT_FDCWD, temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666));
    // A file of that name can only be left over from a crash of a process with our number.
    if (!file && (errno != EEXIST || attempt == 100)) return SystemError("create a file beside", path);
  }
  temporary.exists = true;
  if (replaces && fchmod(file.get(), old.st_mode & 0777) != 0) return SystemError("keep the permissions of", path);
  OCTAVO_RETURN_IF_ERROR(produce([&](std::span<const std::byte> bytes) { return WriteAll(file.get(), bytes, path); }));
  if (RetryOnSignal([&] { return fsync(file.get()); }) != 0) return SystemError("write", path);
  if (!file.Close()) return SystemError("write", path);
  if (rename(temporary.path.c_str(), path.c_str()) != 0) return SystemError("replace", path);
  temporary.exists = false;

  // Only now does the new name survive a power cut. Some file systems cannot sync a folder and say EINVAL.
  const Descriptor holder(OpenAt(AT_FDCWD, folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY));
  if (holder && RetryOnSignal([&] { return fsync(holder.get()); }) != 0 && errno != EINVAL) {
    return SystemError("make durable the replaced", path);
  }
  return Ok();
}

}  // namespace octavo
