#include "agent/cli/commands.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/capability.hpp"
#include "agent/check.hpp"
#include "agent/cli/flags.hpp"
#include "agent/cli/history_verb.hpp"
#include "agent/cli/probe_verb.hpp"
#include "agent/cli/recording_verbs.hpp"
#include "agent/config/config.hpp"
#include "agent/delivery/document.hpp"
#include "agent/delivery/report.hpp"
#include "agent/net/keyring.hpp"
#include "agent/survey.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

int refuse(const std::string& why) {
  std::fprintf(stderr, "flink-doctor: %s\n", why.c_str());
  return kExitCannotJudge;
}

/// Also with --quiet: these are not progress.
void warn(const Config& config) {
  for (const std::string& line : security_warnings(config)) {
    std::fprintf(stderr, "flink-doctor: warning: %s\n", line.c_str());
  }
}

ReportStyle terminal_style() {
  ReportStyle style;
  style.colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40;
  style.width = known ? std::min<int>(size.ws_col, 120) : 100;
  return style;
}

int run_check(const Flags& flags) {
  if (flags.wait_seconds < 0 || flags.wait_seconds > 3600) {
    return refuse("--wait must be between 0 and 3600 seconds");
  }
  if (flags.flink.empty() == flags.config_file.empty()) {
    return refuse(
        "check looks at one cluster by its URL, or at those of --config FILE: give one of the two "
        "(check --help)");
  }
  Result<Config> config = configuration(flags);
  if (!config) return refuse(config.error().message);
  warn(*config);
  CheckOptions options;
  options.config = std::move(*config);
  options.wait_ms = static_cast<DurationMs>(flags.wait_seconds * kSecondMs);
  options.strict = flags.strict;
  options.progress = !flags.quiet;
  const CheckResult result = check(std::move(options));
  if (result.view) {
    const std::string text = flags.format == "json" ? findings_document(*result.view)
                                                    : text_report(*result.view, terminal_style());
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (!text.ends_with('\n')) std::fputc('\n', stdout);
    std::fflush(stdout);
  }
  if (!result.why.empty()) {
    std::fprintf(stderr, "flink-doctor: %s\n", printable(result.why, 500).c_str());
  }
  return result.exit_code;
}

