#include "agent/cli/history_flags.hpp"

#include <CLI/App.hpp>
#include <memory>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

Status take_duration(const char* flag, const std::string& text, DurationMs& into) {
  if (text.empty()) return Done{};
  const Result<DurationMs> duration = parse_duration(text);
  if (!duration) return invalid(flag + (" " + duration.error().message));
  into = *duration;
  return Done{};
}

}  // namespace

void add_history_flags(CLI::App& verb, HistoryFlags& flags) {
  verb.add_option("--history", flags.url,
                  "a Prometheus, Thanos, Mimir or VictoriaMetrics that knows the past: what "
                  "/api/v1/query_range is below")
      ->type_name("URL");
  verb.add_option("--match", flags.match, "which of its series are this cluster's; also =~ and !=")
      ->type_name("LABEL=VALUE")
      ->allow_extra_args(false);
  verb.add_option("--window", flags.window, "how far back to look (default and at most 7d)")
      ->type_name("DURATION");
  verb.add_option("--step", flags.step, "between two samples (default and at most 1m)")
      ->type_name("DURATION");
  add_access_flags(verb, flags.access, "history-", "the store given by --history");
}

Result<BackfillSettings> settings_of(const HistoryFlags& flags) {
  BackfillSettings settings;
  Result<Endpoint> store = parse_url(flags.url, 9090);
  if (!store) return invalid("--history: " + store.error().message);
  settings.store = std::move(*store);
  for (const std::string& text : flags.match) {
    Result<query_range::Matcher> matcher = query_range::parse_matcher(text);
    if (!matcher) return invalid("--match " + matcher.error().message);
    settings.match.push_back(std::move(*matcher));
  }
  if (const Status ok = take_duration("--window", flags.window, settings.window_ms); !ok) {
    return ok.error();
  }
  if (const Status ok = take_duration("--step", flags.step, settings.step_ms); !ok) {
    return ok.error();
  }
  if (const std::string problem = problem_of(settings); !problem.empty()) {
    return invalid("--" + problem);
  }
  Result<HttpAccess> access = access_of(flags.access);
  if (!access) return access.error();
  access->tls_block = "--history, tls";
  access->auth_block = "--history, auth";
  settings.store.access = std::make_shared<const HttpAccess>(std::move(*access));
  return settings;
}

Status apply(const HistoryFlags& flags, Config& config) {
  if (flags.url.empty()) {
    const bool others =
        !flags.match.empty() || !flags.window.empty() || !flags.step.empty() || flags.access.any();
    return others ? Status(invalid("--match, --window, --step and --history-… say what to ask a "
                                   "store: give --history URL"))
                  : Status(Done{});
  }
  Result<BackfillSettings> settings = settings_of(flags);
  if (!settings) return settings.error();
  config.clusters.front().backfill = std::move(*settings);
  return Done{};
}

}  // namespace doctor
