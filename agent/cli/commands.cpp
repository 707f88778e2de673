#include "agent/cli/commands.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/capability.hpp"
#include "agent/check.hpp"
#include "agent/cli/access_flags.hpp"
#include "agent/cli/probe_verb.hpp"
#include "agent/cli/recording_verbs.hpp"
#include "agent/config/config.hpp"
#include "agent/delivery/document.hpp"
#include "agent/delivery/report.hpp"
#include "agent/logs/glob.hpp"
#include "agent/net/keyring.hpp"
#include "agent/survey.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

/// What the user typed for `check` and `run`, before it becomes a Config.
struct Flags {
  std::vector<std::string> flink;
  std::vector<std::string> reporters;
  std::vector<std::string> probes;
  std::vector<std::string> logs;
  std::vector<std::string> alertmanagers;
  std::vector<std::string> expected_jobs;
  std::string config_file;
  std::string listen;
  std::string data_dir;
  std::string format{"text"};
  double wait_seconds{12};
  bool strict{false};
  bool quiet{false};
  bool matrix{false};
  std::string detector;
  AccessFlags access;
  RecordingFlags recording;
  /// For each of `reporters` and `logs`, how many --flink stood before it on the command line.
  std::vector<std::size_t> reporter_places;
  std::vector<std::size_t> log_places;
};

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

Result<std::string> read_file(const std::string& path) {
  constexpr std::streamsize kConfigBytesMax = 1 << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::io, "cannot read " + path + ": " + std::strerror(errno)};
  std::string text(static_cast<std::size_t>(kConfigBytesMax) + 1, '\0');
  file.read(text.data(), kConfigBytesMax + 1);
  if (file.gcount() > kConfigBytesMax) {
    return Error{ErrorCode::too_large, path + " is larger than 1 MiB: not a configuration"};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// What is given with `flag`, a --reporter or --logs, belongs to the --flink before it; where all
/// --flink come first and there are as many of the flag, they pair up in order. One cluster takes
/// them all.
Result<std::size_t> cluster_of(const std::string& flag, const std::vector<std::string>& values,
                               const std::vector<std::size_t>& places, std::size_t index,
                               const Flags& flags, const Config& config) {
  if (config.clusters.size() == 1) return std::size_t{0};
  const std::size_t from_file = config.clusters.size() - flags.flink.size();
  const bool all_urls_first = std::all_of(places.begin(), places.end(),
                                          [&](std::size_t p) { return p == flags.flink.size(); });
  if (all_urls_first && values.size() == flags.flink.size()) return from_file + index;
  const bool clear =
      index < places.size() && places[index] > 0 && (!all_urls_first || flags.flink.size() == 1);
  if (clear) return from_file + places[index] - 1;
  return Error{ErrorCode::invalid_argument,
               flag + " " + printable(values[index], 60) + ": of which cluster? Give each " + flag +
                   " right after its --flink, or name those of each cluster in the configuration "
                   "file"};
}

Status add_reporters(const Flags& flags, Config& config) {
  for (std::size_t i = 0; i < flags.reporters.size(); ++i) {
    Result<TargetSpec> spec = parse_target_spec(flags.reporters[i]);
    if (!spec) return spec.error();
    if (config.clusters.empty()) break;  // validate() says that there is no cluster
    const Result<std::size_t> cluster =
        cluster_of("--reporter", flags.reporters, flags.reporter_places, i, flags, config);
    if (!cluster) return cluster.error();
    config.clusters[*cluster].reporters.push_back(std::move(*spec));
    connect_access(config.clusters[*cluster]);
  }
  return Done{};
}

Status add_logs(const Flags& flags, Config& config) {
  for (std::size_t i = 0; i < flags.logs.size(); ++i) {
    Result<std::string> glob = parse_log_glob(flags.logs[i]);
    if (!glob) return Error{glob.error().code, "--logs " + glob.error().message};
    if (config.clusters.empty()) break;  // validate() says that there is no cluster
    const Result<std::size_t> cluster =
        cluster_of("--logs", flags.logs, flags.log_places, i, flags, config);
    if (!cluster) return cluster.error();
    config.clusters[*cluster].logs.push_back(std::move(*glob));
  }
  return Done{};
}

/// Flags add to the file, and win where both speak.
Result<Config> configuration(const Flags& flags) {
  Config config;
  if (!flags.config_file.empty()) {
    Result<std::string> text = read_file(flags.config_file);
    if (!text) return text.error();
    Result<Config> parsed = parse_config(*text);
    if (!parsed) {
      return Error{parsed.error().code, flags.config_file + ":\n" + parsed.error().message};
    }
    config = std::move(*parsed);
  }
  for (const std::string& url : flags.flink) {
    Result<ClusterConfig> cluster = cluster_from_url(url);
    if (!cluster) return cluster.error();
    config.clusters.push_back(std::move(*cluster));
  }
  if (const Status ok = add_reporters(flags, config); !ok) return ok.error();
  const std::size_t from_file = config.clusters.size() - flags.flink.size();
  if (const Status ok = apply(flags.access, config, from_file); !ok) return ok.error();
  for (const std::string& text : flags.probes) {
    const Result<TargetSpec> probe = parse_probe_spec(text);
    if (!probe) return probe.error();
    for (ClusterConfig& cluster : config.clusters) cluster.probes.push_back(*probe);
  }
  if (const Status ok = add_logs(flags, config); !ok) return ok.error();
  for (const std::string& job : flags.expected_jobs) {
    for (ClusterConfig& cluster : config.clusters) cluster.expected_jobs.push_back(job);
  }
  for (const std::string& url : flags.alertmanagers) {
    Result<Endpoint> member = parse_url(url, 9093);
    if (!member) return member.error();
    member->access = std::make_shared<const HttpAccess>(
        HttpAccess{"alertmanagers[].tls", "alertmanagers[].auth"});  // to say what to set
    config.alertmanagers.push_back(std::move(*member));
  }
  if (const Status ok = apply(flags.recording, config); !ok) return ok.error();
  if (!flags.data_dir.empty()) config.data_dir = flags.data_dir;
  if (!flags.listen.empty()) {
    if (const Status ok = parse_listen(flags.listen, config); !ok) return ok.error();
  }
  if (const Status ok = add_user_metrics(config.user_metrics); !ok) return ok.error();
  if (const Status ok = validate(config); !ok) return ok.error();
  return config;
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
  }
  for (const Endpoint& member : config.alertmanagers) attempt(member);
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

void add_check_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb = app.add_subcommand("check", "look at a cluster once and report");
  verb->add_option("URL", flags.flink, "the JobManager's REST address")->required()->expected(1);
  add_source_flags(verb, flags);
  verb->add_option("--format", flags.format)->check(CLI::IsMember({"text", "json"}));
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
  verb->add_option("--flink", flags.flink, "its REST address")->required()->expected(1);
  add_source_flags(verb, flags);
  add_recording_flags(*verb, "--output", flags.recording);
  verb->callback([&] { code = run_daemon(flags, false); });
}

void add_metrics_verb(CLI::App& app, Flags& flags, int& code) {
  CLI::App* verb =
      app.add_subcommand("metrics", "which of Flink's metrics a cluster shows, and through what");
  verb->add_option("URL", flags.flink, "the JobManager's REST address")->required()->expected(1);
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
  add_metrics_verb(app, flags, code);
  add_reading_verbs(app, flags, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    // CLI11 ends --help and --version with an exception as well; those are successes.
    return app.exit(wrong) == 0 ? 0 : kExitCannotJudge;
  }
  return code;
}

}  // namespace doctor
