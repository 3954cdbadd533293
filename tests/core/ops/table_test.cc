// The table as a whole, and docs/operators.md, which is made from it.
#include "core/ops/table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>

#include "core/ops/families.h"

namespace octavo::test {
namespace {

struct Family {
  const char* title;
  std::span<const Operator> rows;
};

const Family kFamilies[] = {
    {"Convolution", ConvOperators()},
    {"Matrix products", MatMulOperators()},
    {"Pooling", PoolOperators()},
    {"Normalization", NormOperators()},
    {"Softmax", SoftmaxOperators()},
    {"Functions of one tensor", UnaryOperators()},
    {"Functions of several tensors, broadcast", BinaryOperators()},
    {"Reductions, and along an axis", ReduceOperators()},
    {"Resizing", ResizeOperators()},
    {"Shapes, constants, element types", ShapeOperators()},
    {"Moving elements", MoveOperators()},
    {"By index", GatherOperators()},
    {"Quantization", QuantizeOperators()},
};

std::string EightBitForm(const Operator& row) {
  switch (row.quant) {
    case QuantRule::kWeighted:
      return "8-bit activations and weights, int32 sums";
    case QuantRule::kMove:
      return "moves bytes";
    case QuantRule::kJoin:
      return "moves bytes; inputs share the output's scale";
    case QuantRule::kArithmetic:
      return "8-bit arithmetic";
    case QuantRule::kTable:
      return "a table of 256 bytes";
    case QuantRule::kQuantized:
      return "integer by itself";
    case QuantRule::kNone:
      break;
  }
  return std::string("float. ") + (row.why_float ? row.why_float : "?");
}

std::string OperatorsPage() {
  std::string page =
      "# Operators\n\n"
      "Made from the operator table by `tests/core/ops/table_test.cc`; to write it anew after a change of a row:\n"
      "`OCTAVO_WRITE_DOCS=1 build/dev/tests/octavo_core_test --gtest_filter=OperatorTable.*`\n\n";
  size_t count = 0;
  for (const Family& family : kFamilies) count += family.rows.size();
  page +=
      std::to_string(count) + " operators of ONNX's own domain, operator sets " + std::to_string(kOldestOpset) +
      " to " + std::to_string(kNewestOpset) +
      ". *Since* is the first operator set in which a node may use the\n"
      "operator here. Element types are those ONNX allows among float32, float64, float16, bfloat16, int8 to int64,\n"
      "uint8 to uint64 and bool; int4 and uint4 only in quantization, Cast and what keeps the order of elements. An\n"
      "empty last column means all of the operator.\n";
  for (const Family& family : kFamilies) {
    page += std::string("\n## ") + family.title + "\n\n| operator | since | as INT8 | coverage |\n|---|---|---|---|\n";
    for (const Operator& row : family.rows) {
      page += std::string("| ") + row.name + " | " + std::to_string(row.since);
      if (row.until != kNewestOpset) page += " to " + std::to_string(row.until);
      page += " | " + EightBitForm(row) + " | " + row.coverage + " |\n";
    }
  }
  return page;
}

TEST(OperatorTable, EveryRowIsWhole) {
  std::set<std::string> names;
  for (const Operator* row : AllOperators()) {
    SCOPED_TRACE(row->name);
    EXPECT_TRUE(names.insert(std::string(row->domain) + ":" + row->name).second) << "twice in the table";
    EXPECT_EQ(FindOperator(row->domain, row->name), row);
    EXPECT_NE(row->infer, nullptr);
    EXPECT_NE(row->evaluate, nullptr);
    EXPECT_LE(row->min_inputs, row->max_inputs);
    EXPECT_LE(1, row->min_outputs);
    EXPECT_LE(row->min_outputs, row->max_outputs);
    EXPECT_LE(kOldestOpset, row->since);
    EXPECT_LE(row->since, row->until);
    EXPECT_LE(row->until, kNewestOpset);
    EXPECT_EQ(row->quant == QuantRule::kNone, row->why_float != nullptr)
        << "a reason stands with kNone, and only there";
    EXPECT_STRNE(row->why_float ? row->why_float : "-", "");
    ASSERT_NE(row->coverage, nullptr);
    for (const char* text : {row->why_float ? row->why_float : "", row->coverage}) {
      EXPECT_EQ(std::string(text).find_first_of("|\n"), std::string::npos) << "breaks the table in docs/operators.md";
    }
    std::set<std::string> attributes;
    for (const AttributeSpec& spec : row->attributes) EXPECT_TRUE(attributes.insert(spec.name).second) << spec.name;
  }
  EXPECT_EQ(FindOperator("ai.onnx", "Conv"), FindOperator("", "Conv"));
  EXPECT_EQ(FindOperator("com.example", "Conv"), nullptr);
  EXPECT_EQ(FindOperator("", "conv"), nullptr);
}

TEST(OperatorTable, EveryFamilyIsDocumented) {
  size_t documented = 0;
  for (const Family& family : kFamilies) documented += family.rows.size();
  EXPECT_EQ(documented + IntegerOperators().size(), AllOperators().size());
}

TEST(OperatorTable, DocumentationIsUpToDate) {
  const std::string path = std::string(OCTAVO_SOURCE_DIR) + "/docs/operators.md";
  const std::string page = OperatorsPage();
  if (std::getenv("OCTAVO_WRITE_DOCS")) std::ofstream(path, std::ios::binary) << page;
  std::ifstream file(path, std::ios::binary);
  const std::string found((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(found == page) << "docs/operators.md does not match the table; its second paragraph says how to write it";
}

}  // namespace
}  // namespace octavo::test
