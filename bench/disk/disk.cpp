// doctor_bench_disk: what the history takes on disk.
//   size DIR [--lines FILE]   six hours of 7,000 series: bytes per sample, raw and in bins, beside
//                             the entropy of what was written; FILE gets the same data as
//                             VictoriaMetrics imports it
//   play DIR --recording FILE [--lines FILE]   the same of the samples in a recording
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "agent/clock.hpp"
#include "agent/history/archive.hpp"
#include "agent/history/history_files.hpp"
#include "bench/disk/kinds.hpp"
#include "bench/disk/recorded.hpp"
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

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// One line a series, as /api/v1/import takes it.
class Lines {
 public:
  Lines(std::size_t sources) : values_(sources * kSeriesPerSource) {}
  void add(std::size_t source, TimestampMs at, const std::vector<double>& values) {
    if (source == 0) times_ += (times_.empty() ? "" : ",") + std::to_string(at);
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::string& line = values_[source * kSeriesPerSource + i];
      line.append(line.empty() ? "" : ",").append(number_text(values[i]));
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

void write_lines(const Recorded& recorded, const std::string& path) {
  std::ofstream file(path);
  std::size_t number = 0;
  for (const auto& [name, series] : recorded.series) {
    file << R"({"metric":{"__name__":"bench","series":")" << number++ << R"("},"values":[)";
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      file << (i == 0 ? "" : ",") << number_text(series.values[i]);
    }
    file << "],\"timestamps\":[";
    for (std::size_t i = 0; i < series.times.size(); ++i) {
      file << (i == 0 ? "" : ",") << series.times[i];
    }
    file << "]}\n";
  }
}

/// As the history's thread does it: a commit every few seconds, and sealing in between.
bool write_recorded(Archive& archive, std::vector<HistoryRow> rows) {
  constexpr DurationMs kCommitMs = 5 * kSecondMs;
  TimestampMs committed = 0;
  for (HistoryRow& row : rows) {
    const TimestampMs now = row.at;
    std::vector<HistoryRow> one;
    one.push_back(std::move(row));
    archive.take(std::move(one), now);
    if (now - committed < kCommitMs) continue;
    committed = now;
    if (!archive.commit(now, true) || !settle(archive, now)) return false;
  }
  return archive.commit(committed, true).ok();
}

int play(const std::string& directory, const std::string& recording,
         const std::string& lines_path) {
  Result<Recorded> recorded = read_recorded(recording);
  if (!recorded) {
    std::fprintf(stderr, "doctor_bench_disk: %s\n", recorded.error().message.c_str());
    return 1;
  }
  if (recorded->rows.empty()) {
    std::fprintf(stderr, "doctor_bench_disk: %s holds no samples\n", recording.c_str());
    return 1;
  }
  const auto kinds = kinds_of(*recorded);
  const double samples = recorded->samples();
  double bits = 0;
  double learning_bits = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const std::string name(kSeriesKinds.at(i));
    bits += kinds.at(i).bits;
    learning_bits += kinds.at(i).learning_bits;
    std::printf("%s_share_of_series %.3f\n%s_share_of_samples %.3f\n%s_bits_per_sample %.2f\n",
                name.c_str(), kinds.at(i).series / static_cast<double>(recorded->series.size()),
                name.c_str(), kinds.at(i).samples / samples, name.c_str(),
                kinds.at(i).samples == 0 ? 0 : kinds.at(i).bits / kinds.at(i).samples);
  }
  if (!lines_path.empty()) write_lines(*recorded, lines_path);
  const TimestampMs end = midnight(recorded->rows.back().at) + kDayMs;
  {
    Archive archive(directory, {});
    if (!write_recorded(archive, std::move(recorded->rows)) || !settle(archive, end)) return 1;
  }
  Archive archive(directory, {});
  if (!settle(archive, end)) return 1;
  std::printf("series %zu\nsamples %.0f\nfile_bytes_per_sample %.3f\n", recorded->series.size(),
              samples, bytes_in(directory) / samples);
  std::printf("entropy_bytes_per_sample %.3f\nlearned_bytes_per_sample %.3f\n", bits / 8 / samples,
              learning_bits / 8 / samples);
  return 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  std::map<std::string, std::string> options;
  for (int i = 3; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  if (verb == "size") return doctor::bench::size(argv[2], options["--lines"]);
  if (verb == "play") {
    return doctor::bench::play(argv[2], options["--recording"], options["--lines"]);
  }
  std::fputs(
      "doctor_bench_disk size DIR [--lines FILE]\n"
      "doctor_bench_disk play DIR --recording FILE [--lines FILE]\n",
      stderr);
  return 2;
}
