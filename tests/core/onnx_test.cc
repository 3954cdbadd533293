#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/onnx/fields.h"
#include "core/onnx/reader.h"
#include "core/onnx/writer.h"
#include "tests/core/graph_builder.h"
#include "tests/core/proto_builder.h"

namespace octavo {
namespace {

using test::Attr;
using test::Proto;
using test::ProtoAdd;
using test::ProtoModel;
using test::ProtoNode;
using test::ProtoTensor;
using test::ProtoValue;
using test::TestMemory;

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

Result<Graph> Read(const std::string& bytes) { return ReadOnnxBytes(Bytes(bytes), nullptr, TestMemory()); }

std::string Written(const Graph& graph) {
  std::string bytes;
  const Status status = WriteOnnx(graph, [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

void ExpectError(const Status& status, Code code, const std::string& fragment) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(fragment), std::string::npos) << status.message();
}

std::string Hex(const Tensor& tensor) {
  std::string text;
  for (size_t i = 0; i < tensor.bytes(); ++i) {
    char byte[3];
    std::snprintf(byte, sizeof(byte), "%02x", static_cast<const uint8_t*>(tensor.raw())[i]);
    text += byte;
  }
  return text;
}

// --- text

TEST(OnnxTextTest, Utf8) {
  for (const char* good :
       {"", "conv1", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsText(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\xaf",
                          "\xf4\x90\x80\x80", "\xff", "a\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(IsText(bad)) << bad;
  }
  EXPECT_FALSE(IsText(std::string_view("a\0b", 3)));
}

// --- tensors: every type in every encoding

struct Encoding {
  DType dtype;
  std::vector<int64_t> dims;
  Proto data;
  const char* hex;  // "": must fail
  const char* message = "";
};

TEST(OnnxTensorTest, EveryEncoding) {
  using T = proto::Tensor;
  const auto raw = [](std::initializer_list<uint8_t> bytes) { return Proto().Raw(T::kRawData, std::vector(bytes)); };
  const auto ints = [](uint32_t tag, std::vector<int64_t> values) { return Proto().Packed(tag, values); };
  const Encoding encodings[] = {
      {DType::kFloat, {2}, Proto().Raw(T::kRawData, std::vector<float>{1, -2}), "0000803f000000c0"},
      {DType::kFloat, {2}, Proto().Raw(T::kFloatData, std::vector<float>{1, -2}), "0000803f000000c0"},
      {DType::kFloat, {2}, Proto().Float(T::kFloatData, 1).Float(T::kFloatData, -2), "0000803f000000c0"},
      {DType::kFloat,
       {2},
       Proto().Float(T::kFloatData, 1).Raw(T::kFloatData, std::vector<float>{-2}),
       "0000803f000000c0"},
      {DType::kDouble, {1}, Proto().Raw(T::kRawData, std::vector<double>{1}), "000000000000f03f"},
      {DType::kDouble, {1}, Proto().Raw(T::kDoubleData, std::vector<double>{1}), "000000000000f03f"},
      {DType::kInt64, {2}, ints(T::kInt64Data, {1, -1}), "0100000000000000ffffffffffffffff"},
      {DType::kInt64, {2}, Proto().Int(T::kInt64Data, 1).Int(T::kInt64Data, -1), "0100000000000000ffffffffffffffff"},
      {DType::kInt64, {1}, Proto().Raw(T::kRawData, std::vector<int64_t>{-2}), "feffffffffffffff"},
      {DType::kUInt64, {1}, ints(T::kUInt64Data, {-1}), "ffffffffffffffff"},
      {DType::kUInt32, {1}, ints(T::kUInt64Data, {4294967295}), "ffffffff"},
      {DType::kUInt32, {1}, ints(T::kUInt64Data, {4294967296}), "", "element 0 is 4294967296"},
      {DType::kInt32, {2}, ints(T::kInt32Data, {-1, 7}), "ffffffff07000000"},
      {DType::kInt32, {1}, Proto().Bytes(T::kInt32Data, "\xff\xff\xff\xff\x0f"), "ffffffff"},  // -1 in five bytes
      {DType::kInt16, {2}, ints(T::kInt32Data, {-32768, 32767}), "0080ff7f"},
      {DType::kInt16, {1}, ints(T::kInt32Data, {32768}), "", "element 0 is 32768, outside [-32768, 32767]"},
      {DType::kUInt16, {1}, ints(T::kInt32Data, {65535}), "ffff"},
      {DType::kInt8, {2}, ints(T::kInt32Data, {-128, 127}), "807f"},
      {DType::kInt8, {2}, ints(T::kInt32Data, {0, 300}), "", "element 1 is 300, outside [-128, 127]"},
      {DType::kUInt8, {2}, ints(T::kInt32Data, {0, 255}), "00ff"},
      {DType::kUInt8, {1}, ints(T::kInt32Data, {-1}), "", "element 0 is -1, outside [0, 255]"},
      {DType::kUInt8, {3}, raw({1, 2, 3}), "010203"},
      {DType::kBool, {2}, ints(T::kInt32Data, {1, 0}), "0100"},
      {DType::kBool, {1}, ints(T::kInt32Data, {2}), "", "outside [0, 1]"},
      {DType::kBool, {2}, raw({0, 1}), "0001"},
      {DType::kBool, {2}, raw({0, 2}), "", "bool 1 is 2, not 0 or 1"},
      {DType::kFloat16, {2}, ints(T::kInt32Data, {0x3c00, 0xfc00}), "003c00fc"},
      {DType::kFloat16, {1}, raw({0x00, 0x3c}), "003c"},
      {DType::kFloat16, {1}, ints(T::kInt32Data, {65536}), "", "outside [0, 65535]"},
      {DType::kBFloat16, {1}, ints(T::kInt32Data, {0x3f80}), "803f"},
      {DType::kInt4, {3}, ints(T::kInt32Data, {0x21, 0x03}), "2103"},
      {DType::kInt4, {3}, raw({0x21, 0x03}), "2103"},
      {DType::kUInt4, {2, 2}, ints(T::kInt32Data, {0x10, 0x32}), "1032"},
      {DType::kInt4,
       {3},
       ints(T::kInt32Data, {1, 2, 3}),
       "",
       "3 numbers of data where a int4 tensor of shape [3] has 2"},
      {DType::kFloat, {0}, Proto(), ""},
      {DType::kFloat, {2, 0, 3}, raw({}), ""},
      {DType::kFloat, {}, Proto().Float(T::kFloatData, 1), "0000803f"},
      {DType::kFloat, {2}, Proto(), "", "0 numbers of data where a float32 tensor of shape [2] has 2"},
      {DType::kFloat, {2}, raw({1, 2, 3, 4}), "", "4 bytes of raw_data where a float32 tensor of shape [2] has 8"},
      {DType::kFloat, {1}, ints(T::kInt32Data, {1}), "", "int32_data in a float32 tensor"},
      {DType::kInt8, {1}, Proto().Float(T::kFloatData, 1), "", "float_data in a int8 tensor"},
      {DType::kInt8,
       {1},
       ints(T::kInt32Data, {1}).Raw(T::kRawData, std::vector<int8_t>{1}),
       "",
       "both raw_data and int32_data"},
      {DType::kFloat, {1}, Proto().Bytes(T::kFloatData, "abc"), "", "packed numbers end in the middle of one"},
      {DType::kInt64, {1}, Proto().Bytes(T::kInt64Data, "\x80"), "", "field 7: end of buffer"},
      {DType::kFloat, {-1}, Proto(), "", "negative dimension"},
      {DType::kFloat, {INT64_MAX, 2}, Proto(), "", "more than 2^63 elements"},
      {DType::kFloat, {int64_t{1} << 32, int64_t{1} << 32}, Proto(), "", "more than 2^63 elements"},
      {DType::kFloat, {int64_t{1} << 40}, Proto(), "", "0 numbers of data"},
      {DType::kFloat, {1, 1, 1, 1, 1, 1, 1, 1, 1}, Proto().Float(T::kFloatData, 1), "", "rank 9"},
      {DType::kString, {1}, Proto().Bytes(T::kStringData, "a"), "", "element type string, which is not supported"},
      {static_cast<DType>(17), {1}, raw({1}), "", "element type float8e4m3fn, which is not supported"},
      {static_cast<DType>(14), {1}, raw({1}), "", "element type complex64, which is not supported"},
      {static_cast<DType>(0), {1}, raw({1}), "", "element type 0, which does not exist"},
      {static_cast<DType>(-1), {1}, raw({1}), "", "element type -1, which does not exist"},
      {static_cast<DType>(9999), {1}, raw({1}), "", "element type 9999, which does not exist"},
      {DType::kFloat, {1}, Proto().Float(T::kFloatData, 1).Sub(T::kSegment, Proto()), "", "segments"},
      {DType::kFloat, {1}, Proto().Float(T::kFloatData, 1).Int(T::kDataLocation, 2), "", "data_location 2"},
  };
  for (const Encoding& encoding : encodings) {
    Proto proto = ProtoTensor("w", encoding.dtype, encoding.dims);
    proto.bytes += encoding.data.bytes;
    const Result<Tensor> tensor = ReadOnnxTensor(Bytes(proto.bytes), TestMemory());
    if (*encoding.message) {
      ASSERT_FALSE(tensor.ok()) << encoding.message;
      EXPECT_NE(tensor.status().message().find(encoding.message), std::string::npos) << tensor.status().message();
    } else {
      ASSERT_TRUE(tensor.ok()) << tensor.status().message();
      EXPECT_EQ(tensor->dtype(), encoding.dtype);
      EXPECT_EQ(tensor->shape(), Shape(std::span(encoding.dims)));
      EXPECT_EQ(Hex(*tensor), encoding.hex);
    }
  }
}

// --- models

TEST(OnnxReaderTest, WeightsAreViewsWhereAligned) {
  const Proto initializer = ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2});
  const std::string bytes = ProtoModel(ProtoAdd(initializer)).bytes;
  // Wherever the model lies, the weights are right; at one place in four they are not even copied.
  int views = 0;
  for (size_t shift = 0; shift < 8; ++shift) {
    auto moved = std::make_shared<std::string>(shift, ' ');
    *moved += bytes;
    const auto span = Bytes(*moved).subspan(shift);
    const Result<Graph> graph = ReadOnnxBytes(span, moved, TestMemory());
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const Tensor& w = *graph->values[graph->initializers[0]].constant;
    EXPECT_EQ(w.data<float>()[1], 2);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(w.raw()) % 4, 0u);
    views += w.raw() >= span.data() && w.raw() < span.data() + span.size();
  }
  EXPECT_EQ(views, 2);
}

TEST(OnnxReaderTest, NoOwnerMeansCopies) {
  auto bytes = std::make_unique<std::string>(
      ProtoModel(ProtoAdd(ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2})))
          .bytes);
  Result<Graph> graph = Read(*bytes);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  bytes.reset();
  EXPECT_EQ(graph->values[graph->initializers[0]].constant->data<float>()[1], 2);
}

