#include "agent/cli/recording_verbs.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "agent/check.hpp"
#include "agent/recording/format.hpp"
#include "agent/recording/judgement.hpp"
#include "agent/recording/replay.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr int kExitDifferent = 1;

struct ReadingFlags {
  std::string file;
  std::string other;
  JudgingFlags judging;
};

int refuse(const std::string& why) {
  std::fprintf(stderr, "flink-doctor: %s\n", why.c_str());
  return kExitCannotJudge;
}

Error invalid(std::string why) { return Error{ErrorCode::invalid_argument, std::move(why)}; }

/// "detector.param=value"
Status parse_set(const std::string& text, DetectorParams& params) {
  const std::size_t dot = text.find('.');
  const std::size_t equals = text.find('=', dot == std::string::npos ? 0 : dot);
  double value = 0;
  const char* const end = text.data() + text.size();
  const bool has_shape = dot != std::string::npos && equals != std::string::npos;
  if (has_shape) {
    const auto [stop, fault] = std::from_chars(text.data() + equals + 1, end, value);
    if (fault == std::errc{} && stop == end) {
      params[text.substr(0, dot)][text.substr(dot + 1, equals - dot - 1)] = value;
      return Done{};
    }
  }
  return invalid("--set " + printable(text, 80) + " is not DETECTOR.PARAMETER=NUMBER");
}

/// "2026-11-21T08:30:00Z", with or without milliseconds.
Result<std::optional<TimestampMs>> parse_time(const std::string& flag, const std::string& text) {
  if (text.empty()) return std::optional<TimestampMs>{};
  std::tm utc{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  long milliseconds = 0;
  if (rest != nullptr && *rest == '.') {
    const auto [stop, fault] = std::from_chars(rest + 1, rest + 4, milliseconds);
    rest = fault == std::errc{} && stop == rest + 4 ? stop : nullptr;
  }
  if (rest == nullptr || std::string_view(rest) != "Z") {
    return invalid(flag + " " + printable(text, 40) + " is no time such as 2026-11-21T08:30:00Z");
  }
  return std::optional<TimestampMs>(static_cast<TimestampMs>(::timegm(&utc)) * kSecondMs +
                                    milliseconds);
}

void tell_notes(const Replayed& replayed) {
  for (const std::string& note : replayed.notes) {
    std::fprintf(stderr, "flink-doctor: %s\n", printable(note, 500).c_str());
  }
}

void tell_rate(const Replayed& replayed, double seconds) {
  const double hours = static_cast<double>(replayed.ended - replayed.began) / kHourMs;
  std::fprintf(stderr, "flink-doctor: %s of %zu cluster(s) in %s s: %s hours per second\n",
               format_duration_ms(hours * kHourMs).c_str(), replayed.opening.clusters.size(),
               format_number(seconds).c_str(), format_number(hours / seconds).c_str());
}

int run_replay(const ReadingFlags& flags) {
  const Result<ReplayOptions> options = options_from(flags.judging);
  if (!options) return refuse(options.error().message);
  const auto began = std::chrono::steady_clock::now();
  const Result<Replayed> replayed = replay(flags.file, *options);
  if (!replayed) return refuse(printable(replayed.error().message, 500));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  print(*replayed, flags.judging.format);
  if (flags.judging.format == "text") tell_rate(*replayed, std::max(took.count(), 1e-6));
  return 0;
}

Result<Outline> outline_of(const std::string& path, const ReplayOptions& options) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::io, "cannot read " + path};
  if (file.peek() == std::char_traits<char>::to_int_type(format::kMagic.front())) {
    Result<Replayed> replayed = replay(path, options);
    if (!replayed) return replayed.error();
    tell_notes(*replayed);
    return outline(*replayed);
  }
  if (!options.set.empty()) return invalid("--set judges again: " + path + " is no recording");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Result<Outline> read = parse_outline(text);
  if (read) return read;
  return Error{ErrorCode::malformed, path + " is neither a recording nor what `replay --format " +
                                         "json` prints: " + read.error().message};
}

