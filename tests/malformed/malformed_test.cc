// Loads every file of this folder and compares what happens with expected.tsv, both written by generate.py.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "core/onnx/fields.h"
#include "core/onnx/reader.h"
#include "core/onnx/writer.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

const std::string kFolder = OCTAVO_SOURCE_DIR "/tests/malformed/";

struct Case {
  std::string file, code, fragment;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  std::ifstream list(kFolder + "expected.tsv");
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    cases.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return cases;
}

const char* NameOf(Code code) {
  switch (code) {
    case Code::kOk:
      return "OK";
    case Code::kInvalidModel:
      return "INVALID_MODEL";
    case Code::kUnsupported:
      return "UNSUPPORTED";
    case Code::kLimit:
      return "LIMIT";
    case Code::kIo:
      return "IO";
    default:
      return "something else";
  }
}

MemoryPtr Budget() {
  Limits limits;
  limits.memory_bytes = uint64_t{64} << 20;
  limits.nodes = 2000;
  limits.string_bytes = 4096;
  return std::make_shared<Memory>(limits);
}

// All that happens to a model before it runs.
Status Load(const std::string& path, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Graph graph, ReadOnnxFile(path, memory));
  OCTAVO_RETURN_IF_ERROR(WriteOnnx(graph, [](std::span<const std::byte>) { return Ok(); }));
  OCTAVO_ASSIGN_OR_RETURN(graph, Simplify(std::move(graph), {}, memory));
  OCTAVO_ASSIGN_OR_RETURN(graph, UpgradeOpset(std::move(graph), 21, memory));
  OCTAVO_ASSIGN_OR_RETURN(graph, Simplify(std::move(graph), {}, memory));
  return Ok();
}

TEST(MalformedTest, EveryFileGetsTheAnswerItShould) {
  const std::vector<Case> cases = Cases();
  ASSERT_GE(cases.size(), 300u);
  for (const Case& c : cases) {
    const MemoryPtr memory = Budget();
    const auto start = std::chrono::steady_clock::now();
    const Status status = Load(kFolder + c.file, memory);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_EQ(NameOf(status.code()), c.code) << c.file << ": " << status.message();
    EXPECT_NE(status.message().find(c.fragment), std::string::npos) << c.file << ": " << status.message();
    EXPECT_TRUE(IsText(status.message()) && status.message().size() <= 1024) << c.file;
    EXPECT_EQ(memory->live_bytes(), 0u) << c.file;
    EXPECT_LT(seconds, 10) << c.file;
  }
}

TEST(MalformedTest, EveryFileIsListed) {
  std::set<std::string> listed;
  for (const Case& c : Cases()) EXPECT_TRUE(listed.insert(c.file).second) << c.file;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".onnx") continue;
    EXPECT_EQ(listed.erase(entry.path().filename()), 1u) << entry.path();
    EXPECT_LE(entry.file_size(), 65536u) << entry.path();
  }
  EXPECT_TRUE(listed.empty());
}

}  // namespace
}  // namespace octavo