// Before IR version 4 every initializer had to be listed as an input too.
TEST(OnnxReaderTest, DefaultsOfInputs) {
  Proto graph = ProtoAdd(ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2}));
  graph.Sub(proto::Graph::kInput, ProtoValue("w", DType::kFloat, {-1}));
  const std::string bytes = ProtoModel(graph, 8, 3).bytes;
  const Result<Graph> read = Read(bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->inputs.size(), 1u);  // what is asked for at run time
  EXPECT_TRUE(read->values[read->initializers[0]].default_input);
  EXPECT_EQ(read->values[read->initializers[0]].shape, Shape({2}));
  const Result<Graph> again = Read(Written(*read));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_TRUE(again->values[again->initializers[0]].default_input);

  Proto wrong = ProtoAdd(ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2}));
  wrong.Sub(proto::Graph::kInput, ProtoValue("w", DType::kFloat, {3}));
  ExpectError(Read(ProtoModel(wrong).bytes).status(), Code::kInvalidModel,
              "initializer 'w' has shape [2], but the model states [3]");
}

TEST(OnnxReaderTest, NodesOutOfOrderAreSorted) {
  const Proto graph = Proto()
                          .Sub(proto::Graph::kNode, ProtoNode("Relu", {"a"}, {"y"}))
                          .Sub(proto::Graph::kNode, ProtoNode("Neg", {"x"}, {"a"}))
                          .Sub(proto::Graph::kInput, ProtoValue("x", DType::kFloat, {2}))
                          .Sub(proto::Graph::kOutput, ProtoValue("y", DType::kFloat, {2}));
  const Result<Graph> read = Read(ProtoModel(graph).bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->nodes[0].op_type, "Neg");
}

