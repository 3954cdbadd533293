// Report: a float network and its quantized form run on the same inputs, compared value by value.
#ifndef OCTAVO_CORE_QUANTIZE_REPORT_H_
#define OCTAVO_CORE_QUANTIZE_REPORT_H_

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/cancel.h"
#include "core/graph/graph.h"
#include "core/run/session.h"

namespace octavo {

// Error of one value, summed over everything collected.
struct ErrorSums {
  uint64_t count = 0;  // pairs of finite values compared
  double signal = 0, noise = 0, absolute = 0;
  double max_error = 0;
  double min = 0, max = 0;  // of the float value
  uint64_t clipped = 0;     // float values that the quantized range cannot hold

  // In decibels; +infinity if there is no error at all.
  double Sqnr() const;
};

class Report {
 public:
  struct Layer {
    std::string name, op, value;  // of the float graph; `value` is the node's first output
    std::string precision, reason, sentence;
    double macs = 0;
    bool compared = false;  // whether the quantized program shows this value
    ErrorSums error;
    double float_seconds = 0, quantized_seconds = 0;
  };
  struct Output {
    std::string name;
    ErrorSums error;
    uint64_t rows = 0, same_top = 0;  // rows of the last dimension, and those whose greatest element is the same
  };

  // `simplified`: Simplify(float_graph), what `quantized` was made of.
  static Result<std::unique_ptr<Report>> Create(const Graph& float_graph, const Graph& simplified,
                                                const Graph& quantized, const SessionOptions& options,
                                                const std::string& cpu_target, const MemoryPtr& memory);

  // One batch: one tensor per input of the models. On error nothing of this batch is counted.
  Status Collect(std::span<const Tensor> inputs, const Cancel* cancel);

  const std::vector<Layer>& layers() const { return layers_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  uint64_t batches() const { return batches_; }

  std::string ToJson() const;  // the form is described at octavo_report_json
  std::string ToHtml() const;  // one page that needs nothing else

 private:
  // A value of the quantized program that stands for a value of the float one.
  struct Stand {
    size_t layer = 0;
    int rank = 0;  // the later in the chain float -> quantized -> dequantized, the better
    bool integer = false;
    float scale = 1;
    int32_t zero_point = 0;
  };
  // Least time of each step of a session over all runs with the shapes of the first batch: others only add noise.
  struct Timing {
    std::vector<double> least;  // by step
  };
  struct Bounds {
    bool known = false;
    double low = 0, high = 0;
  };

  Report() = default;
  void FindStands(const Graph& quantized);
  Status RunObserved(std::span<const Tensor> inputs, const Cancel* cancel, std::vector<ErrorSums>* layers,
                     std::vector<bool>* compared);
  Status RunOutputs(std::span<const Tensor> inputs, const Cancel* cancel, std::vector<Output>* outputs);
  size_t LayerOfStep(const std::string& step) const;  // layers_.size() if it is no layer's
  Status Measure(std::span<const Tensor> inputs, const Cancel* cancel);

  MemoryPtr memory_;
  std::unique_ptr<Session> float_observed_, quantized_observed_, float_timed_, quantized_timed_;
  size_t output_count_ = 0;
  uint64_t float_bytes_ = 0, quantized_bytes_ = 0;
  std::string model_name_, cpu_target_;

  std::vector<Layer> layers_;
  std::vector<Output> outputs_;
  std::unordered_map<std::string, size_t> layer_of_value_;  // name of a float value -> layer
  std::unordered_map<std::string, size_t> layer_of_node_;
  std::unordered_map<std::string, Stand> stands_;  // by name of a value of the quantized program
  std::vector<Bounds> bounds_;                     // by layer
  uint64_t batches_ = 0;
  std::vector<Shape> timed_shapes_;
  Timing float_timing_, quantized_timing_;
  double float_seconds_ = 0, quantized_seconds_ = 0;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_REPORT_H_
