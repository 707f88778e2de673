#include "bench/replay/week.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "agent/recording/recorder.hpp"
#include "detectors/registry.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/stage/stage.hpp"

namespace doctor::bench {
namespace {

using detection::Family;
using detection::kCaseStart;

constexpr DurationMs kPollMs = 5 * kSecondMs;
constexpr DurationMs kTickMs = kSecondMs;
constexpr double kScrapeS = 15;

double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

JudgeConfig config() {
  JudgeConfig config;
  config.cluster = "week";
  config.url = "http://jobmanager:8081";
  return config;
}

/// Where the week is played: a recorder and a judge, one after the other as in the agent. Between
/// two scrapes it adds what the drawn cluster leaves out: the polls and ticks of that time.
class LiveStage final : public detection::Stage {
 public:
  explicit LiveStage(const std::string& path) : plan_(all_detectors()), metrics_(plan_.metrics()) {
    judges_.push_back(std::make_unique<Judge>(config(), all_detectors(), plan_, limits_));
    RecordSettings settings;
    settings.file = path;
    settings.bytes_max = 1ULL << 40U;  // all in one file
    settings.files_max = 1;
    auto recorder = Recorder::start(settings, judges_, {}, {}, kCaseStart);
    if (!recorder) throw std::runtime_error(recorder.error().message);
    recorder_ = std::move(*recorder);
  }

  void send(StreamItem item) override {
    live_until(item.at);
    if (const auto* facts = std::get_if<ClusterFactsPtr>(&item.what)) facts_ = *facts;
    const auto* health = std::get_if<SourceHealth>(&item.what);
    if (health != nullptr && health->kind == SourceKind::rest) rest_ = *health;
    take(item);
  }
  EntityTable& entities() override { return judges_.front()->entities(); }
  bool selected(Metric metric) const override {
    return std::find(metrics_.begin(), metrics_.end(), metric) != metrics_.end();
  }

  Week finish() {
    week_.lost = recorder_->lost();
    if (recorder_->state() != "ok") throw std::runtime_error("recording: " + recorder_->state());
    recorder_.reset();
    week_.series = judges_.front()->features().series();
    week_.timeline = timeline_.take();
    auto view = std::make_shared<View>();
    view->generated_at = last_at_;
    show(*judges_.front(), *view);
    week_.verdicts = std::move(view);
    return std::move(week_);
  }

 private:
  void live_until(TimestampMs at) {
    while (now_ + kTickMs < at) {
      now_ += kTickMs;
      if (facts_ && rest_ && now_ % kPollMs == 0) poll();
      take({0, now_, Tick{now_}});
    }
    now_ = std::max(now_, at);
  }

  /// Every poll tells the cluster anew, and its end is judged at once.
  void poll() {
    take({0, now_, std::make_shared<const ClusterFacts>(*facts_)});
    rest_->last_success = now_;
    take({0, now_, *rest_});
    take({0, now_, Tick{now_}});
  }

  void take(const StreamItem& item) {
    recorder_->record(item);
    const double before = thread_cpu_s();
    judges_.front()->absorb(item);
    week_.judging_s += thread_cpu_s() - before;
    ++week_.items;
    last_at_ = item.at;
    if (const auto* batch = std::get_if<Batch>(&item.what)) week_.samples += batch->values.size();
    if (!std::holds_alternative<Tick>(item.what)) return;
    timeline_.note(*judges_.front(), item.at);
    // Time runs faster here than any disk; live, it never waits.
    if (++week_.ticks % 1000 == 0) wait_for_disk();
  }

  void wait_for_disk() const {
    while (!recorder_->is_idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  Limits limits_;
  FeaturePlan plan_;
  std::vector<Metric> metrics_;
  std::vector<std::unique_ptr<Judge>> judges_;
  std::unique_ptr<Recorder> recorder_;
  Timeline timeline_{std::nullopt};
  ClusterFactsPtr facts_;
  std::optional<SourceHealth> rest_;
  TimestampMs now_{kCaseStart}, last_at_{kCaseStart};
  Week week_;
};

const Family& healthy_weeks() {
  for (const Family* family : detection::all_families()) {
    if (family->name == "cluster_weeks") return *family;
  }
  throw std::logic_error("no family cluster_weeks");
}

}  // namespace

Week record_week(const WeekSizes& sizes, const std::string& path) {
  const Family& family = healthy_weeks();
  const auto exactly = [](double value) { return std::pair{value, value}; };
  const detection::RangeOverrides overrides{{std::string(family.name),
                                             {{"jobs", exactly(sizes.jobs)},
                                              {"task_managers", exactly(sizes.task_managers)},
                                              {"weeks", exactly(sizes.weeks)},
                                              {"scrape_s", exactly(kScrapeS)}}}};
  const detection::Ranges ranges(family.name, family.ranges, overrides, 0);
  LiveStage stage(path);
  family.play(sizes.seed, ranges, stage);
  return stage.finish();
}

}  // namespace doctor::bench