TEST(OnnxReaderTest, UnknownFieldsAreSkipped) {
  Proto model =
      ProtoModel(ProtoAdd(ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2})));
  for (int i = 0; i < 100000; ++i) model.Int(1000, i).Bytes(1001, "x").Float(1002, 1);
  EXPECT_TRUE(Read(model.bytes).ok());
}

// --- writing

Graph Everything() {
  test::GraphBuilder b(13);
  Graph& graph = b.graph();
  graph.name = "net";
  graph.doc = "a graph";
  graph.producer_name = "octavo test";
  graph.producer_version = "1.0";
  graph.model_domain = "example.com";
  graph.model_doc = "a model";
  graph.model_version = -7;
  graph.metadata = {{"zebra", "1"}, {"aardvark", ""}};
  graph.opsets.push_back({"com.example", 3});
  const ValueId x = b.Input("x", DType::kFloat, Shape({Shape::kUnknown, 3, 8, 8}));
  graph.values[x].dim_names = {"batch", "", "", ""};
  graph.values[x].doc = "the input";
  const ValueId w = b.Constant(test::TensorOf<float>({4, 3, 1, 1}, std::vector<float>(12, 0.5f)), "w");
  const ValueId conv =
      b.Node1("Conv", {x, w}, {Attr("kernel_shape", std::vector<int64_t>{1, 1}), Attr("auto_pad", "VALID")});
  graph.values[conv].declared = true;
  graph.values[conv].declared_shape = Shape({Shape::kUnknown, 4, Shape::kUnknown, 8});
  graph.values[conv].dim_names = {"batch", "", "", ""};
  graph.nodes.back().doc = "first";
  graph.nodes.back().metadata = {{"origin", "here"}};
  const ValueId leaky = b.Node1("LeakyRelu", {conv}, {Attr("alpha", 0.125f)});
  const ValueId clip = b.Node1("Clip", {leaky, kNoValue, b.Scalar(6.0f)});
  const ValueId c = b.Node1("Constant", {}, {{"value", test::TensorOf<int64_t>({4}, {0, 4, 8, 8})}});
  const ValueId shape = b.Node1("Reshape", {clip, c});
  graph.nodes.back().name = "";
  b.Output(shape);
  b.Output(x);
  return graph;
}

