#include "tests/detection/bench.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "detectors/registry.hpp"
#include "tests/detection/controls.hpp"
#include "tests/detection/families/nab.hpp"
#include "tests/detection/families/recorded.hpp"

namespace doctor::detection {
namespace {

struct Work {
  const Family* family{};
  std::uint64_t seed{};
};

struct Played {
  Truth truth;
  TimestampMs end{};
  std::vector<Alarm> alarms;
  std::map<std::string, std::vector<Alarm>> others;
  Cost cost;
  double seconds{0};
  std::string error;  // why it could not be played to its end
};

/// Hands every item to the product and to the baselines.
class Audience final : public Stage {
 public:
  Audience(const FeaturePlan& plan, bool baselines)
      : plan_(plan), product_(all_detectors(), plan), metrics_(plan.metrics()) {
    if (!baselines) return;
    for (const Baseline& baseline : all_baselines()) {
      others_.emplace_back(&baseline, baseline.make(product_.entities()));
    }
  }

  void send(StreamItem item) override {
    end_ = item.at;
    for (auto& [baseline, watch] : others_) watch->absorb(item);
    product_.absorb(item);
  }
  EntityTable& entities() override { return product_.entities(); }
  bool selected(Metric metric) const override {
    return std::find(metrics_.begin(), metrics_.end(), metric) != metrics_.end();
  }

  Played finish(Truth truth) {
    Played played;
    played.truth = std::move(truth);
    played.end = end_;
    played.alarms = product_.alarms();
    for (const auto& [baseline, watch] : others_) {
      played.others[std::string(baseline->name)] = watch->alarms();
    }
    played.cost = product_.finish();
    return played;
  }

 private:
  const FeaturePlan& plan_;
  Product product_;
  std::vector<Metric> metrics_;
  std::vector<std::pair<const Baseline*, std::unique_ptr<Watch>>> others_;
  TimestampMs end_{kCaseStart};
};

Played play(const Work& work, const BenchOptions& options, const FeaturePlan& plan) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const Ranges ranges(work.family->name, work.family->ranges, options.overrides, options.widen);
  Audience audience(plan, options.baselines);
  Truth truth = work.family->play(work.seed, ranges, audience);
  Played played = audience.finish(std::move(truth));
  played.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return played;
}

/// As above; what is thrown is kept, so that the case is named where all threads have met.
Played play_safely(const Work& work, const BenchOptions& options, const FeaturePlan& plan) {
  try {
    return play(work, options, plan);
  } catch (const std::exception& error) {
    Played failed;
    failed.error =
        std::string(work.family->name) + " seed " + std::to_string(work.seed) + ": " + error.what();
    return failed;
  }
}

std::vector<Work> work_of(const BenchOptions& options) {
  std::vector<Work> all;
  for (const Family* family : options.families) {
    for (std::uint64_t seed = options.seed_first; seed <= options.seed_last; ++seed) {
      if (seed % family->stride == options.seed_first % family->stride)
        all.push_back({family, seed});
    }
  }
  for (std::size_t file = 1; file <= options.nab_files; ++file) all.push_back({&kNabFamily, file});
  for (std::size_t trace = 1; trace <= options.traces; ++trace)
    all.push_back({&kTraceFamily, trace});
  return all;
}

void add(const Truth& truth, Exposure& exposure) {
  exposure.job_weeks += truth.job_weeks;
  exposure.process_weeks += truth.process_weeks;
  exposure.cluster_weeks += truth.cluster_weeks;
}

void gather(const Work& work, const Played& played, BenchResult& result) {
  const CaseScore scored = score(played.truth, played.alarms);
  FamilyTally& family = result.families[std::string(work.family->name)];
  ++family.cases;
  family.seconds += played.seconds;
  family.product.add(scored);
  add(played.truth, family.exposure);
  add(played.truth, result.exposure);
  result.product.add(scored);
  for (const auto& [name, alarms] : played.others) {
    result.others[name].add(score(played.truth, alarms));
  }
  for (const FalseAlarm& alarm : scored.false_alarms) {
    result.false_alarms.push_back({std::string(work.family->name), work.seed, alarm});
  }
  for (const GoalOutcome& goal : scored.goals) {
    if (!goal.hit) {
      result.misses.push_back({std::string(work.family->name), work.seed, goal.goal});
    }
  }
  result.cost.samples += played.cost.samples;
  result.cost.absorb_s += played.cost.absorb_s;
  result.cost.judge_s += played.cost.judge_s;
  result.cost.series += played.cost.series;
  result.cost.bytes += played.cost.bytes;
  if (played.cost.series > 0) {
    result.bytes_per_series_max =
        std::max(result.bytes_per_series_max,
                 static_cast<double>(played.cost.bytes) / static_cast<double>(played.cost.series));
  }
}

}  // namespace

std::string_view Exposure::unit_of(const std::string& detector) {
  constexpr std::array<std::string_view, 5> kOfProcesses{
      "heap_leak", "metaspace_leak", "native_leak", "native_overrun", "resource_leak"};
  const bool of_process =
      std::find(kOfProcesses.begin(), kOfProcesses.end(), detector) != kOfProcesses.end();
  return of_process ? "process" : "job";
}

double Exposure::of(const std::string& detector) const {
  return unit_of(detector) == "process" ? process_weeks : job_weeks;
}

BenchResult run_bench(const BenchOptions& options) {
  const std::vector<Work> work = work_of(options);
  std::vector<Played> played(work.size());
  const FeaturePlan plan(all_detectors());
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
      threads.emplace_back([&] {
        for (std::size_t w = next++; w < work.size(); w = next++) {
          played[w] = play_safely(work[w], options, plan);
        }
      });
    }
  }
  BenchResult result;
  std::vector<PlayedCase> cases;
  for (std::size_t w = 0; w < work.size(); ++w) {
    if (!played[w].error.empty()) throw std::runtime_error(played[w].error);
    gather(work[w], played[w], result);
    cases.push_back({std::move(played[w].truth), played[w].end, std::move(played[w].alarms)});
  }
  for (auto& [name, tally] : control_tallies(cases)) result.others[name] = std::move(tally);
  return result;
}

}  // namespace doctor::detection
