// Live runs that are recorded: a drawn cluster (tests/scenarios) drives a judge while a recorder
// listens, as Agent::take does it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "agent/delivery/document.hpp"
#include "agent/recording/memory.hpp"
#include "agent/recording/recorder.hpp"
#include "agent/recording/replay.hpp"
#include "detectors/registry.hpp"
#include "tests/scenarios/cluster_feed.hpp"
#include "tests/scenarios/parser.hpp"
#include "tests/scenarios/world.hpp"

namespace doctor::test {

inline constexpr const char* kRestarts = R"(case restarts
  every 15s
  for 30m
  cluster version=1.20.5
  taskmanager tm-1 host=h1 metaspace=256MiB
  reporter tm-1
  job orders vertices=Source>Map parallelism=2 interval=10s on=tm-1
  fault orders every 60s from=5m exception="java.lang.IllegalStateException: record 4711" task=Map on=tm-1
  checkpoint orders every 10s size=10MiB
  series jvm_metaspace_used{process="tm-1"} 60MiB+1MiBx*
  expect at 25m restart_loop{job="orders"}
)";

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::vector<scenario::Case> cases_of(const std::string& text, const std::string& file) {
  scenario::Parsed parsed = scenario::parse(text, file);
  for (const std::string& error : parsed.errors) ADD_FAILURE() << error;
  return std::move(parsed.cases);
}

/// The drawn clusters' files, without ".scenario".
inline std::vector<std::string> scenario_files() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(DOCTOR_SOURCE_DIR "/tests/scenarios")) {
    if (entry.path().extension() == ".scenario") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Those cases of a file that are watched as they go on. Cases of many hours are costly and alike:
/// one that is longer than `length_max` will do.
inline std::vector<scenario::Case> watched_cases(const std::string& file, DurationMs length_max) {
  const std::string name = file + ".scenario";
  std::vector<scenario::Case> all =
      cases_of(contents(std::filesystem::path(DOCTOR_SOURCE_DIR) / "tests/scenarios" / name), name);
  int long_ones = 0;
  std::erase_if(all, [&](const scenario::Case& drawn) {
    return drawn.one_shot || (drawn.length > length_max && ++long_ones > 1);
  });
  return all;
}

/// What the findings API would answer.
inline std::string document(std::span<const std::unique_ptr<Judge>> judges, TimestampMs at) {
  View view;
  view.generated_at = at;
  for (const auto& judge : judges) show(*judge, view);
  return findings_document(view);
}

struct LiveRun {
  std::vector<std::string> documents;  // after every tick that is due
  std::string state;                   // of the recorder, at the end
};

/// Documents are costly: a long run is compared at one of so many ticks, not all at the same
/// distance from what happens every so often.
constexpr bool is_due(std::size_t tick, std::size_t every) {
  return every == 1 || tick % every == (tick / every) % every;
}

/// Runs a case, recorded as `settings` say, with what `before` had learned.
inline LiveRun run_live(const scenario::Case& drawn, const RecordSettings& settings,
                        const std::vector<Memory>& before = {}, std::size_t every = 1) {
  const scenario::World world(drawn);
  const FeaturePlan plan(all_detectors());
  const std::vector<Metric> metrics = plan.metrics();
  const Limits limits;
  JudgeConfig config;
  config.cluster = "test";
  config.url = "http://jobmanager:8081";
  config.namespace_ = drawn.namespace_;
  config.expected_jobs = drawn.expected_jobs;
  std::vector<std::unique_ptr<Judge>> judges;
  judges.push_back(std::make_unique<Judge>(config, all_detectors(), plan, limits));
  LiveRun live;
  for (const Memory& memory : before) EXPECT_TRUE(recall(memory, *judges[0]).empty());
  auto recorder = Recorder::start(settings, judges, {}, before, scenario::kCaseStart);
  if (!recorder) {
    live.state = recorder.error().message;
    return live;
  }
  scenario::ClusterFeed feed(drawn, world, metrics, *judges[0]);
  feed.tell([&](const StreamItem& item) { (*recorder)->record(item); });
  std::size_t tick = 0;
  for (DurationMs at = 0; at <= drawn.length; at += drawn.every, ++tick) {
    feed.poll(at);
    feed.tick(at);
    if (!is_due(tick, every)) continue;
    live.documents.push_back(document(judges, scenario::kCaseStart + at));
  }
  live.state = (*recorder)->state();
  return live;
}

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    settings_.file = (directory_ / "rec").string();
  }
  ~RecordingTest() override { std::filesystem::remove_all(directory_); }

  static scenario::Case restarts() { return cases_of(kRestarts, "restarts").at(0); }

  /// After every tick of a replay that is due, what the findings API would have answered.
  static std::vector<std::string> replayed_documents(const std::string& path,
                                                     std::size_t every = 1) {
    std::vector<std::string> documents;
    std::size_t tick = 0;
    ReplayOptions options;
    options.after_tick = [&](TimestampMs at, std::span<const std::unique_ptr<Judge>> judges) {
      if (is_due(tick++, every)) documents.push_back(document(judges, at));
    };
    const Result<Replayed> replayed = replay(path, options);
    EXPECT_TRUE(replayed) << (replayed ? "" : replayed.error().message);
    return documents;
  }

  std::filesystem::path directory_{std::filesystem::path(testing::TempDir()) /
                                   ("recording-" + std::to_string(::getpid()))};
  RecordSettings settings_;
};

}  // namespace doctor::test