TEST(OnnxWriterTest, WhatIsReadIsWhatWasWritten) {
  const Graph graph = Everything();
  const std::string bytes = Written(graph);
  const Result<Graph> read = Read(bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->name, graph.name);
  EXPECT_EQ(read->doc, graph.doc);
  EXPECT_EQ(read->producer_name, graph.producer_name);
  EXPECT_EQ(read->producer_version, graph.producer_version);
  EXPECT_EQ(read->model_domain, graph.model_domain);
  EXPECT_EQ(read->model_doc, graph.model_doc);
  EXPECT_EQ(read->model_version, graph.model_version);
  EXPECT_EQ(read->ir_version, graph.ir_version);
  EXPECT_EQ(read->metadata, graph.metadata);
  ASSERT_EQ(read->opsets.size(), 2u);
  EXPECT_EQ(read->opsets[1].domain, "com.example");
  ASSERT_EQ(read->nodes.size(), graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node &a = read->nodes[n], &b = graph.nodes[n];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.op_type, b.op_type);
    EXPECT_EQ(a.doc, b.doc);
    EXPECT_EQ(a.metadata, b.metadata);
    ASSERT_EQ(a.inputs.size(), b.inputs.size());
    for (size_t i = 0; i < a.inputs.size(); ++i) {
      ASSERT_EQ(a.inputs[i] == kNoValue, b.inputs[i] == kNoValue);
      if (a.inputs[i] != kNoValue) {
        EXPECT_EQ(read->values[a.inputs[i]].name, graph.values[b.inputs[i]].name);
      }
    }
    ASSERT_EQ(a.attributes.size(), b.attributes.size());
    for (size_t i = 0; i < a.attributes.size(); ++i) {
      EXPECT_EQ(a.attributes[i].name, b.attributes[i].name);
      EXPECT_EQ(a.attributes[i].value.index(), b.attributes[i].value.index());
    }
  }
  const Value& x = read->values[read->inputs[0]];
  EXPECT_EQ(x.shape, Shape({Shape::kUnknown, 3, 8, 8}));
  EXPECT_EQ(x.dim_names, (std::vector<std::string>{"batch", "", "", ""}));
  EXPECT_EQ(x.doc, "the input");
  const Value& conv = read->values[read->nodes[0].outputs[0]];
  EXPECT_TRUE(conv.declared);
  EXPECT_EQ(conv.declared_shape, Shape({Shape::kUnknown, 4, Shape::kUnknown, 8}));
  // From the first rewriting on, not a byte changes.
  EXPECT_EQ(Written(*read), bytes);
}

