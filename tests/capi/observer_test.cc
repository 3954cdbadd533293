// Observers of the caller's: what they are told, what becomes of their answer, what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/capi/support.h"

namespace capi {
namespace {

struct Told {
  std::string value;
  int64_t count;
  double min, max;
  std::vector<double> lows, highs;
  std::vector<int64_t> counts;
  std::thread::id thread;
};

// Notes what it is told and answers as the test wishes.
struct Observer {
  std::vector<Told> told;
  void (*choose)(const Told& told, double* low, double* high) = [](const Told&, double*, double*) {};
  int32_t answer = 0;

  static int32_t Call(const char* value, int64_t count, double min, double max, size_t bins, const double* lows,
                      const double* highs, const int64_t* counts, double* low, double* high, void* user_data) {
    auto& self = *static_cast<Observer*>(user_data);
    self.told.push_back({value, count, min, max, std::vector(lows, lows + bins), std::vector(highs, highs + bins),
                         std::vector(counts, counts + bins), std::this_thread::get_id()});
    EXPECT_EQ(min, *low);
    EXPECT_EQ(max, *high);
    self.choose(self.told.back(), low, high);
    return self.answer;
  }
};

// The quantile of docs/recipes.md, from nothing but what an observer is told.
double Quantile(const Told& told, double share) {
  double rest = share * static_cast<double>(told.count);
  for (size_t i = 0; i < told.counts.size(); ++i) {
    const auto count = static_cast<double>(told.counts[i]);
    if (rest <= count) return told.lows[i] + rest / count * (told.highs[i] - told.lows[i]);
    rest -= count;
  }
  return told.highs.back();
}

class ObserverTest : public Fixture {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (float& v : many_) v = random() % 8 ? normal(random) : 0;
    const int64_t shape[2] = {500, 4};
    const octavo_tensor_view x = View(OCTAVO_FLOAT32, many_, sizeof(many_), shape, 2);
    Calibrator calibrator;
    ASSERT_OK(octavo_calibrator_create(f32, nullptr, &calibrator));
    ASSERT_OK(octavo_calibrator_collect(calibrator, &x, 1, nullptr));
    ASSERT_OK(octavo_calibrator_finish(calibrator, &statistics));
    ASSERT_OK(octavo_quantize_options_create(&options_));
    ASSERT_OK(octavo_quantize_options_set_observer(options_, Observer::Call, &observer_));
  }

  octavo_status QuantizeWith(const char* json, octavo_model** out) {
    Recipe recipe;
    if (json) {
      EXPECT_OK(octavo_recipe_parse(context, json, std::strlen(json), &recipe));
    }
    return octavo_model_quantize_with(f32, statistics, recipe, options_, out);
  }

  static std::string Saved(const octavo_model* model) {
    Buffer bytes;
    EXPECT_OK(octavo_model_save_memory(model, nullptr, &bytes));
    return Text(bytes);
  }

  float many_[2000];
  Observer observer_;
  QuantizeOptions options_;
};

TEST_F(ObserverTest, IsToldTheDistribution) {
  Model quantized;
  ASSERT_OK(QuantizeWith(nullptr, &quantized));
  ASSERT_FALSE(observer_.told.empty());
  EXPECT_EQ("x", observer_.told[0].value);
  EXPECT_EQ(2000, observer_.told[0].count);
  EXPECT_EQ(*std::min_element(many_, many_ + 2000), observer_.told[0].min);
  EXPECT_EQ(*std::max_element(many_, many_ + 2000), observer_.told[0].max);
  for (const Told& told : observer_.told) {
    EXPECT_EQ(std::this_thread::get_id(), told.thread);
    EXPECT_EQ(told.min, told.lows.front());
    EXPECT_EQ(told.max, told.highs.back());
    int64_t sum = 0;
    for (size_t i = 0; i < told.counts.size(); ++i) {
      sum += told.counts[i];
      EXPECT_GT(told.counts[i], 0);
      EXPECT_LE(told.lows[i], told.highs[i]);
      EXPECT_GE(told.lows[i], i ? told.highs[i - 1] : told.min);
      EXPECT_LE(told.highs[i] - told.lows[i], std::max(std::fabs(told.lows[i]), std::fabs(told.highs[i])) / 32);
    }
    EXPECT_EQ(told.count, sum);
  }
  // Every count is what counting by hand gives: a bin holds its end nearer to 0, and the extremes theirs.
  const Told& x = observer_.told[0];
  for (size_t i = 0; i < x.counts.size(); ++i) {
    const double low = x.lows[i], high = x.highs[i];
    const auto inside = std::count_if(many_, many_ + 2000, [&](float v) {
      if (v == low) return low >= 0 || v == x.min;
      if (v == high) return high <= 0 || v == x.max;
      return v > low && v < high;
    });
    EXPECT_EQ(inside, x.counts[i]) << low << " " << high;
  }
}

TEST_F(ObserverTest, ChoosesAsTheBuiltInOnesWould) {
  Model ours, theirs;
  ASSERT_OK(QuantizeWith(nullptr, &ours));
  const char* recipe = nullptr;
  ASSERT_OK(octavo_model_metadata_get(ours, "octavo.recipe", &recipe));
  EXPECT_NE(nullptr, std::strstr(recipe, R"("observer":"custom")")) << recipe;
  Recipe min_max;
  ASSERT_OK(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &min_max));
  ASSERT_OK(octavo_recipe_set_observer(min_max, "min_max", 0));
  ASSERT_OK(octavo_model_quantize(f32, statistics, min_max, &theirs));
  const auto network = [](const octavo_model* model) {
    const std::string text = Saved(model);
    return text.substr(0, text.find("purpose"));  // metadata comes last, the model's own first
  };
  EXPECT_EQ(network(theirs), network(ours));

