// doctor_bench_disk: what the history takes on disk.
//   size DIR [--lines FILE]   six hours of 7,000 series: bytes per sample, raw and in bins, beside
//                             the entropy of what was written; FILE gets the same data as
//                             VictoriaMetrics imports it
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "agent/clock.hpp"
#include "agent/history/archive.hpp"
#include "agent/history/history_files.hpp"
#include "bench/disk/writing.hpp"

namespace doctor::bench {
namespace {

constexpr std::size_t kSeriesPerSource = 700;

std::vector<Source> sources(std::size_t series) {
  std::vector<Source> all;
  for (std::size_t i = 0; i < series / kSeriesPerSource; ++i) {
    Mix mix(kSeriesPerSource, i + 1);
    std::vector<std::string> names = mix.names("tm-" + std::to_string(i));
    all.push_back({std::move(mix), static_cast<std::int64_t>(i) + 1, std::move(names)});
  }
  return all;
}

/// One line a series, as /api/v1/import takes it.
class Lines {
 public:
  Lines(std::size_t sources) : values_(sources * kSeriesPerSource) {}
  void add(std::size_t source, TimestampMs at, const std::vector<double>& values) {
    if (source == 0) times_ += (times_.empty() ? "" : ",") + std::to_string(at);
    for (std::size_t i = 0; i < values.size(); ++i) {
      char number[32];
      std::snprintf(number, sizeof number, "%.17g", values[i]);
      std::string& line = values_[source * kSeriesPerSource + i];
      line.append(line.empty() ? "" : ",").append(number);
    }
  }
  void write(const std::string& path) const {
    std::ofstream file(path);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      file << R"({"metric":{"__name__":"bench","series":")" << i << R"("},"values":[)" << values_[i]
           << "],\"timestamps\":[" << times_ << "]}\n";
    }
  }

 private:
  std::string times_;
  std::vector<std::string> values_;
};

int size(const std::string& directory, const std::string& lines_path) {
  constexpr std::size_t kSeries = 7000;
  constexpr DurationMs kLong = 6 * kHourMs;
  const TimestampMs from = midnight(now_ms()) - 3 * kDayMs + 6 * kHourMs;
  std::vector<Source> all = sources(kSeries);
  Lines lines(all.size());
  const double floor_bytes = all.front().mix.floor_bits() / 8;
  const double samples = static_cast<double>(kSeries) * static_cast<double>(kLong / kScrapeMs);
  const auto copy = [&](std::size_t source, TimestampMs at, const std::vector<double>& values) {
    if (!lines_path.empty()) lines.add(source, at, values);
  };
  {
    Archive archive(directory, {});
    if (!write(archive, all, from, from + kLong, copy)) return 1;
    // The next day seals what is left; journal pages that are free then would be used again.
    if (!settle(archive, from + kDayMs)) return 1;
  }
  {
    Archive archive(directory, {});
    if (!settle(archive, from + kDayMs)) return 1;
    const double chunks = bytes_in(directory);
    std::printf("samples %.0f\nfile_bytes_per_sample %.3f\n", samples, chunks / samples);
    std::fflush(stdout);
    if (!settle(archive, from + 2 * kDayMs)) return 1;
    const double bins = static_cast<double>(kSeries) * static_cast<double>(kLong / (5 * kMinuteMs));
    std::printf("bytes_per_bin %.2f\n", bytes_in(directory) / bins);
  }
  std::printf("entropy_bytes_per_sample %.3f\n", floor_bytes);
  if (!lines_path.empty()) lines.write(lines_path);
  return 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  if (verb == "size") {
    const bool has_lines = argc > 4 && std::strcmp(argv[3], "--lines") == 0;
    return doctor::bench::size(argv[2], has_lines ? argv[4] : "");
  }
  std::fputs("doctor_bench_disk size DIR [--lines FILE]\n", stderr);
  return 2;
}
