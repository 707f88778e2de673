#include "tests/detection/series/heap_run.hpp"

#include <memory>

namespace doctor::detection {
namespace {

constexpr DurationMs kJudgeEveryMs = 5 * kMinuteMs;
constexpr DurationMs kRearmMs = kDayMs;

/// One TaskManager's part of an agent.
class Player {
 public:
  explicit Player(const Detector& detector) : detectors_{&detector} {
    cluster_.name = "test";
    cluster_.task_managers_known = true;
    cluster_.task_managers.push_back({"tm-1", "h1", 1, 0, {}});
    layout_->source = 1;
    layout_->process = process_;
    layout_->keys = {{Metric::jvm_heap_used, process_}, {Metric::jvm_heap_max, process_},
                     {Metric::jvm_cpu_time, process_},  {Metric::jvm_classes_loaded, process_},
                     {Metric::gc_count, young_},        {Metric::gc_count, old_}};
  }

  void absorb(const HeapSample& sample, double limit) {
    features_.absorb({1,
                      sample.at,
                      layout_,
                      {sample.used, limit, sample.cpu_ns, sample.classes_loaded,
                       sample.young_collections, sample.full_collections}});
  }

  Verdict judge(TimestampMs now) const {
    Window window;
    window.now = now;
    window.cluster = &cluster_;
    window.entities = &entities_;
    window.features = &features_;
    const Detector& detector = *detectors_.front();
    return detector.detect(window, Params(detector.params));
  }

 private:
  std::array<const Detector*, 1> detectors_;
  Limits limits_;
  FeaturePlan plan_{detectors_};
  EntityTable entities_{limits_.entities_per_cluster_max};
  FeatureStore features_{plan_, entities_, limits_};
  ClusterFacts cluster_;
  EntityId process_ = entities_.intern(Level::process, kClusterEntity, "tm-1");
  EntityId young_ = entities_.intern(Level::collector, process_, "G1_Young_Generation");
  EntityId old_ = entities_.intern(Level::collector, process_, "G1_Old_Generation");
  std::shared_ptr<Layout> layout_ = std::make_shared<Layout>();
};

/// True when that begins an incident.
bool begins(std::optional<TimestampMs>& last, TimestampMs now) {
  const bool new_one = !last || now - *last > kRearmMs;
  last = now;
  return new_one;
}

}  // namespace

HeapRun run(const Detector& detector, HeapSeries& series, bool until_alarm) {
  Player player(detector);
  HeapRun result;
  std::optional<TimestampMs> last_said, last_pushed;
  TimestampMs judge_at = series.begin() + kJudgeEveryMs;
  while (const auto sample = series.next()) {
    player.absorb(*sample, series.truth().limit);
    ++result.samples;
    if (sample->at < judge_at) continue;
    judge_at = sample->at + kJudgeEveryMs;
    ++result.judgements;
    Verdict verdict = player.judge(sample->at);
    if (verdict.findings.empty()) continue;
    Finding& finding = verdict.findings.front();
    const bool pushes = finding.severity != Severity::info;
    if (begins(last_said, sample->at)) result.first.push_back({sample->at, finding});
    if (pushes && begins(last_pushed, sample->at)) {
      result.pushed.push_back({sample->at, std::move(finding)});
      if (until_alarm && sample->at >= series.truth().onset) break;
    }
  }
  result.truth = series.truth();
  result.weeks = static_cast<double>(series.now() - series.begin()) / (7.0 * kDayMs);
  return result;
}

}  // namespace doctor::detection
