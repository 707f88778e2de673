#include "tests/detection/options.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <thread>

#include "tests/detection/families/nab.hpp"
#include "tests/detection/families/recorded.hpp"

namespace doctor::detection {
namespace {

Error wrong(std::string what) { return {ErrorCode::invalid_argument, std::move(what)}; }

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status take_seeds(std::string_view text, BenchOptions& bench) {
  const std::size_t dash = text.find('-');
  const auto first = number<std::uint64_t>(text.substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? first : number<std::uint64_t>(text.substr(dash + 1));
  if (!first || !last || *first > *last) return wrong("--seeds wants A-B");
  bench.seed_first = *first;
  bench.seed_last = *last;
  return Done{};
}

Status take_families(std::string_view text, BenchOptions& bench) {
  bench.families.clear();
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const auto all = all_families();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Family* family) { return family->name == name; });
    if (found == all.end()) return wrong("there is no family \"" + std::string(name) + "\"");
    bench.families.push_back(*found);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return Done{};
}

Status take_share(std::string_view text, double& share) {
  const auto percent = number<double>(text);
  if (!percent || *percent < 0) return wrong("--widen wants a percentage");
  share = *percent / 100;
  return Done{};
}

Status take_threads(std::string_view text, unsigned& threads) {
  const auto count = number<unsigned>(text);
  if (!count || *count == 0 || *count > 256) return wrong("--threads wants a number");
  threads = *count;
  return Done{};
}

Status take(std::string_view option, const std::string& value, Options& options) {
  BenchOptions& bench = options.bench;
  const auto all = all_families();
  if (option == "--seeds") return take_seeds(value, bench);
  if (option == "--families") return take_families(value, bench);
  if (option == "--ranges") return read_overrides(value, all, bench.overrides);
  if (option == "--set") return add_override(value, all, bench.overrides);
  if (option == "--widen") return take_share(value, bench.widen);
  if (option == "--threads") return take_threads(value, bench.threads);
  if (option == "--task-managers") {
    return add_override("cluster_weeks.task_managers=" + value, all, bench.overrides);
  }
  if (option == "--jobs") return add_override("cluster_weeks.jobs=" + value, all, bench.overrides);
  if (option == "--nab") {
    const Result<std::size_t> files = load_nab(value);
    if (!files) return files.error();
    bench.nab_files = *files;
  } else if (option == "--traces") {
    const Result<std::size_t> traces = load_traces(value);
    if (!traces) return traces.error();
    bench.traces = *traces;
  } else if (option == "--baseline") {
    options.baseline = value;
  } else if (option == "--write-baseline") {
    options.write_baseline = value;
  } else if (option == "--format") {
    if (value != "text" && value != "json") return wrong("--format is text or json");
    options.json = value == "json";
  } else {
    return wrong("there is no option " + std::string(option) + "; --help lists them");
  }
  return Done{};
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  BenchOptions& bench = options.bench;
  const auto all = all_families();
  bench.families.assign(all.begin(), all.end());
  bench.seed_last = 40;
  bench.threads = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (option == "--help") {
      options.help = true;
    } else if (option == "--print-ranges") {
      options.print_ranges = true;
    } else if (option == "--without-baselines") {
      bench.baselines = false;
    } else if (option == "--short") {
      bench.seed_first = 1;
      bench.seed_last = 4;
      bench.overrides["cluster_weeks"] = {
          {"task_managers", {6, 6}}, {"jobs", {3, 3}}, {"weeks", {1, 1}}};
    } else if (i + 1 == arguments.size()) {
      return wrong(std::string(option) + " wants a value, or does not exist");
    } else if (const Status taken = take(option, arguments[++i], options); !taken) {
      return taken.error();
    }
  }
  return options;
}

}  // namespace doctor::detection
