#include "core/base/file.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace octavo {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "octavo_file_test_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -rf '" + folder_ + "'").c_str()), 0); }

  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  void Put(const std::string& name, const std::string& text) const { std::ofstream(In(name)) << text; }
  std::string Get(const std::string& name) const {
    std::ifstream file(In(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t Entries() const {
    DIR* dir = opendir(folder_.c_str());
    size_t count = 0;
    while (readdir(dir)) ++count;
    closedir(dir);
    return count - 2;  // "." and ".."
  }

  std::string folder_;
};

std::string Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST_F(FileTest, MapsWhatIsThere) {
  Put("a", "hello");
  Put("empty", "");
  const auto file = MappedFile::Open(In("a"), 5);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(Text(**file), "hello");
  const auto empty = MappedFile::Open(In("empty"), 0);
  ASSERT_TRUE(empty.ok()) << empty.status().message();
  EXPECT_TRUE((*empty)->bytes().empty());
}

TEST_F(FileTest, DroppedPagesAreReadAgain) {
  std::string text(1 << 20, '.');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  Put("a", text);
  const auto file = *MappedFile::Open(In("a"), text.size());
  const auto faults = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
  };
  for (const auto& [begin, bytes] : {std::pair<size_t, size_t>{0, text.size()}, {5000, 9000}, {text.size() - 1, 1}}) {
    ASSERT_EQ(Text(*file), text);
    MappedFile::DropPages(file->bytes().subspan(begin, bytes));
    const auto before = faults();
    EXPECT_EQ(static_cast<char>(file->bytes()[begin]), text[begin]);
    EXPECT_GT(faults(), before);
  }
  EXPECT_EQ(Text(*file), text);
  MappedFile::DropPages({});
}

TEST_F(FileTest, RefusesWhatIsNoFile) {
  Put("a", "hello");
  EXPECT_EQ(MappedFile::Open(In("a"), 4).status().code(), Code::kLimit);
  EXPECT_EQ(MappedFile::Open(In("absent"), 9).status().code(), Code::kIo);
  EXPECT_NE(MappedFile::Open(In("absent"), 9).status().message().find("No such file"), std::string::npos);
  EXPECT_EQ(MappedFile::Open(folder_, 9).status().code(), Code::kIo);
  EXPECT_EQ(MappedFile::Open("/dev/zero", 9).status().code(), Code::kIo);
  ASSERT_EQ(mkfifo(In("fifo").c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::Open(In("fifo"), 9).status().code(), Code::kIo);  // and does not wait for a writer
  EXPECT_EQ(MappedFile::Open("", 9).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(MappedFile::Open(std::string("a\0b", 3), 9).status().code(), Code::kInvalidArgument);
  ASSERT_EQ(symlink("loop", In("loop").c_str()), 0);
  EXPECT_EQ(MappedFile::Open(In("loop"), 9).status().code(), Code::kIo);
}

TEST_F(FileTest, SparseTerabyteIsRefusedByItsSize) {
  Put("big", "");
  if (truncate(In("big").c_str(), off_t{1} << 40) != 0) GTEST_SKIP() << "file system without large files";
  EXPECT_EQ(MappedFile::Open(In("big"), uint64_t{1} << 30).status().code(), Code::kLimit);
}

TEST_F(FileTest, BeneathOpensFilesOfTheFolder) {
  ASSERT_EQ(mkdir(In("sub").c_str(), 0700), 0);
  Put("sub/w.bin", "weights");
  Put("..data", "dots in names are fine");
  for (const char* name : {"sub/w.bin", "./sub/w.bin", "..data"}) {
    const auto file = MappedFile::OpenBeneath(folder_, name, 100);
    EXPECT_TRUE(file.ok()) << name << ": " << file.status().message();
  }
  // The folder itself is the caller's choice and may be reached through a link.
  ASSERT_EQ(symlink(".", In("link").c_str()), 0);
  EXPECT_TRUE(MappedFile::OpenBeneath(In("link"), "..data", 100).ok());
}

TEST_F(FileTest, BeneathNeverLeavesTheFolder) {
  ASSERT_EQ(mkdir(In("model").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(In("model/sub").c_str(), 0700), 0);
  Put("secret", "secret");
  Put("model/w", "weights");
  Put("model/shared", "weights");
  ASSERT_EQ(symlink("../secret", In("model/link").c_str()), 0);
  ASSERT_EQ(symlink("w", In("model/inner").c_str()), 0);
  ASSERT_EQ(symlink("..", In("model/up").c_str()), 0);
  ASSERT_EQ(link(In("secret").c_str(), In("model/hard").c_str()), 0);
  ASSERT_EQ(mkfifo(In("model/fifo").c_str(), 0600), 0);
  const struct {
    std::string path;
    const char* why;
  } cases[] = {{"../secret", "\"..\""},
               {"sub/../../secret", "\"..\""},
               {"sub/../w", "\"..\""},
               {"..", "\"..\""},
               {In("secret"), "relative"},
               {"/etc/passwd", "relative"},
               {"", "empty"},
               {"sub//x", "empty component"},
               {"sub/", "empty component"},
               {".", "empty component"},
               {"..\\secret", "backslash"},
               {"C:secret", "drive"},
               {std::string("w\0x", 3), "zero byte"},
               {"link", "symbolic link"},
               {"inner", "symbolic link"},
               {"up/secret", "symbolic link"},
               {"hard", "hard link"},
               {"fifo", "regular file"},
               {"sub", "regular file"}};
  for (const auto& c : cases) {
    const Status status = MappedFile::OpenBeneath(In("model"), c.path, 100).status();
    EXPECT_EQ(status.code(), Code::kInvalidModel) << c.path;
    EXPECT_NE(status.message().find(c.why), std::string::npos) << c.path << ": " << status.message();
  }
  EXPECT_EQ(MappedFile::OpenBeneath(In("model"), "absent", 100).status().code(), Code::kIo);
  EXPECT_EQ(MappedFile::OpenBeneath(In("model"), "w", 3).status().code(), Code::kLimit);
  EXPECT_EQ(MappedFile::OpenBeneath(In("absent"), "w", 3).status().code(), Code::kIo);
}

TEST_F(FileTest, AtomicWriteMakesAndReplaces) {
  const auto write = [&](const std::string& first, const std::string& second) {
    return AtomicWriteFile(In("out"), [&](const ByteSink& sink) {
      OCTAVO_RETURN_IF_ERROR(sink(Bytes(first)));
      return sink(Bytes(second));
    });
  };
  ASSERT_TRUE(write("one", "two").ok());
  EXPECT_EQ(Get("out"), "onetwo");
  ASSERT_EQ(chmod(In("out").c_str(), 0640), 0);
  ASSERT_TRUE(write("", "three").ok());
  EXPECT_EQ(Get("out"), "three");
  struct stat info;
  ASSERT_EQ(stat(In("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(Entries(), 1u);
}

TEST_F(FileTest, MappingSurvivesReplacement) {
  Put("out", "old");
  const auto file = MappedFile::Open(In("out"), 100);
  ASSERT_TRUE(AtomicWriteFile(In("out"), [](const ByteSink& sink) { return sink(Bytes("new")); }).ok());
  EXPECT_EQ(Text(**file), "old");
  EXPECT_EQ(Get("out"), "new");
}

TEST_F(FileTest, FailedWriteLeavesNothingBehind) {
  Put("out", "old");
  const Status failed = AtomicWriteFile(In("out"), [](const ByteSink& sink) {
    OCTAVO_RETURN_IF_ERROR(sink(Bytes("half")));
    return Error(Code::kCancelled, "enough");
  });
  EXPECT_EQ(failed.code(), Code::kCancelled);
  EXPECT_THROW((void)AtomicWriteFile(In("out"), [](const ByteSink&) -> Status { throw std::bad_alloc(); }),
               std::bad_alloc);
  EXPECT_EQ(Get("out"), "old");
  EXPECT_EQ(Entries(), 1u);
  const auto nothing = [](const ByteSink&) { return Ok(); };
  EXPECT_EQ(AtomicWriteFile(In("no/such/folder"), nothing).code(), Code::kIo);
  EXPECT_EQ(AtomicWriteFile(folder_, nothing).code(), Code::kIo);
  EXPECT_EQ(AtomicWriteFile("/dev/full", nothing).code(), Code::kIo);
  EXPECT_EQ(AtomicWriteFile("", nothing).code(), Code::kInvalidArgument);
}

TEST_F(FileTest, LongestNamesCanBeWritten) {
  const std::string name(255, 'n');
  EXPECT_TRUE(AtomicWriteFile(In(name), [](const ByteSink& sink) { return sink(Bytes("x")); }).ok());
  EXPECT_EQ(Get(name), "x");
}

}  // namespace
}  // namespace octavo