int run_daemon(const Flags& flags, bool serves) {
  Result<Config> config = configuration(flags);
  if (!config) return refuse(config.error().message);
  config->serves = serves;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("flink-doctor"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  for (const std::string& line : security_warnings(*config)) spdlog::warn("{}", line);
  if (config->shard) {
    spdlog::info("shard {}: {} cluster(s) are ours, {} are watched elsewhere",
                 config->shard->text(), config->clusters.size(), config->clusters_elsewhere);
  }
  Agent agent(std::move(*config));
  if (const Status ok = agent.run(); !ok) return refuse(ok.error().message);
  return 0;
}

int show_metrics(const Flags& flags) {
  const Result<Config> config = configuration(flags);
  if (!config) return refuse(config.error().message);
  constexpr DurationMs kFetcherMs = 12 * kSecondMs;
  const Result<Survey> found = survey(*config, kFetcherMs);
  if (!found) return refuse(printable(found.error().message, 500));
  const std::string text = flags.format == "json" ? survey_json(*found) : survey_text(*found);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int list_detectors(bool matrix) {
  if (matrix) {
    std::fputs(capability_matrix().c_str(), stdout);
    return 0;
  }
  for (const Detector* detector : all_detectors()) {
    std::printf("%-26s %s\n", std::string(detector->name).c_str(),
                std::string(detector->summary).c_str());
  }
  return 0;
}

int explain(const std::string& name) {
  const std::string_view page = runbook(name);
  if (page.empty()) {
    return refuse("there is no detector \"" + printable(name, 60) +
                  "\"; `flink-doctor detectors` lists them");
  }
  std::fwrite(page.data(), 1, page.size(), stdout);
  return 0;
}

/// Of the files that hold certificates and secrets; they may well be on another machine.
void try_credentials(const Config& config) {
  Keyring keyring(config.limits);
  const auto attempt = [&](const Endpoint& endpoint) {
    const Result<Credentials> credentials = keyring.credentials(endpoint);
    if (credentials) return;
    std::fprintf(stderr, "flink-doctor: warning: for %s, as seen from here: %s\n",
                 endpoint.url().c_str(), credentials.error().message.c_str());
  };
  for (const ClusterConfig& cluster : config.clusters) {
    for (const Endpoint& endpoint : cluster.flink) attempt(endpoint);
    for (const TargetSpec& spec : cluster.reporters) attempt(spec.example());
    if (cluster.backfill) attempt(cluster.backfill->store);
  }
  for (const Endpoint& member : config.alertmanagers) attempt(member);
}

void tell_history_size(const Config& config) {
  if (config.data_dir.empty()) return;
  constexpr double kSeries = 10'000;
  const double bytes = expected_history_bytes(config.history, config.scrape_interval_ms, kSeries);
  std::printf(
      "history: %d day(s) in %s, about %s for each 10,000 series that are kept, %s at most\n",
      config.history.days, config.data_dir.c_str(), format_bytes(bytes).c_str(),
      format_bytes(static_cast<double>(config.history.bytes_max)).c_str());
}

int check_config(const std::string& path) {
  Flags flags;
  flags.config_file = path;
  const Result<Config> config = configuration(flags);
  if (!config) return refuse(config.error().message);
  warn(*config);
  try_credentials(*config);
  std::printf("%s: ok, %zu cluster(s), %zu Alertmanager(s)\n", path.c_str(),
              config->clusters.size(), config->alertmanagers.size());
  tell_history_size(*config);
  return 0;
}

void add_source_flags(CLI::App* verb, Flags& flags) {
  verb->add_option("--reporter", flags.reporters,
                   "Prometheus reporters of Flink's processes: HOST:PORT, HOST:FROM-TO, "
                   "dns:NAME:PORT, file:PATH or taskmanagers:PORT[-PORT]")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  verb->add_option("--probe", flags.probes,
                   "host probes, of all clusters: as --reporter, or local for this machine")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  verb->add_option("--expect-job", flags.expected_jobs, "a job that must be running")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_access_flags(*verb, flags.access);
}

/// One cluster; with the name of `run` for it, too.
CLI::Option* add_flink_flag(CLI::App* verb, Flags& flags) {
  return verb->add_option("URL,--flink", flags.flink, "the JobManager's REST address")
      ->required()
      ->expected(1);
}

void add_check_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb = app.add_subcommand("check", "look at a cluster, or at several, once and report");
  add_flink_flag(verb, flags)->required(false);
  CLI::Option* file = verb->add_option("--config", flags.config_file,
                                       "YAML configuration: its clusters take the place of URL")
                          ->type_name("FILE");
  verb->add_option("--cluster", flags.clusters, "this one of the file's clusters alone")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->needs(file);
  add_source_flags(verb, flags);
  verb->add_option("--format", flags.format)->check(CLI::IsMember({"text", "json"}));
  add_history_flags(*verb, flags.history);
  verb->add_option("--wait", flags.wait_seconds, "seconds between the two polls");
  verb->add_flag("--strict", flags.strict, "exit 3 when any detector cannot judge");
  verb->add_flag("--quiet", flags.quiet, "no progress on standard error");
  verb->callback([&] { code = run_check(flags); });
}

void add_run_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb = app.add_subcommand("run", "watch clusters until stopped");
  verb->add_option("--flink", flags.flink, "the JobManager's REST address")
      ->type_name("URL")
      ->allow_extra_args(false);
  add_source_flags(verb, flags);
  add_recording_flags(*verb, "--record", flags.recording);
  verb->add_option("--logs", flags.logs,
                   "log files of Flink's processes on this host, quoted: '/opt/flink/log/*.log'")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  verb->add_option("--shard", flags.shard,
                   "watch this shard's clusters only: 0/3 is the first of three; auto/3 takes the "
                   "ordinal of a StatefulSet's pod")
      ->type_name("K/N");
  verb->add_option("--config", flags.config_file, "YAML configuration")->type_name("FILE");
  verb->add_option("--listen", flags.listen, "where to serve (default 127.0.0.1:9669)")
      ->type_name("HOST:PORT");
  verb->add_option("--data-dir", flags.data_dir, "where to remember (default: nowhere)")
      ->type_name("DIR");
  verb->add_option("--alertmanager", flags.alertmanagers, "an Alertmanager to post to")
      ->type_name("URL")
      ->allow_extra_args(false);
  verb->callback([&flags, &code, verb] {
    std::size_t urls = 0;
    for (const CLI::Option* option : verb->parse_order()) {
      if (option->check_name("--flink")) ++urls;
      if (option->check_name("--reporter")) flags.reporter_places.push_back(urls);
      if (option->check_name("--logs")) flags.log_places.push_back(urls);
    }
    code = run_daemon(flags, true);
  });
}