TEST(OnnxWriterTest, ExportedModelKeepsItsBytesFromTheFirstRewriting) {
  const Result<Graph> graph = ReadOnnxFile(OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", TestMemory());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::string bytes = Written(*graph);
  const Result<Graph> again = Read(bytes);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(Written(*again), bytes);
}

TEST(OnnxWriterTest, InternalOperatorsStayInside) {
  Graph graph = Everything();
  graph.nodes[1].domain = kInternalDomain;
  ExpectError(WriteOnnx(graph, [](std::span<const std::byte>) { return Ok(); }), Code::kInternal, "is internal");
}

TEST(OnnxWriterTest, SinkErrorsComeBack) {
  ExpectError(WriteOnnx(Everything(), [](std::span<const std::byte>) { return Error(Code::kIo, "disk full"); }),
              Code::kIo, "disk full");
}

TEST(OnnxWriterTest, TwoGibibytesAreRefusedBeforeAnythingIsWritten) {
  constexpr size_t kBytes = size_t{3} << 30;
  void* data = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) GTEST_SKIP() << "no address space";
  Graph graph = Everything();
  Result<Tensor> huge = Tensor::Wrap(DType::kUInt8, Shape({static_cast<int64_t>(kBytes)}), data, kBytes, nullptr);
  ASSERT_TRUE(huge.ok());
  graph.AddConstant("huge", *huge);
  ExpectError(WriteOnnx(graph, [](std::span<const std::byte>) { return Error(Code::kInternal, "too late"); }),
              Code::kLimit, "protobuf ends at 2 GiB");
  munmap(data, kBytes);
}

// --- external data

class ExternalTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "octavo_onnx_test_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  void Put(const std::string& name, const std::string& bytes) const { std::ofstream(In(name)) << bytes; }

  // A model whose tensor w, two floats, lies outside as these entries say.
  Status ReadWith(const std::vector<std::pair<std::string, std::string>>& entries) const {
    Proto tensor = ProtoTensor("w", DType::kFloat, {2}).Int(proto::Tensor::kDataLocation, 1);
    for (const auto& [key, value] : entries) {
      tensor.Sub(proto::Tensor::kExternalData,
                 Proto().Bytes(proto::Entry::kKey, key).Bytes(proto::Entry::kValue, value));
    }
    Put("net.onnx", ProtoModel(ProtoAdd(tensor)).bytes);
    return ReadOnnxFile(In("net.onnx"), TestMemory()).status();
  }

  std::string folder_;
};

TEST_F(ExternalTest, RoundTrip) {
  test::GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 300}));
  std::vector<float> many(300);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i);
  ValueId y = b.Node1("Add", {x, b.Constant(test::TensorOf<float>({300}, many), "a")});
  y = b.Node1("Add", {y, b.Scalar(1.0f)});
  y = b.Node1("Mul", {y, b.Constant(test::TensorOf<float>({1, 300}, many), "b")});
  b.Output(y);
  ASSERT_TRUE(WriteOnnxFile(b.graph(), In("net.onnx"), true).ok());
  EXPECT_EQ(std::filesystem::file_size(In("net.onnx.data")), 1216u + 1200u);  // 1200 rounded up to 64, and 1200
  const Result<Graph> read = ReadOnnxFile(In("net.onnx"), TestMemory());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(Written(*read), Written(b.graph()));
  // Views of the data file, as aligned as the file's mapping: nothing was copied.
  for (const char* name : {"a", "b"}) {
    for (const Value& value : read->values) {
      if (value.name == name) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(value.constant->raw()) % 64, 0u);
      }
    }
  }
  // Over itself, while it is mapped.
  ASSERT_TRUE(WriteOnnxFile(*read, In("net.onnx"), true).ok());
  ASSERT_TRUE(ReadOnnxFile(In("net.onnx"), TestMemory()).ok());
  ASSERT_TRUE(WriteOnnxFile(*read, In("whole.onnx"), false).ok());
  EXPECT_FALSE(std::filesystem::exists(In("whole.onnx.data")));

  std::ifstream file(In("net.onnx"));
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ExpectError(Read(bytes).status(), Code::kUnsupported, "tensor 'a': its data lies in the file 'net.onnx.data'");
  std::filesystem::resize_file(In("net.onnx.data"), 2000);
  ExpectError(ReadOnnxFile(In("net.onnx"), TestMemory()).status(), Code::kInvalidModel,
              "1200 bytes at offset 1216, but 'net.onnx.data' has 2000");
}

