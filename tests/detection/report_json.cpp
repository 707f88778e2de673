// The table for programs, and the regression gate on it.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "model/text.hpp"
#include "tests/detection/figures.hpp"
#include "tests/detection/report.hpp"

namespace doctor::detection {
namespace {

using nlohmann::json;

constexpr double kF1FallMax = 0.01;
constexpr double kFalseRiseMax = 0.20;
constexpr double kFalseRiseLeast = 2;  // one seed's luck in a short run is no regression

json gate_figures(const BenchResult& result) {
  return {{"macro_f1", result.product.macro_f1()}, {"false_pushed", result.product.false_pushed()}};
}

json document(const BenchOptions& options, const BenchResult& result) {
  json root = gate_figures(result);
  root["seeds"] = {options.seed_first, options.seed_last};
  root["widen"] = options.widen;
  root["constants"] = constants_hash();
  const auto add = [&](const std::string& who, const Tally& tally) {
    for (const auto& [name, goal] : tally.goals) {
      const Figures f = figures_of(tally, goal, result.exposure);
      json entry{{"who", who},
                 {"goal", name},
                 {"n", goal.n},
                 {"hits", goal.hits},
                 {"recall", f.recall},
                 {"recall_low", f.recall_low},
                 {"precision", f.precision},
                 {"f1", f.f1},
                 {"false", f.false_pushed},
                 {"false_certain", f.false_certain},
                 {"weeks", f.weeks},
                 {"false_per_week", f.false_rate},
                 {"false_per_week_high", f.false_rate_high}};
      const auto set = [&](const char* key, std::optional<double> value) {
        if (value) entry[key] = *value;
      };
      set("delay_s_median", quantile(goal.delays_s, 0.5));
      set("delay_s_p90", quantile(goal.delays_s, 0.9));
      set("life_share_median", quantile(goal.life_shares, 0.5));
      set("life_share_p90", quantile(goal.life_shares, 0.9));
      set("forecast_log_error_median", quantile(goal.forecast_log_errors, 0.5));
      set("forecast_width_median", quantile(goal.forecast_widths, 0.5));  // null: unbounded
      if (goal.forecasts > 0) {
        entry["forecast_coverage"] =
            ratio(static_cast<double>(goal.forecasts_hold), goal.forecasts);
      }
      if (goal.named_n > 0) entry["top1"] = ratio(goal.named, goal.named_n);
      root["rows"].push_back(std::move(entry));
    }
  };
  add("flink-doctor", result.product);
  for (const auto& [who, tally] : result.others) add(who, tally);
  for (const auto& [name, tally] : result.families) {
    root["families"][name] = {{"cases", tally.cases},
                              {"job_weeks", tally.exposure.job_weeks},
                              {"process_weeks", tally.exposure.process_weeks},
                              {"cluster_weeks", tally.exposure.cluster_weeks},
                              {"false", tally.product.false_pushed()},
                              {"seconds", tally.seconds}};
  }
  const auto samples = static_cast<double>(std::max<std::uint64_t>(1, result.cost.samples));
  root["cost"] = {
      {"samples", result.cost.samples},
      {"absorb_ns_per_sample", 1e9 * result.cost.absorb_s / samples},
      {"judge_ns_per_sample", 1e9 * result.cost.judge_s / samples},
      {"bytes_per_series", ratio(static_cast<double>(result.cost.bytes), result.cost.series)},
      {"bytes_per_series_max", result.bytes_per_series_max}};
  for (const Culprit& culprit : result.false_alarms) {
    root["false_alarms"].push_back({{"family", culprit.family},
                                    {"seed", culprit.seed},
                                    {"at", format_rfc3339(culprit.alarm.at)},
                                    {"detector", culprit.alarm.detector},
                                    {"summary", culprit.alarm.summary}});
  }
  for (const Miss& miss : result.misses) {
    root["misses"].push_back({{"family", miss.family}, {"seed", miss.seed}, {"goal", miss.goal}});
  }
  return root;
}

}  // namespace

void print_json(const BenchOptions& options, const BenchResult& result, std::ostream& out) {
  out << document(options, result).dump(1) << '\n';
}

void print_ranges_json(const BenchOptions& options, std::ostream& out) {
  json root = json::object();
  for (const Family* family : options.families) {
    const Ranges ranges(family->name, family->ranges, options.overrides, options.widen);
    for (const Range& range : ranges.all()) {
      root[std::string(family->name)][std::string(range.name)] = {range.low, range.high};
    }
  }
  out << root.dump(1) << '\n';
}

Status write_baseline(const std::string& path, const BenchResult& result) {
  std::ofstream file(path);
  file << gate_figures(result).dump(1) << '\n';
  if (!file.flush()) return Error{ErrorCode::io, path + " cannot be written"};
  return Done{};
}

Status compare_with_baseline(const std::string& path, const BenchResult& result) {
  std::ifstream file(path);
  const json baseline = file ? json::parse(file, nullptr, false) : json();
  if (!baseline.is_object() || !baseline.contains("macro_f1") ||
      !baseline.contains("false_pushed")) {
    return Error{ErrorCode::malformed, path + " holds no macro_f1 and false_pushed"};
  }
  const double f1 = result.product.macro_f1();
  const double f1_before = baseline["macro_f1"].get<double>();
  if (f1 < f1_before - kF1FallMax) {
    return Error{ErrorCode::invalid_argument,
                 "macro-F1 fell from " + std::to_string(f1_before) + " to " + std::to_string(f1)};
  }
  const auto wrong = static_cast<double>(result.product.false_pushed());
  const double wrong_before = baseline["false_pushed"].get<double>();
  if (wrong > wrong_before * (1 + kFalseRiseMax) && wrong > wrong_before + kFalseRiseLeast) {
    return Error{ErrorCode::invalid_argument, "false pushed alarms rose from " +
                                                  std::to_string(wrong_before) + " to " +
                                                  std::to_string(wrong)};
  }
  return Done{};
}

}  // namespace doctor::detection