  observer_.choose = [](const Told& told, double* low, double* high) {
    *low = std::max(told.min, Quantile(told, 1.0 - 90.0 / 100.0));
    *high = std::min(told.max, Quantile(told, 90.0 / 100.0));
  };
  Model again, percentile;
  ASSERT_OK(QuantizeWith(nullptr, &again));
  Recipe ninety;
  ASSERT_OK(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &ninety));
  ASSERT_OK(octavo_recipe_set_observer(ninety, "percentile", 90));
  ASSERT_OK(octavo_model_quantize(f32, statistics, ninety, &percentile));
  EXPECT_EQ(network(percentile), network(again));
  EXPECT_NE(network(theirs), network(again));
}

TEST_F(ObserverTest, SameChoicesGiveTheSameBytesAndTheStoredRecipeGivesThemAgain) {
  Model first, second;
  ASSERT_OK(QuantizeWith(nullptr, &first));
  const char* stored = nullptr;
  ASSERT_OK(octavo_model_metadata_get(first, "octavo.recipe", &stored));
  ASSERT_OK(QuantizeWith(stored, &second));
  EXPECT_EQ(Saved(first), Saved(second));
}

TEST_F(ObserverTest, ServesTheNodesOfARuleOnly) {
  Model quantized;
  ASSERT_OK(QuantizeWith(R"({"nodes": [{"match": {"op": "*"}, "observer": "custom"}]})", &quantized));
  // The input is made by no node.
  for (const Told& told : observer_.told) EXPECT_NE("x", told.value);
}

TEST_F(ObserverTest, StopsTheWork) {
  observer_.answer = 1;
  Model stopped;
  EXPECT_FAILS(OCTAVO_CANCELLED, "observer callback at value 'x'", QuantizeWith(nullptr, &stopped));
  EXPECT_EQ(nullptr, stopped.p);
  EXPECT_EQ(1u, observer_.told.size());
  observer_.answer = 0;
  EXPECT_OK(QuantizeWith(nullptr, &stopped));
}

TEST_F(ObserverTest, BoundsThatAreNoRangeAreRefused) {
  constexpr void (*kBad[])(const Told&, double*, double*) = {
      [](const Told&, double* low, double*) { *low = std::numeric_limits<double>::quiet_NaN(); },
      [](const Told&, double*, double* high) { *high = std::numeric_limits<double>::quiet_NaN(); },
      [](const Told&, double* low, double*) { *low = -INFINITY; },
      [](const Told&, double*, double* high) { *high = INFINITY; },
      [](const Told&, double*, double* high) { *high = 1e300; },
      [](const Told& told, double* low, double* high) { *low = told.max, *high = told.min; },
  };
  for (const auto& bad : kBad) {
    observer_.choose = bad;
    Model none;
    EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "for value 'x'; allowed: finite", QuantizeWith(nullptr, &none));
    EXPECT_EQ(nullptr, none.p);
  }
  observer_.choose = [](const Told&, double* low, double* high) { *low = 0, *high = 0; };
  Model empty;
  EXPECT_OK(QuantizeWith(nullptr, &empty));
  observer_.choose = [](const Told&, double* low, double* high) {
    *high = std::numeric_limits<float>::max(), *low = -*high;
  };
  Model widest;
  EXPECT_OK(QuantizeWith(nullptr, &widest));
}

TEST_F(ObserverTest, CallbackAndRecipeGoTogether) {
  Model none;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "does not name the observer 'custom'", QuantizeWith("static", &none));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "the scheme dynamic has no ranges", QuantizeWith("dynamic", &none));
  ASSERT_OK(octavo_quantize_options_set_observer(options_, nullptr, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_quantize_options_set_observer",
               QuantizeWith(R"({"activations": {"observer": "custom"}})", &none));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_quantize_options_set_observer",
               QuantizeWith(R"({"nodes": [{"match": {}, "observer": "custom"}]})", &none));
  EXPECT_TRUE(observer_.told.empty());
}

}  // namespace
}  // namespace capi