TEST_F(ExternalTest, EveryEntryIsChecked) {
  Put("w.bin", "01234567 12345678");
  EXPECT_TRUE(ReadWith({{"location", "w.bin"}}).ok());
  EXPECT_TRUE(ReadWith({{"location", "w.bin"}, {"offset", "9"}, {"length", "8"}, {"checksum", "?"}}).ok());
  const struct {
    std::vector<std::pair<std::string, std::string>> entries;
    const char* message;
  } cases[] = {
      {{}, "no location"},
      {{{"location", "w.bin"}, {"offset", "10"}}, "8 bytes at offset 10, but 'w.bin' has 17"},
      {{{"location", "w.bin"}, {"offset", "18446744073709551615"}}, "8 bytes at offset 18446744073709551615"},
      {{{"location", "w.bin"}, {"offset", "18446744073709551616"}}, "offset '18446744073709551616' is no number"},
      {{{"location", "w.bin"}, {"offset", "-1"}}, "offset '-1' is no number of bytes"},
      {{{"location", "w.bin"}, {"offset", "0x8"}}, "offset '0x8' is no number of bytes"},
      {{{"location", "w.bin"}, {"offset", ""}}, "offset '' is no number of bytes"},
      {{{"location", "w.bin"}, {"offset", " 1"}}, "offset ' 1' is no number of bytes"},
      {{{"location", "w.bin"}, {"length", "7"}}, "7 bytes where a float32 tensor of shape [2] has 8"},
      {{{"location", "w.bin"}, {"length", "1e9"}}, "length '1e9' is no number of bytes"},
      {{{"location", "w.bin"}, {"location", "w.bin"}}, "key 'location' is unknown or stands twice"},
      {{{"location", "w.bin"}, {"offset", "0"}, {"offset", "1"}}, "key 'offset' is unknown or stands twice"},
      {{{"location", "w.bin"}, {"basepath", "/etc"}}, "key 'basepath' is unknown"},
      {{{"location", "../w.bin"}}, "'../w.bin' is refused"},
      {{{"location", "/etc/passwd"}}, "'/etc/passwd' is refused"},
      {{{"location", ""}}, "refused: the path is empty"},
  };
  for (const auto& c : cases) ExpectError(ReadWith(c.entries), Code::kInvalidModel, c.message);
  ExpectError(ReadWith({{"location", "absent.bin"}}), Code::kIo, "cannot open external file 'absent.bin'");
  ExpectError(ReadWith({{"location", "absent.bin"}}), Code::kIo, "net.onnx': tensor 'w': ");
}

// --- nothing that can be done to the bytes does harm

std::string SmallModel() {
  Proto initializer = ProtoTensor("w", DType::kFloat, {2}).Raw(proto::Tensor::kRawData, std::vector<float>{1, 2});
  Proto graph = ProtoAdd(initializer);
  graph.Sub(proto::Graph::kNode,
            ProtoNode("Flatten", {"y"}, {"z"})
                .Sub(proto::Node::kAttribute, Proto()
                                                  .Bytes(proto::Attribute::kAttributeName, "axis")
                                                  .Int(proto::Attribute::kInt, 1)
                                                  .Int(proto::Attribute::kType, proto::Attribute::kTypeInt)));
  graph.Sub(proto::Graph::kOutput, ProtoValue("z", DType::kFloat, {2, 1}));
  return ProtoModel(graph).bytes;
}

void ExpectCleanAnswer(const std::string& bytes) {
  const Result<Graph> graph = Read(bytes);
  if (graph.ok()) {
    const Result<Graph> again = Read(Written(*graph));
    EXPECT_TRUE(again.ok()) << again.status().message();
  } else {
    const Code code = graph.status().code();
    EXPECT_TRUE(code == Code::kInvalidModel || code == Code::kUnsupported || code == Code::kLimit)
        << static_cast<int>(code) << ": " << graph.status().message();
    EXPECT_FALSE(graph.status().message().empty());
    EXPECT_TRUE(IsText(graph.status().message()));
  }
}

TEST(OnnxHostileTest, EveryPrefix) {
  const std::string model = SmallModel();
  ASSERT_TRUE(Read(model).ok()) << Read(model).status().message();
  for (size_t size = 0; size < model.size(); ++size) {
    const Result<Graph> graph = Read(model.substr(0, size));
    EXPECT_FALSE(graph.ok()) << size;
    ExpectCleanAnswer(model.substr(0, size));
  }
}

TEST(OnnxHostileTest, EveryByteReplaced) {
  const std::string model = SmallModel();
  for (size_t i = 0; i < model.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = model;
      changed[i] = static_cast<char>(byte);
      ExpectCleanAnswer(changed);
    }
  }
}

TEST(OnnxHostileTest, BytesInsertedAndRemoved) {
  const std::string model = SmallModel();
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = model;
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const size_t at = random() % changed.size();
      if (random() % 2) {
        changed.insert(at, 1, static_cast<char>(random()));
      } else {
        changed.erase(at, 1 + random() % 4);
      }
    }
    ExpectCleanAnswer(changed);
  }
}

}  // namespace
}  // namespace octavo
