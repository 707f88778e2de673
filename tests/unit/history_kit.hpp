// A directory of its own, and rows to fill it with.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "agent/history/archive.hpp"
#include "agent/history/history_query.hpp"

namespace doctor {

inline constexpr TimestampMs kDayBegin = 20'000 * kDayMs;  // 2024-10-04
inline constexpr std::int64_t kTestSource = 7;

class HistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string temporary = std::filesystem::temp_directory_path().string();
    std::string pattern = temporary + "/flink-doctor-history-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  /// Row `i` of a counter, a noisy gauge, and one that is there every second time.
  static HistoryRow row(std::int64_t i, TimestampMs at) {
    HistoryRow made{
        i + 1, kTestSource, at, {value(i), 0.1 * static_cast<double>(i % 7), kAbsent}, {}};
    if (i % 2 == 0) made.values[2] = 1;
    if (i == 0) {
      made.added = NewColumns{"orders",
                              3,
                              0,
                              {"task_records_in job=a/vertex=b/subtask=0",
                               "jvm_heap_used process=tm", "jvm_threads process=tm"}};
    }
    return made;
  }
  static double value(std::int64_t i) { return 1e6 + 17 * static_cast<double>(i); }

  std::vector<HistoryPoint> points(const std::string& metric = "task_records_in") const {
    HistoryQuestion question;
    question.metric = metric;
    question.cluster = "orders";
    question.from = 0;
    question.to = kDayBegin + 1000 * kDayMs;
    const Result<HistoryAnswer> answer = query_history(directory, question);
    if (!answer || answer->series.empty()) return {};
    return answer->series.front().points;
  }
  std::size_t corrupt_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const std::string name = entry.path().filename().string();
      const bool is_main = !name.ends_with("-wal");
      if (is_main && name.find(".corrupt") != std::string::npos) ++count;
    }
    return count;
  }
  static void settle(Archive& archive, TimestampMs now) {
    for (int i = 0; i < 1000; ++i) {
      const Result<bool> more = archive.maintain(now);
      if (!more || !*more) return;
    }
    FAIL() << "maintenance does not come to an end";
  }

  std::string directory;
};

}  // namespace doctor
