// A week of a healthy cluster, drawn as the detection benchmark draws it and told as the agent's
// collectors tell it live: a poll of REST every 5 s, a scrape every 15 s, a tick every second.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/recording/timeline.hpp"
#include "agent/view.hpp"

namespace doctor::bench {

struct WeekSizes {
  double jobs{20};
  double task_managers{12};
  double weeks{1};
  std::uint64_t seed{1};
};

/// What the live judge made of it.
struct Week {
  std::uint64_t items{}, samples{}, ticks{}, lost{};
  std::uint64_t series{};  // at the end
  double judging_s{};      // CPU of the judge alone
  std::vector<Change> timeline;
  ViewPtr verdicts;  // as they stand at the end
};

/// Plays it into a judge and a recorder, whose file is `path`.
Week record_week(const WeekSizes& sizes, const std::string& path);

}  // namespace doctor::bench
