#include "tests/detection/report.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "detectors/registry.hpp"
#include "model/text.hpp"
#include "tests/detection/exact_bounds.hpp"
#include "tests/detection/families/nab.hpp"
#include "tests/detection/families/recorded.hpp"
#include "tests/detection/figures.hpp"

namespace doctor::detection {
namespace {

constexpr std::size_t kListed = 12;

std::string cell(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string cell(const char* format, std::optional<double> value) {
  return value ? cell(format, *value) : "-";
}

std::string delay_cell(std::optional<double> seconds) {
  return seconds ? format_duration_ms(1000 * *seconds) : "-";
}

void row(std::ostream& out, const std::vector<std::string>& cells) {
  static constexpr int kWidths[] = {39, 32, 6, 7, 7, 7, 6, 6, 8, 9, 9, 8, 9, 9, 6, 6, 7, 8, 6};
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto width = static_cast<std::size_t>(kWidths[i]);
    const std::string pad(cells[i].size() < width ? width - cells[i].size() : 1, ' ');
    line += i < 2 ? cells[i] + pad : pad + cells[i];
  }
  out << line << '\n';
}

void goal_row(std::ostream& out, const std::string& who, const std::string& name,
              const Tally& tally, const GoalTally& goal, const Exposure& exposure) {
  const Figures f = figures_of(tally, goal, exposure);
  row(out, {name, who, std::to_string(goal.n), cell("%.3f", f.recall), cell("%.3f", f.recall_low),
            cell("%.3f", f.precision), cell("%.3f", f.f1), cell("%.0f", f.false_pushed),
            cell("%.1f", f.weeks), cell("%.4f", f.false_rate), cell("%.4f", f.false_rate_high),
            cell("%.0f", f.false_certain), delay_cell(quantile(goal.delays_s, 0.5)),
            delay_cell(quantile(goal.delays_s, 0.9)), cell("%.2f", quantile(goal.life_shares, 0.5)),
            cell("%.2f", quantile(goal.life_shares, 0.9)),
            goal.forecasts == 0
                ? "-"
                : cell("%.2f", ratio(static_cast<double>(goal.forecasts_hold), goal.forecasts)),
            cell("%.2f", quantile(goal.forecast_widths, 0.5)),
            goal.named_n == 0 ? "-" : cell("%.2f", ratio(goal.named, goal.named_n))});
}

void print_goals(const BenchResult& result, std::ostream& out) {
  row(out, {"goal", "who", "n", "recall", "≥95%", "prec", "F1", "false", "weeks", "false/w", "≤95%",
            "certain", "delay50", "delay90", "life50", "life90", "TTE", "width50", "top1"});
  for (const auto& [name, goal] : result.product.goals) {
    goal_row(out, "flink-doctor", name, result.product, goal, result.exposure);
    for (const auto& [who, tally] : result.others) {
      const auto other = tally.goals.find(name);
      if (other == tally.goals.end()) continue;
      const bool control = who.starts_with("control");
      const bool competes = other->second.hits > 0 || tally.false_alarms.contains(goal.detector);
      if (control || competes) goal_row(out, who, name, tally, other->second, result.exposure);
    }
  }
}

void print_false(const BenchResult& result, std::ostream& out) {
  out << "\nFalse pushed alarms of each detector over every family (weeks are its own unit's)\n";
  for (const Detector* detector : all_detectors()) {
    const std::string name(detector->name);
    const auto found = result.product.false_alarms.find(name);
    const FalseTally counts =
        found == result.product.false_alarms.end() ? FalseTally{} : found->second;
    const double weeks = result.exposure.of(name);
    out << "  " << name << ": " << counts.pushed << " in " << cell("%.1f", weeks) << ' '
        << Exposure::unit_of(name) << "-weeks";
    if (weeks > 0) {
      out << " = " << cell("%.4f", static_cast<double>(counts.pushed) / weeks) << " (≤ "
          << cell("%.4f", mean_high(counts.pushed) / weeks) << " at 95 %)";
    }
    out << ", certain ones " << counts.certain << '\n';
  }
}

void print_families(const BenchOptions& options, const BenchResult& result, std::ostream& out) {
  out << "\nFamilies\n";
  std::vector<const Family*> played = options.families;
  played.insert(played.end(), {&kNabFamily, &kTraceFamily});
  for (const Family* family : played) {
    const auto found = result.families.find(std::string(family->name));
    if (found == result.families.end()) continue;
    const FamilyTally& tally = found->second;
    out << "  " << family->name << " (" << family->covers
        << (family->kind == Kind::positive ? ", positives): " : ", negatives): ") << tally.cases
        << " cases, " << cell("%.1f", tally.exposure.job_weeks) << " job-weeks, "
        << cell("%.1f", tally.exposure.process_weeks) << " process-weeks, false pushed "
        << tally.product.false_pushed();
    if (tally.exposure.cluster_weeks > 0) {
      const double weeks = tally.exposure.cluster_weeks;
      const std::uint64_t wrong = tally.product.false_pushed();
      out << " in " << cell("%.1f", weeks)
          << " cluster-weeks = " << cell("%.2f", static_cast<double>(wrong) / weeks) << " (≤ "
          << cell("%.2f", mean_high(wrong) / weeks) << " at 95 %)";
    }
    out << ", " << cell("%.1f", tally.seconds) << " s\n";
  }
  if (options.nab_files == 0) out << "  nab: left out, --nab DIR names its files\n";
  if (options.traces == 0) out << "  traces: left out, --traces DIR names theirs\n";
}

void print_examples(const BenchResult& result, std::ostream& out) {
  if (!result.false_alarms.empty())
    out << "\nFalse alarms (the first ones; --seeds S-S --families F plays one again)\n";
  for (std::size_t i = 0; i < std::min(kListed, result.false_alarms.size()); ++i) {
    const Culprit& culprit = result.false_alarms[i];
    out << "  " << culprit.family << " seed " << culprit.seed << " at "
        << format_rfc3339(culprit.alarm.at) << ' ' << culprit.alarm.detector << ": "
        << printable(culprit.alarm.summary, 140) << '\n';
  }
  if (!result.misses.empty()) out << "\nMisses\n";
  for (std::size_t i = 0; i < std::min(kListed, result.misses.size()); ++i) {
    const Miss& miss = result.misses[i];
    out << "  " << miss.family << " seed " << miss.seed << ": " << miss.goal << '\n';
  }
}

}  // namespace

std::string constants_hash() {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  const auto mix = [&](std::string_view text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
  };
  for (const Detector* detector : all_detectors()) {
    mix(detector->name);
    mix(std::to_string(detector->hold_ms) + "/" + std::to_string(detector->clear_ms) + "/" +
        std::to_string(detector->cadence_ms));
    for (const Param& param : detector->params) {
      mix(param.name);
      mix(cell("%.17g", param.value));
    }
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

void print_text(const BenchOptions& options, const BenchResult& result, std::ostream& out) {
  out << "flink-doctor detection benchmark: seeds " << options.seed_first << "-"
      << options.seed_last << ", ranges widened by " << cell("%.0f", 100 * options.widen)
      << " %, constants " << constants_hash() << "\n\n";
  print_goals(result, out);
  print_false(result, out);
  print_families(options, result, out);
  const Cost& cost = result.cost;
  const auto samples = static_cast<double>(std::max<std::uint64_t>(1, cost.samples));
  out << "\nCost of the product: " << cell("%.1f", static_cast<double>(cost.samples) / 1e6)
      << " M samples, " << cell("%.0f", 1e9 * cost.absorb_s / samples)
      << " ns per sample absorbed, " << cell("%.0f", 1e9 * cost.judge_s / samples)
      << " ns per sample judged (a tick per scrape), "
      << cell("%.0f", ratio(static_cast<double>(cost.bytes), cost.series))
      << " bytes per series held with all facts and logs (worst case "
      << cell("%.0f", result.bytes_per_series_max) << ")\nmacro-F1 "
      << cell("%.4f", result.product.macro_f1()) << ", false pushed alarms "
      << result.product.false_pushed() << "\n";
  print_examples(result, out);
}

void print_ranges(const BenchOptions& options, std::ostream& out) {
  for (const Family* family : options.families) {
    const Ranges ranges(family->name, family->ranges, options.overrides, options.widen);
    out << family->name << " (" << family->covers << ")\n";
    for (const Range& range : ranges.all()) {
      out << "  " << range.name << ": " << cell("%.4g", range.low) << " … "
          << cell("%.4g", range.high) << (range.scale == Scale::log ? ", log" : "")
          << (range.meaning.empty() ? "" : "; ") << range.meaning << '\n';
    }
  }
}

}  // namespace doctor::detection
