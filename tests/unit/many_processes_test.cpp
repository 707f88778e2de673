// Two hundred TaskManagers through REST alone: a page of each every eleven minutes is all that the
// budget of calls allows. They must be judged all the same, and who falls silent must be missed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>

#include "model/text.hpp"
#include "tests/unit/judged_rest_source.hpp"

namespace doctor {
namespace {

constexpr int kProcesses = 200;
constexpr DurationMs kRoundMs = 12 * kMinuteMs;  // 201 pages, 18 a minute, and what is uneven

std::string name_of(int i) { return "tm-" + std::to_string(i) + ":6122-a"; }
std::string path_of(int i) { return "/taskmanagers/tm-" + std::to_string(i) + "%3A6122-a/metrics"; }

class ManyProcesses : public JudgedRestSource {
 protected:
  ManyProcesses() {
    http.on_request = [this](const HttpRequest& request, const HttpCaps&) { answer(request); };
    http.put("/config", R"({"flink-version":"1.20.5"})");
    http.put("/jobs/overview", R"({"jobs":[]})");
    http.put("/jobmanager/config", R"([{"key":"a.b","value":"c"}])");
    http.put("/jobmanager/environment", R"({"jvm":{"options":[]}})");
    std::string rows;
    for (int i = 0; i < kProcesses; ++i) {
      rows += (i == 0 ? "" : ",") + std::string(R"({"id":")") + name_of(i) +
              R"(","path":"pekko.tcp://f@h)" + std::to_string(i) +
              R"(:1/u","slotsNumber":2,"freeSlots":2})";
    }
    http.put("/taskmanagers", R"({"taskmanagers":[)" + rows + "]}");
  }

  /// Every process goes on with the clock, but for the one that hangs.
  void answer(const HttpRequest& request) {
    times.push_back(now);
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (!path.ends_with("/metrics") || path == hanging) return;
    http.put(path, R"([{"id":"Status.JVM.CPU.Time","value":")" + std::to_string(now - kStart + 1) +
                       R"("},{"id":"Status.JVM.Memory.Heap.Used","value":"1000000"},
      {"id":"Status.JVM.Threads.Count","value":"50"},
      {"id":"Status.JVM.Memory.Metaspace.Used","value":"1000000"}])");
  }

  void run(DurationMs duration_ms) {
    for (const TimestampMs end = now + duration_ms; now < end; now += kPollMs) {
      poll();
    }
    judge.judge(now);
  }
  std::vector<std::string> without_heap() {
    const Window window = judge.window(now);
    std::vector<std::string> missing;
    for (int i = -1; i < kProcesses; ++i) {
      const std::string name = i < 0 ? "jobmanager" : reporter_filtered(name_of(i));
      const EntityId id = judge.entities().find(Level::process, kClusterEntity, name);
      if (id == kNoEntity || !window.latest(Metric::jvm_heap_used, id)) missing.push_back(name);
    }
    return missing;
  }
  std::string why(std::string_view detector) { return report_of(detector).why; }
  /// The most calls in any sixty seconds after the first.
  std::size_t worst_minute() const {
    std::size_t worst = 0;
    const auto second = std::lower_bound(times.begin(), times.end(), times.front() + kMinuteMs);
    for (auto from = second; from != times.end(); ++from) {
      const auto to = std::lower_bound(from, times.end(), *from + kMinuteMs);
      worst = std::max(worst, static_cast<std::size_t>(to - from));
    }
    return worst;
  }

  std::string hanging;
  std::deque<TimestampMs> times;  // of calls
};

TEST_F(ManyProcesses, AreAllJudgedWithinTheBudget) {
  run(kRoundMs);
  for (int minute = 0; minute < 15; ++minute) {
    EXPECT_THAT(without_heap(), testing::IsEmpty()) << minute << " min into the second round";
    run(kMinuteMs);
  }
  EXPECT_THAT(why("heap_leak"), testing::Not(testing::HasSubstr("tell no heap")));
  EXPECT_THAT(why("metaspace_leak"), testing::HasSubstr("in 201 of 201 processes"));
  EXPECT_LE(worst_minute(), static_cast<std::size_t>(limits.rest_calls_per_minute_max));
}

TEST_F(ManyProcesses, OneThatHangsIsMissedAfterTwoRounds) {
  run(kRoundMs);
  hanging = path_of(17);  // what it said last is said for ever, as Flink does
  run(5 * kMinuteMs);
  EXPECT_THAT(without_heap(), testing::IsEmpty());
  run(2 * kRoundMs);
  EXPECT_THAT(without_heap(), testing::ElementsAre(reporter_filtered(name_of(17))));
  EXPECT_THAT(why("heap_leak"), testing::HasSubstr("1 processes tell no heap (" + name_of(17)));
}

TEST_F(ManyProcesses, DoNotMakeOldValuesOfJobsFresh) {
  run(2 * kRoundMs);
  const Window window = judge.window(now);
  EXPECT_GT(window.process_pace_ms, 10 * kMinuteMs);
  EXPECT_LE(window.process_pace_ms, 15 * kMinuteMs);
  const Sample old{now - 6 * kMinuteMs, 1};
  EXPECT_TRUE(window.fresh(Metric::jvm_heap_used, old));
  EXPECT_TRUE(window.fresh(Metric::gc_count, old));
  EXPECT_FALSE(window.fresh(Metric::task_records_in, old));
  EXPECT_FALSE(window.fresh(Metric::host_resident_anonymous, old));  // REST does not tell it
}

}  // namespace
}  // namespace doctor
