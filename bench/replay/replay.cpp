// doctor_bench_replay [--jobs N] [--task-managers N] [--weeks N] [--seed N] [--keep FILE]: how fast
// a recording of a drawn week is judged again, and whether it says the same.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "agent/recording/judgement.hpp"
#include "agent/recording/replay.hpp"
#include "bench/replay/week.hpp"

namespace doctor::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
  WeekSizes sizes;
  std::string keep;
};

bool parse(int argc, const char* const* argv, Options& options) {
  double seed = 1;
  const std::map<std::string_view, double*> numbers{
      {"--jobs", &options.sizes.jobs},
      {"--task-managers", &options.sizes.task_managers},
      {"--weeks", &options.sizes.weeks},
      {"--seed", &seed}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* const value = argv[i + 1];
    if (std::strcmp(argv[i], "--keep") == 0) {
      options.keep = value;
      continue;
    }
    const auto number = numbers.find(argv[i]);
    if (number == numbers.end()) return false;
    const char* const end = value + std::strlen(value);
    const auto [stop, fault] = std::from_chars(value, end, *number->second);
    if (fault != std::errc{} || stop != end || *number->second < 0) return false;
  }
  options.sizes.seed = static_cast<std::uint64_t>(seed);
  return argc % 2 == 1;
}

/// What a judgement said, byte for byte.
std::string said(Replayed judgement) {
  judgement.files = 0;
  judgement.notes.clear();
  return judgement_json(judgement);
}

/// The live judgement in the form of a replayed one.
Replayed as_replayed(const Week& week, const Replayed& again) {
  Replayed live = again;
  live.timeline = week.timeline;
  live.verdicts = week.verdicts;
  return live;
}

int run(const Options& options) {
  const std::string draft =
      fs::temp_directory_path() / ("flink-doctor-week-" + std::to_string(::getpid()));
  const std::string path = options.keep.empty() ? draft : options.keep;
  const Week week = record_week(options.sizes, path);
  const auto bytes = static_cast<double>(fs::file_size(path));
  const auto began = std::chrono::steady_clock::now();
  const std::clock_t cpu_began = std::clock();
  const Result<Replayed> again = replay(path, {});
  const double cpu_s = static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (options.keep.empty()) fs::remove(path);
  if (!again) {
    std::fprintf(stderr, "doctor_bench_replay: %s\n", again.error().message.c_str());
    return 1;
  }
  const auto samples = static_cast<double>(week.samples);
  std::printf(
      "recorded  %.0f jobs, %.0f TaskManagers, %.2f weeks: %.1f M samples of %llu series, "
      "%llu items, %llu ticks, %llu lost\n",
      options.sizes.jobs, options.sizes.task_managers, options.sizes.weeks, samples / 1e6,
      static_cast<unsigned long long>(week.series), static_cast<unsigned long long>(week.items),
      static_cast<unsigned long long>(week.ticks), static_cast<unsigned long long>(week.lost));
  std::printf("on disk   %.1f MB, %.2f bytes a sample with all that is told beside\n", bytes / 1e6,
              bytes / samples);
  std::printf(
      "replay    %.1f s (%.1f s CPU, of which live judging took %.1f): %.2f M samples a "
      "CPU second, a week in %.1f s\n",
      took.count(), cpu_s, week.judging_s, samples / cpu_s / 1e6, cpu_s / options.sizes.weeks);
  const bool same = said(as_replayed(week, *again)) == said(*again) && week.lost == 0;
  std::printf("findings  %zu changes, %s\n", again->timeline.size(),
              same ? "byte for byte those of the live judge" : "NOT those of the live judge");
  return same ? 0 : 1;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  doctor::bench::Options options;
  if (!doctor::bench::parse(argc, argv, options)) {
    std::fputs(
        "doctor_bench_replay [--jobs N] [--task-managers N] [--weeks N] [--seed N] "
        "[--keep FILE]\n",
        stderr);
    return 2;
  }
  try {
    return doctor::bench::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "doctor_bench_replay: %s\n", error.what());
    return 2;
  }
}