int run_diff(const ReadingFlags& flags) {
  if (flags.other.empty() && flags.judging.set.empty()) {
    return refuse("diff compares two files, or one recording with and without --set");
  }
  const Result<ReplayOptions> options = options_from(flags.judging);
  if (!options) return refuse(options.error().message);
  const Result<Outline> first = outline_of(flags.file, {});
  if (!first) return refuse(printable(first.error().message, 500));
  const Result<Outline> second =
      outline_of(flags.other.empty() ? flags.file : flags.other, *options);
  if (!second) return refuse(printable(second.error().message, 500));
  const std::vector<std::string> lines = differences(*first, *second);
  for (const std::string& line : lines) std::printf("%s\n", printable(line, 2000).c_str());
  return lines.empty() ? 0 : kExitDifferent;
}

void add_set_flag(CLI::App& verb, JudgingFlags& flags, const std::string& help) {
  verb.add_option("--set", flags.set, help)
      ->type_name("DETECTOR.PARAM=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

Result<ReplayOptions> options_from(const JudgingFlags& flags) {
  ReplayOptions options;
  for (const std::string& text : flags.set) {
    if (const Status ok = parse_set(text, options.set); !ok) return ok.error();
  }
  const auto from = parse_time("--from", flags.from);
  if (!from) return from.error();
  const auto to = parse_time("--to", flags.to);
  if (!to) return to.error();
  options.from = *from;
  options.to = *to;
  return options;
}

void print(const Replayed& replayed, const std::string& format) {
  const std::string text = format == "json" ? judgement_json(replayed) : judgement_text(replayed);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  tell_notes(replayed);
}

void add_judging_flags(CLI::App& verb, JudgingFlags& flags, const std::string& from_help,
                       const std::string& to_help) {
  verb.add_option("--from", flags.from, from_help)->type_name("TIME");
  verb.add_option("--to", flags.to, to_help)->type_name("TIME");
  add_set_flag(verb, flags, "judge with another parameter");
  verb.add_option("--format", flags.format)->check(CLI::IsMember({"text", "json"}));
}

void add_recording_flags(CLI::App& verb, const std::string& file_flag, RecordingFlags& flags) {
  CLI::Option* file = verb.add_option(file_flag, flags.file, "where to write a recording");
  file->type_name("FILE");
  if (file_flag == "--output") {
    file->required();
    verb.add_option("--seconds", flags.seconds, "how long (default: until stopped)");
  }
  verb.add_option("--bytes-max", flags.bytes_max, "of one file, such as 64MiB (the default)")
      ->type_name("SIZE");
  verb.add_option("--files-max", flags.files_max, "FILE, FILE.1, … (default 4)");
  verb.add_flag("--redact", flags.redact, "names and texts become pseudonyms in the recording");
}

Status apply(const RecordingFlags& flags, Config& config) {
  if (!flags.file.empty()) {
    if (!config.record) config.record.emplace();
    config.record->file = flags.file;
  }
  if (!config.record) {
    if (flags.bytes_max.empty() && flags.files_max == 0 && !flags.redact) return Done{};
    return invalid("--bytes-max, --files-max and --redact say how to record: give --record FILE");
  }
  if (!flags.bytes_max.empty()) {
    const Result<std::uint64_t> bytes = parse_bytes(flags.bytes_max);
    if (!bytes) return Error{bytes.error().code, "--bytes-max " + bytes.error().message};
    config.record->bytes_max = *bytes;
  }
  if (flags.files_max != 0) config.record->files_max = flags.files_max;
  if (flags.redact) config.record->redact = true;
  if (flags.seconds < 0 || flags.seconds > 1e9) return invalid("--seconds is out of bounds");
  config.stop_after_ms = static_cast<DurationMs>(flags.seconds * kSecondMs);
  return Done{};
}

void add_recording_verbs(CLI::App& app, int& code) {
  auto flags = std::make_shared<ReadingFlags>();
  CLI::App* replay_verb =
      app.add_subcommand("replay", "judge a recording again and print what was found when");
  replay_verb->add_option("FILE", flags->file)->required();
  add_judging_flags(*replay_verb, flags->judging, "tell what changed from then on",
                    "read no further");
  replay_verb->callback([flags, &code] { code = run_replay(*flags); });

  CLI::App* diff_verb = app.add_subcommand(
      "diff", "compare two judgements: recordings, or what `replay --format json` printed");
  diff_verb->add_option("A", flags->file)->required();
  diff_verb->add_option("B", flags->other, "left out: A again, with --set");
  add_set_flag(*diff_verb, flags->judging, "judge the second with another parameter");
  diff_verb->callback([flags, &code] { code = run_diff(*flags); });
}

}  // namespace doctor