void add_record_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb =
      app.add_subcommand("record", "write what a cluster tells, to judge it elsewhere");
  add_flink_flag(verb, flags);
  add_source_flags(verb, flags);
  add_recording_flags(*verb, "--output", flags.recording);
  verb->callback([&] { code = run_daemon(flags, false); });
}

void add_metrics_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb =
      app.add_subcommand("metrics", "which of Flink's metrics a cluster shows, and through what");
  add_flink_flag(verb, flags);
  add_source_flags(verb, flags);
  verb->add_option("--format", flags.format)->check(CLI::IsMember({"text", "json"}));
  verb->callback([&] { code = show_metrics(flags); });
}

/// Verbs that ask nobody.
void add_reading_verbs(CLI::App& app, Flags& flags, int& code) {
  CLI::App* detectors_verb = app.add_subcommand("detectors", "list the detectors");
  detectors_verb->add_flag("--matrix", flags.matrix, "what each can judge from which sources");
  detectors_verb->callback([&] { code = list_detectors(flags.matrix); });
  CLI::App* explain_verb = app.add_subcommand("explain", "print a detector's runbook");
  explain_verb->add_option("DETECTOR", flags.detector)->required();
  explain_verb->callback([&] { code = explain(flags.detector); });
  CLI::App* config_verb = app.add_subcommand("config", "work on configuration files");
  config_verb->require_subcommand(1);
  CLI::App* config_check = config_verb->add_subcommand("check", "say what is wrong with a file");
  config_check->add_option("FILE", flags.config_file)->required();
  config_check->callback([&] { code = check_config(flags.config_file); });
}

/// CLI11 says no more of a misspelt verb than that one is required.
bool is_unknown_verb(const CLI::App& app, std::string_view word) {
  if (word.empty() || word.front() == '-') return false;
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  return std::none_of(verbs.begin(), verbs.end(),
                      [&](const CLI::App* verb) { return verb->get_name() == word; });
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  Flags flags;
  int code = 0;
  CLI::App app{"Diagnoses Apache Flink clusters: what is wrong, why, and what to set."};
  app.set_version_flag("--version", std::string("flink-doctor ") + DOCTOR_VERSION);
  app.require_subcommand(1);
  add_check_verb(app, flags, code);
  add_run_verb(app, flags, code);
  add_probe_verb(app, code);
  add_record_verb(app, flags, code);
  add_recording_verbs(app, code);
  add_backtest_verb(app, code);
  add_history_verb(app, code);
  add_metrics_verb(app, flags, code);
  add_reading_verbs(app, flags, code);
  if (argc > 1 && is_unknown_verb(app, argv[1])) {
    std::fprintf(stderr,
                 "flink-doctor: there is no verb \"%s\"; `flink-doctor --help` lists them\n",
                 argv[1]);
    return kExitCannotJudge;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    // CLI11 ends --help and --version with an exception as well; those are successes.
    return app.exit(wrong) == 0 ? 0 : kExitCannotJudge;
  }
  return code;
}

}  // namespace doctor
