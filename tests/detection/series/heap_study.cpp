// Measures heap_leak on drawn heaps: heap_study [FROM-TO [WIDENED [FAMILY]]]; seeds 1-999 are for
// development. Prints false alarms per series-week with the exact Poisson 95 % bound, recall, and
// the share of a leak's life that had passed when it was told.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "detectors/registry.hpp"
#include "detectors/statistics/poisson.hpp"
#include "detectors/statistics/trend.hpp"
#include "tests/detection/series/heap_run.hpp"

namespace doctor::detection {
namespace {

struct Tally {
  int series{}, said{}, pushed{}, pushed_critical{};
  double weeks{};
  int found{}, found_pushed{}, covered{}, forecasts{}, bounded{};
  std::vector<double> life, life_pushed;
};

void add_healthy(Tally& tally, const HeapRun& healthy, unsigned seed, HeapFamily family) {
  tally.said += static_cast<int>(healthy.first.size());
  tally.pushed += static_cast<int>(healthy.pushed.size());
  if (std::getenv("VERBOSE") == nullptr) return;
  for (const HeapAlarm& alarm : healthy.first) {
    std::printf("  false %s %u %s\n", std::string(to_string(family)).c_str(), seed,
                alarm.finding.summary.c_str());
    for (const Evidence& e : alarm.finding.evidence) std::printf("     %s\n", e.sentence.c_str());
  }
  for (const HeapAlarm& alarm : healthy.pushed) {
    std::printf("  false and pushed %s %u %s\n", std::string(to_string(family)).c_str(), seed,
                alarm.finding.summary.c_str());
  }
}

void add_leak(Tally& tally, const HeapRun& leak, unsigned seed, HeapFamily family) {
  const auto in_time = [&](const HeapAlarm& alarm) { return alarm.at >= leak.truth.onset; };
  const auto said = std::find_if(leak.first.begin(), leak.first.end(), in_time);
  const auto pushed = std::find_if(leak.pushed.begin(), leak.pushed.end(), in_time);
  tally.said += static_cast<int>(said - leak.first.begin());
  tally.pushed += static_cast<int>(pushed - leak.pushed.begin());
  tally.found += said != leak.first.end();
  tally.found_pushed += pushed != leak.pushed.end();
  const bool verbose = std::getenv("VERBOSE") != nullptr;
  if (verbose && pushed == leak.pushed.end()) {
    std::printf("  missed %s %u (said %d) slope %.3g/d limit %.3g\n",
                std::string(to_string(family)).c_str(), seed, static_cast<int>(leak.first.size()),
                leak.truth.slope_per_ms / leak.truth.limit * kDayMs, leak.truth.limit);
  }
  if (!leak.truth.exhausted_at) return;
  const auto life = static_cast<double>(*leak.truth.exhausted_at - leak.truth.onset);
  const auto share = [&](const HeapAlarm& alarm) {
    return static_cast<double>(alarm.at - leak.truth.onset) / life;
  };
  if (said != leak.first.end()) tally.life.push_back(share(*said));
  if (pushed == leak.pushed.end()) return;
  tally.life_pushed.push_back(share(*pushed));
  const auto& forecast = pushed->finding.forecast;
  if (!forecast) return;
  ++tally.forecasts;
  tally.bounded += forecast->high.has_value();
  const bool covered = *forecast->low <= *leak.truth.exhausted_at &&
                       (!forecast->high || *leak.truth.exhausted_at <= *forecast->high);
  tally.covered += covered;
  if (!verbose || covered) return;
  const auto hours = [&](TimestampMs at) { return static_cast<double>(at - pushed->at) / kHourMs; };
  std::printf("  forecast %s %u: %.1f h (%.1f to %.1f), true %.1f\n",
              std::string(to_string(family)).c_str(), seed, hours(*forecast->exhausted_at),
              hours(*forecast->low), hours(forecast->high.value_or(*forecast->low)),
              hours(*leak.truth.exhausted_at));
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

void print(const char* name, const Tally& t, bool leak) {
  std::printf("%-18s n %4d  weeks %7.1f  said %3d  pushed %3d", name, t.series, t.weeks, t.said,
              t.pushed);
  if (!leak) {
    const double bound =
        poisson_interval(static_cast<std::uint64_t>(t.pushed)).high / std::max(t.weeks, 1e-9);
    std::printf("  pushed/week %.4f (<= %.4f)", t.pushed / std::max(t.weeks, 1e-9), bound);
  } else {
    std::printf(
        "  recall said %.3f pushed %.3f  life said %.2f p90 %.2f pushed %.2f p90 %.2f"
        "  TTE covered %d of %d (%d bounded)",
        static_cast<double>(t.found) / t.series, static_cast<double>(t.found_pushed) / t.series,
        quantile(t.life, 0.5), quantile(t.life, 0.9), quantile(t.life_pushed, 0.5),
        quantile(t.life_pushed, 0.9), t.covered, t.forecasts, t.bounded);
  }
  std::printf("\n");
}

void study(unsigned from, unsigned to, double widened, const std::string& only) {
  const Detector& detector = *find_detector("heap_leak");
  Tally healthy, leaking;
  for (int f = 0; f <= static_cast<int>(HeapFamily::noise); ++f) {
    const auto family = static_cast<HeapFamily>(f);
    if (!only.empty() && to_string(family) != only) continue;
    Tally tally;
    for (unsigned seed = from; seed <= to; ++seed) {
      const char* scrape = std::getenv("SCRAPE_S");
      const DurationMs scrape_ms = scrape == nullptr ? 0 : std::atoi(scrape) * kSecondMs;
      HeapSeries series(family, seed, {widened, 14 * kDayMs, scrape_ms});
      const HeapRun played = run(detector, series);
      for (Tally* into : {&tally, leaks(family) ? &leaking : &healthy}) {
        ++into->series;
        into->weeks += played.weeks;
        const bool once = into == &tally;
        if (leaks(family)) {
          add_leak(*into, played, seed, family);
        } else if (once) {
          add_healthy(*into, played, seed, family);
        }
      }
    }
    if (!leaks(family)) {
      healthy.said += tally.said;
      healthy.pushed += tally.pushed;
    }
    print(std::string(to_string(family)).c_str(), tally, leaks(family));
    std::fflush(stdout);
  }
  print("healthy", healthy, false);
  print("leaking", leaking, true);
}

}  // namespace
}  // namespace doctor::detection

int main(int argc, char** argv) {
  unsigned from = 1, to = 20;
  if (argc > 1) std::sscanf(argv[1], "%u-%u", &from, &to);
  doctor::detection::study(from, to, argc > 2 ? std::atof(argv[2]) : 1, argc > 3 ? argv[3] : "");
}
