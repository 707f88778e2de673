// doctor_bench_disk: what the history takes on disk.
//   size DIR [--lines FILE]   six hours of 7,000 series: bytes per sample, raw and in bins, beside
//                             the entropy of what was written; FILE gets the same data as
//                             VictoriaMetrics imports it
//   fill DIR [SERIES]         a full store of seven days, 70,000 series, that ends now
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "agent/clock.hpp"
#include "agent/history/archive.hpp"
#include "bench/disk/mix.hpp"

namespace doctor::bench {
namespace {

namespace fs = std::filesystem;

constexpr DurationMs kScrapeMs = 15 * kSecondMs;
constexpr std::size_t kSeriesPerSource = 700;

struct Source {
  Mix mix;
  std::int64_t id;
};

std::vector<Source> sources(std::size_t series) {
  std::vector<Source> all;
  for (std::size_t i = 0; i < series / kSeriesPerSource; ++i) {
    all.push_back({Mix(kSeriesPerSource, i + 1), static_cast<std::int64_t>(i) + 1});
  }
  return all;
}

bool settle(Archive& archive, TimestampMs now) {
  Result<bool> more = true;
  while (more && *more) more = archive.maintain(now);
  if (!more) std::fprintf(stderr, "%s\n", more.error().message.c_str());
  return more.ok();
}

/// Scrapes from `from` to `to`. False when the disk fails.
bool write(Archive& archive, std::vector<Source>& sources, TimestampMs from, TimestampMs to,
           const std::function<void(std::size_t, TimestampMs, const std::vector<double>&)>& copy) {
  std::int64_t seq = from * 1000;
  std::size_t scrapes = 0;
  for (TimestampMs at = from; at < to; at += kScrapeMs, ++scrapes) {
    std::vector<HistoryRow> rows;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::vector<double>& values = sources[i].mix.next();
      HistoryRow& row = rows.emplace_back(HistoryRow{++seq, sources[i].id, at, values, {}});
      const std::string process = "tm-" + std::to_string(i);
      const auto number = static_cast<SourceId>(i);
      if (at == from) row.added = NewColumns{"bench", number, 0, sources[i].mix.names(process)};
      if (copy) copy(i, at, values);
    }
    archive.take(std::move(rows), at);
    if (!archive.commit(at, false)) return false;
    if (scrapes % 20 == 0 && !settle(archive, at)) return false;
  }
  return archive.commit(to, true).ok();
}

double bytes_in(const std::string& directory) {
  double sum = 0;
  for (const HistoryFile& file : history_files(directory)) sum += static_cast<double>(file.bytes);
  return sum;
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

/// A day is written once, and stands for all days like it.
int fill(const std::string& directory, std::size_t series) {
  const TimestampMs now = now_ms();
  const std::string draft = directory + "/draft";
  fs::create_directories(draft);
  const TimestampMs yesterday = midnight(now) - kDayMs;
  HistorySettings settings;
  settings.bytes_max = 1ULL << 40U;  // a day in one part
  {
    std::vector<Source> all = sources(series);
    Archive archive(draft, settings);
    if (!write(archive, all, yesterday, yesterday + kDayMs, {})) return 1;
  }
  {
    std::vector<Source> all = sources(series);
    Archive archive(directory, settings);
    if (!write(archive, all, std::max(midnight(now), now - 6 * kHourMs), now, {})) return 1;
  }
  Archive archive(draft, settings);
  if (!settle(archive, yesterday + kDayMs)) return 1;
  fs::copy(history_path(draft, yesterday, 0, false), history_path(directory, yesterday, 0, false));
  if (!settle(archive, now + 2 * kDayMs)) return 1;
  for (int day = 2; day < 7; ++day) {
    fs::copy(history_path(draft, yesterday, 0, true),
             history_path(directory, midnight(now) - day * kDayMs, 0, true));
  }
  fs::remove_all(draft);
  std::printf("store_bytes %.0f\n", bytes_in(directory));
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
  if (verb == "fill") return doctor::bench::fill(argv[2], argc > 3 ? std::stoul(argv[3]) : 70'000);
  std::fputs("doctor_bench_disk size DIR [--lines FILE] | fill DIR [SERIES]\n", stderr);
  return 2;
}
