#include "tests/detection/families/nab.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "detectors/statistics/trend.hpp"
#include "tests/detection/families/plans.hpp"

namespace doctor::detection {
namespace {

constexpr double kTypicalBytes = 1e9;   // what a file's median stands for
constexpr DurationMs kTailMs = kDayMs;  // after a window, in which its alarm may still be pushed
constexpr DurationMs kBurnInMs = 78 * kHourMs;  // windows that end earlier are nobody's goal

constexpr Range kNabRanges[] = {
    {"scrape_s", 120, 120, Scale::linear, "between two looks at a file, mostly of 5 min a step", 1},
};

struct NabFile {
  std::string name;
  DurationMs begins{};                                 // in its week, since Monday
  std::vector<std::pair<TimestampMs, double>> values;  // time from the file's begin
  std::vector<std::pair<TimestampMs, TimestampMs>> windows;
};

std::vector<NabFile>& files() {
  static std::vector<NabFile> all;
  return all;
}

/// "2014-02-14 14:30:00", with or without fractions → ms since an epoch.
std::optional<TimestampMs> parse_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return std::nullopt;
  }
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / month / day;
  return duration_cast<milliseconds>(date.time_since_epoch()).count() + hour * kHourMs +
         minute * kMinuteMs + second * kSecondMs;
}

std::optional<NabFile> read_file(const std::filesystem::path& directory, const std::string& name,
                                 const nlohmann::json& windows) {
  std::ifstream stream(directory / name);
  if (!stream) return std::nullopt;
  NabFile file;
  file.name = name;
  TimestampMs first = 0;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t comma = line.find(',');
    const auto at = parse_time(line);
    if (!at || comma == std::string::npos) continue;
    if (file.values.empty()) {
      first = *at;
      file.begins = (*at + 3 * kDayMs) % kWeekMs;
    }
    file.values.emplace_back(*at - first, std::strtod(line.c_str() + comma + 1, nullptr));
  }
  if (file.values.empty()) return std::nullopt;
  for (const auto& window : windows) {
    const auto begin = parse_time(window.at(0).get<std::string>());
    const auto end = parse_time(window.at(1).get<std::string>());
    if (begin && end) file.windows.emplace_back(*begin - first, *end - first);
  }
  return file;
}

Goal goal_of(const NabFile& file, TimestampMs onset, TimestampMs end) {
  Goal goal;
  goal.name = "pattern_change/nab";
  goal.detector = "pattern_change";
  goal.entity = file.name;
  goal.onset = onset;
  goal.deadline = end + kHourMs;  // an hour is judged when it is over
  goal.severity = Severity::info;
  return goal;
}

Truth play_nab(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  const NabFile& file = files().at((seed - 1) % files().size());
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  cluster.add_task_manager(plain_task_manager(), host_name(0));
  std::vector<double> levels;
  for (const auto& [at, value] : file.values) levels.push_back(std::abs(value));
  const double typical = std::max(1e-9, median(levels).value());
  const TimestampMs begin = kCaseStart + file.begins;
  cluster.run_until(begin);
  std::size_t next = 0;
  JobPlan plan = chain_plan(file.name, 2, 1);
  plan.checkpoints = plain_checkpoints(cluster.scrape_ms(), random.fork());
  plan.checkpoints->full_bytes = [&, begin](TimestampMs at) {
    while (next + 1 < file.values.size() && file.values[next + 1].first + begin <= at) ++next;
    return kTypicalBytes * std::max(0.0, file.values[next].second) / typical;
  };
  const Job& job = cluster.submit(std::move(plan));
  const EntityId entity = stage.entities().find(Level::job, kClusterEntity, job.id());
  cluster.job_manager().add({{{Metric::checkpoint_full_size, entity}},
                             [&job](TimestampMs, double* values) {
                               const auto& last = job.facts().latest_completed;
                               values[0] = last ? last->state_size.value_or(kAbsent) : kAbsent;
                             },
                             &job});
  cluster.run_until(begin + file.values.back().first);
  Truth truth;
  truth.advice = "pattern_change";
  for (const auto& [from, to] : file.windows) {
    if (to > kBurnInMs) truth.goals.push_back(goal_of(file, begin + from, begin + to));
    truth.unscored.emplace_back(begin + from, begin + to + kTailMs);
  }
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 2;
  return truth;
}

}  // namespace

Result<std::size_t> load_nab(const std::string& directory) {
  const bool checkout = std::filesystem::exists(directory + "/labels/combined_windows.json");
  const std::string labels =
      directory + (checkout ? "/labels/combined_windows.json" : "/windows.json");
  const std::string data = checkout ? directory + "/data" : directory;
  std::ifstream stream(labels);
  const auto windows = stream ? nlohmann::json::parse(stream, nullptr, false) : nlohmann::json();
  if (!windows.is_object()) {
    return Error{ErrorCode::io, labels + " is not there, or is no JSON"};
  }
  files().clear();
  for (const auto& [name, of_file] : windows.items()) {
    if (auto file = read_file(data, name, of_file)) files().push_back(std::move(*file));
  }
  if (files().empty()) return Error{ErrorCode::io, data + " holds none of the files"};
  return files().size();
}

const Family kNabFamily{"nab",   "Numenta Anomaly Benchmark", Kind::negative, kNabRanges, 1,
                        play_nab};

}  // namespace doctor::detection
